//! What Apache Kafka 4.3.0 answered to scripts of requests, ordinary, odd and random ones, and what this node answers, field by field.
//! How the answers are recorded stands in tests/golden/answers/README.md.

mod compare;
mod conversation;
mod names;
mod recording;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use kafka_protocol::messages::ApiVersionsRequest;
use serde_json::{Value, json};

use crate::support::schema::Schemas;
use compare::{Judge, Known, changed, unordered};
use conversation::Conversation;
use names::{Names, Rules};
use recording::{Recording, file};

use crate::world::{Client, Running, Setup};

const ORDINARY_MIN: usize = 3;
const ODD_MIN: usize = 5;
/// Within this a node here has done what goes on in the background.
const SETTLING: Duration = Duration::from_millis(20);
const KAFKA_SETTLING: Duration = Duration::from_millis(300);

/// What the harness reads besides the recordings.
struct Harness {
    schemas: Schemas,
    rules: Rules,
    known: Vec<Known>,
    unordered: Vec<(String, String)>,
}

impl Harness {
    fn load() -> Self {
        let known: Vec<Known> = serde_json::from_str(&file("differences.json")).unwrap();
        let unordered = unordered(&known);
        Self { schemas: Schemas::read(&file("schemas.json")), rules: Rules::read(&file("rules.txt")), known, unordered }
    }

    fn conversation(&self, address: SocketAddr, settling: Duration) -> Conversation<'_> {
        Conversation::new(address, &self.schemas, &self.rules, &self.unordered, settling)
    }
}

/// A node as Kafka was for this recording.
async fn node(recording: &Recording) -> Running {
    let mut setup = Setup::new().with("auto.create.topics.enable", "true");
    for (key, value) in recording.settings() {
        setup = setup.with(key, value);
    }
    setup.start().await
}

/// Versions of each API that the node serves.
async fn advertised(client: &mut Client) -> BTreeMap<i16, (i16, i16)> {
    let answer = client.call(0, &ApiVersionsRequest::default()).await;
    answer.api_keys.iter().map(|api| (api.api_key, (api.min_version, api.max_version))).collect()
}

/// Plays a recording to a fresh node; whatever differs and is not known fails.
async fn play(name: &str) {
    let harness = Harness::load();
    let recording = Recording::load(name);
    let running = node(&recording).await;
    let served = advertised(&mut running.client().await).await;
    let mut judge = Judge::new(&harness.known, name);
    let (mut found, mut skipped, mut total) = (Vec::new(), BTreeSet::new(), 0);
    for chapter in &recording.chapters {
        let missing = chapter.steps.iter().find(|step| !served.contains_key(&harness.schemas.key(&step.api)));
        if let Some(step) = missing {
            skipped.insert(step.api.clone());
            continue;
        }
        let answers = harness.conversation(running.address(), SETTLING).hold(&chapter.steps).await;
        for (index, (step, answer)) in chapter.steps.iter().zip(&answers).enumerate() {
            let differences = judge.judge(step, answer);
            total += 1;
            let place = format!("{} #{index} {} {} {}", chapter.name, step.api, step.version, step.about);
            found.extend(differences.iter().map(|difference| format!("{place}: {difference}")));
        }
    }
    let same = total - judge.differing;
    println!("{name}: {same} of {total} answers are the same; not served: {skipped:?}");
    let same_min = if RANDOM.contains(&name) { total * 99 / 100 } else { 0 };
    if skipped.is_empty() {
        found.extend(judge.gone());
    }
    running.stop().await.unwrap();
    assert!(found.is_empty(), "{} fields differ:\n{}", found.len(), found.join("\n"));
    assert!(same >= same_min, "{name}: {same} of {total} answers are the same");
}

