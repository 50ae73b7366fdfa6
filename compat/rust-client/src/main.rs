//! An rskafka client that the cases of this folder drive: `produce` sends what standard input names, `consume` reads a partition,
//! `topics` creates, lists and deletes. Settings are JSON in the second argument, answers one JSON object a line. rskafka has no groups.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, stdin};

use chrono::{DateTime, Utc};
use rskafka::client::error::Error as ClientError;
use rskafka::client::partition::{Compression, OffsetAt, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};
use rskafka::record::{Record, RecordAndOffset};
use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let mode = arguments.next().ok_or("no mode")?;
    let settings: Value = serde_json::from_str(&arguments.next().ok_or("no settings")?)?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run(&mode, &settings))
}

async fn run(mode: &str, settings: &Value) -> Outcome<()> {
    let client = ClientBuilder::new(vec![text(settings, "bootstrap")?]).build().await?;
    match mode {
        "produce" => produce(&client, settings).await,
        "consume" => consume(&client, settings).await,
        "topics" => topics(&client).await,
        other => Err(format!("mode {other}").into()),
    }
}

fn tell(what: &str, content: Value) {
    println!("{}", json!({ what: content }));
}

fn text(object: &Value, name: &str) -> Outcome<String> {
    Ok(object[name].as_str().ok_or_else(|| format!("no {name} in {object}"))?.to_owned())
}

/// The name of the broker's error, or else what went wrong.
fn name(error: &ClientError) -> String {
    match error {
        ClientError::ServerError { protocol_error, .. } => format!("{protocol_error:?}"),
        other => other.to_string(),
    }
}

async fn partition(client: &Client, named: &Value) -> Outcome<PartitionClient> {
    let number = i32::try_from(named["partition"].as_i64().unwrap_or(0))?;
    Ok(client.partition_client(text(named, "topic")?, number, UnknownTopicHandling::Retry).await?)
}

/// Sends all records to the partition that the first of them names, in one batch, and tells the offset of each, or the error's name.
async fn produce(client: &Client, settings: &Value) -> Outcome<()> {
    let codec = match settings["codec"].as_str() {
        None | Some("none") => Compression::NoCompression,
        Some("gzip") => Compression::Gzip,
        Some("snappy") => Compression::Snappy,
        Some("lz4") => Compression::Lz4,
        Some("zstd") => Compression::Zstd,
        Some(other) => return Err(format!("codec {other}").into()),
    };
    let lines = stdin().lock().lines().map(|line| Ok(serde_json::from_str(&line?)?)).collect::<Outcome<Vec<Value>>>()?;
    let target = partition(client, lines.first().ok_or("nothing to send")?).await?;
    let records = lines.iter().map(record).collect::<Outcome<Vec<_>>>()?;
    match target.produce(records, codec).await {
        Ok(offsets) => tell("answer", json!(offsets)),
        Err(error) => tell("answer", json!(vec![name(&error); lines.len()])),
    }
    Ok(())
}

fn record(line: &Value) -> Outcome<Record> {
    let bytes = |field: &Value| field.as_str().map(|text| text.as_bytes().to_vec());
    let mut headers = BTreeMap::new();
    for header in line["headers"].as_array().into_iter().flatten() {
        let key = header[0].as_str().ok_or("a header without a name")?;
        headers.insert(key.to_owned(), bytes(&header[1]).ok_or("a header without a value")?);
    }
    let timestamp = match line["timestamp"].as_i64() {
        Some(milliseconds) => DateTime::from_timestamp_millis(milliseconds).ok_or("a timestamp out of range")?,
        None => DateTime::<Utc>::from(std::time::SystemTime::now()),
    };
    Ok(Record { key: bytes(&line["key"]), value: bytes(&line["value"]), headers, timestamp })
}

/// Tells where `from` is, then each record from there until `count` have come.
async fn consume(client: &Client, settings: &Value) -> Outcome<()> {
    let source = partition(client, settings).await?;
    let from = &settings["from"];
    let mut offset = match (from.as_str(), from["offset"].as_i64(), from["timestamp"].as_i64()) {
        (Some("start"), ..) => source.get_offset(OffsetAt::Earliest).await?,
        (Some("end"), ..) => source.get_offset(OffsetAt::Latest).await?,
        (_, Some(offset), _) => offset,
        (.., Some(milliseconds)) => {
            let since = DateTime::from_timestamp_millis(milliseconds).ok_or("a timestamp out of range")?;
            source.get_offset(OffsetAt::Timestamp(since)).await?
        }
        _ => return Err(format!("from {from}").into()),
    };
    tell("answer", json!(offset));
    let mut left = settings["count"].as_u64().ok_or("no count")?;
    while left > 0 {
        let (records, _) = source.fetch_records(offset, 1..10_000_000, 500).await?;
        for each in records {
            offset = each.offset + 1;
            left = left.saturating_sub(1);
            tell("record", told(&each)?);
        }
    }
    Ok(())
}

fn told(got: &RecordAndOffset) -> Outcome<Value> {
    let text = |bytes: &Option<Vec<u8>>| bytes.clone().map(String::from_utf8).transpose();
    let mut headers = Vec::new();
    for (key, value) in &got.record.headers {
        headers.push(json!([key, String::from_utf8(value.clone())?]));
    }
    Ok(json!({ "offset": got.offset, "timestamp": got.record.timestamp.timestamp_millis(), "key": text(&got.record.key)?,
        "value": text(&got.record.value)?, "headers": headers }))
}

/// Does what each line of standard input says: to create, list, or delete topics, or to delete records.
async fn topics(client: &Client) -> Outcome<()> {
    let controller = client.controller_client()?;
    for line in stdin().lock().lines() {
        let told: Value = serde_json::from_str(&line?)?;
        let done = match told["do"].as_str() {
            Some("create") => {
                let partitions = i32::try_from(told["partitions"].as_i64().unwrap_or(1))?;
                controller.create_topic(text(&told, "topic")?, partitions, 1, 10_000).await
            }
            Some("delete") => controller.delete_topic(text(&told, "topic")?, 10_000).await,
            Some("delete records") => {
                let before = told["before"].as_i64().ok_or("no offset")?;
                partition(client, &told).await?.delete_records(before, 10_000).await
            }
            Some("list") => {
                let found = client.list_topics().await?;
                let partitions: BTreeMap<_, _> = found.into_iter().map(|each| (each.name, each.partitions.len())).collect();
                tell("answer", json!(partitions));
                continue;
            }
            other => return Err(format!("do {other:?}").into()),
        };
        tell("answer", done.map_or_else(|error| json!(name(&error)), |()| json!("done")));
    }
    Ok(())
}