macro_rules! recordings {
    ($($name:ident)*) => {
        const SCRIPTED: &[&str] = &[$(stringify!($name)),*];

        mod scripted {
            $(#[tokio::test] async fn $name() { super::play(stringify!($name)).await; })*
        }
    };
}

recordings! { cluster topics admin records groups configs }

/// Of these most steps have to be the same, too.
const RANDOM: &[&str] = &["random_log", "random_groups", "random_configs"];

mod random {
    #[tokio::test]
    async fn random_configs() {
        super::play("random_configs").await;
    }

    #[tokio::test]
    async fn random_log() {
        super::play("random_log").await;
    }

    #[tokio::test]
    #[ignore = "two minutes, in which members wait for each other: make test-long"]
    async fn random_groups() {
        super::play("random_groups").await;
    }
}

/// Per API and version, how many ordinary and odd requests there are.
fn counted() -> BTreeMap<(String, i16), (usize, usize)> {
    let mut counted: BTreeMap<_, (usize, usize)> = BTreeMap::new();
    for name in SCRIPTED {
        for step in Recording::load(name).chapters.iter().flat_map(|chapter| &chapter.steps).filter(|step| step.is_counted()) {
            let (ordinary, odd) = counted.entry((step.api.clone(), step.version)).or_default();
            *if step.is_odd() { odd } else { ordinary } += 1;
        }
    }
    counted
}

#[tokio::test]
async fn every_version_of_every_api_is_asked_ordinary_and_odd_questions() {
    let harness = Harness::load();
    let running = Setup::new().start().await;
    let served = advertised(&mut running.client().await).await;
    let counted = counted();
    let mut short = Vec::new();
    for (key, (first, last)) in served {
        let Some(api) = harness.schemas.api(key) else {
            short.push(format!("no script for key {key}"));
            continue;
        };
        // Produce is told of from version 0 on, and served from 3.
        for version in first.max(harness.schemas.versions(api).first)..=last {
            let (ordinary, odd) = counted.get(&(api.to_owned(), version)).copied().unwrap_or_default();
            if ordinary < ORDINARY_MIN || odd < ODD_MIN {
                short.push(format!("{api} {version}: {ordinary} ordinary, {odd} odd"));
            }
        }
    }
    let sum = |pick: fn(&(usize, usize)) -> usize| counted.values().map(pick).sum::<usize>();
    println!("{} versions of APIs: {} ordinary requests, {} odd ones", counted.len(), sum(|asked| asked.0), sum(|asked| asked.1));
    running.stop().await.unwrap();
    assert!(short.is_empty(), "too few requests:\n{}", short.join("\n"));
}

#[test]
fn a_change_of_any_field_is_seen() {
    let harness = Harness::load();
    let mut kinds = BTreeSet::new();
    for name in SCRIPTED {
        for step in Recording::load(name).chapters.iter().flat_map(|chapter| &chapter.steps) {
            // One answer of each API, version and shape says enough.
            if !step.unstable.is_empty() || !kinds.insert((step.api.clone(), step.version, shape(&step.answer))) {
                continue;
            }
            for changed in changed(&step.answer) {
                let shown = Names::default().shown(&harness.rules, &harness.unordered, &step.api, &changed);
                let found = Judge::new(&[], name).judge(step, &shown);
                assert!(!found.is_empty(), "{name} {}: {changed} passes for {}", step.about, step.answer);
            }
        }
    }
    assert!(kinds.len() > 100);
}

/// Which fields there are, lists as long as one.
fn shape(value: &Value) -> String {
    match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| format!("{name}({})", shape(value))).collect(),
        Value::Array(all) => all.first().map(shape).unwrap_or_default(),
        Value::String(text) if text.starts_with('@') => "@".to_owned(),
        other => json!(other.is_null()).to_string(),
    }
}

#[test]
fn each_rule_is_of_a_field_that_there_is() {
    let harness = Harness::load();
    let mut met = BTreeSet::new();
    for name in SCRIPTED {
        for step in Recording::load(name).chapters.into_iter().flat_map(|chapter| chapter.steps) {
            fields(&step.api, "", &step.answer, &mut met);
        }
    }
    let gone: Vec<_> =
        harness.rules.fields().filter(|(api, field)| !met.contains(&((*api).to_owned(), (*field).to_owned()))).collect();
    assert!(gone.is_empty(), "no recorded answer has {gone:?}");
}

fn fields(api: &str, path: &str, value: &Value, met: &mut BTreeSet<(String, String)>) {
    met.insert((api.to_owned(), path.to_owned()));
    value.as_array().into_iter().flatten().for_each(|one| fields(api, path, one, met));
    for (name, value) in value.as_object().into_iter().flatten() {
        fields(api, &if path.is_empty() { name.clone() } else { format!("{path}.{name}") }, value, met);
    }
}

/// Asks a broker what a recording asks and keeps its answers in the file; fields that it answers otherwise than the file said before are
/// marked. `record.py` starts brokers for it and says what and where.
#[tokio::test]
#[ignore = "make record"]
#[expect(clippy::disallowed_methods, reason = "record.py tells by the environment where a broker is")]
async fn record() {
    let told =
        |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: tests/golden/answers/record.py does"));
    let (address, name) = (told("ANSWERS_BROKER").parse().unwrap(), told("ANSWERS_RECORDING"));
    let harness = Harness::load();
    let mut recording = Recording::load(&name);
    for chapter in &mut recording.chapters {
        let answers = harness.conversation(address, KAFKA_SETTLING).hold(&chapter.steps).await;
        for (step, answer) in chapter.steps.iter_mut().zip(answers) {
            let is_readable = answer.as_str().is_none_or(|text| ["closed", "no answer"].contains(&text));
            assert!(is_readable, "{}: {} {} {} is not understood: {answer}", chapter.name, step.api, step.version, step.about);
            if !step.answer.is_null() {
                let found = Judge::new(&harness.known, &name).judge(step, &answer);
                step.unstable.extend(found.into_iter().map(|difference| difference.field).collect::<BTreeSet<_>>());
            } else if !step.silent {
                step.answer = answer;
            }
        }
    }
    recording.save(&name);
}
