//! Requests from an input, and their answers.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Buf, Bytes};
use klamm::config::ListenerPurpose;
use klamm::protocol::ApiKey;
use serde_json::Value;
use tokio::time::timeout;
use turmoil::net::TcpStream;

use super::Told;
use super::audit::Auditor;
use super::model::{Model, errors};
use crate::node::BROKER;
use crate::support::client::Client;
use crate::support::made_up::{self, Choices, Pools};
use crate::support::schema::Schemas;

/// Requests of one conversation.
const MOST_REQUESTS: usize = 80;
const CONNECTIONS: usize = 3;
/// Half of the requests are of these.
const OFTEN: [ApiKey; 8] = [
    ApiKey::Produce,
    ApiKey::Produce,
    ApiKey::Fetch,
    ApiKey::CreateTopics,
    ApiKey::JoinGroup,
    ApiKey::SyncGroup,
    ApiKey::OffsetCommit,
    ApiKey::DeleteRecords,
];
/// An answer that is not there by then is not waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// What an answer that has to wait for the disk, or for the node's start, may take.
const LONG_PATIENCE: Duration = Duration::from_secs(60);

const UNKNOWN_SERVER_ERROR: i64 = -1;
const REQUEST_TIMED_OUT: i64 = 7;

pub(super) struct Stranger {
    input: Vec<u8>,
    schemas: Schemas,
    connections: [Option<Client<TcpStream>>; CONNECTIONS],
    pools: Pools,
    model: Model,
    correlation: i32,
    told: Arc<Mutex<Told>>,
}

/// One request on its way.
struct Asked {
    key: ApiKey,
    version: i16,
    request: Value,
    /// Its bytes are not those of `request`.
    is_bent: bool,
    frame: Vec<u8>,
}

impl Asked {
    /// Whether its answer may be a long time coming: members wait for each other, fetches for records.
    fn may_wait(&self) -> bool {
        self.is_bent || matches!(self.key, ApiKey::JoinGroup | ApiKey::SyncGroup | ApiKey::Fetch)
    }

    fn is_answered(&self) -> bool {
        self.key != ApiKey::Produce || self.request["acks"] != 0
    }
}

impl Stranger {
    pub(super) fn new(input: &[u8], told: Arc<Mutex<Told>>) -> Self {
        Self {
            input: input.to_vec(),
            schemas: Schemas::read(include_str!("../../golden/answers/schemas.json")),
            connections: Default::default(),
            pools: Pools::default(),
            model: Model::default(),
            correlation: 0,
            told,
        }
    }

    pub(super) async fn talk(mut self) -> Result<(), String> {
        let input = std::mem::take(&mut self.input);
        let mut choices = Choices::new(&input);
        let mut auditor = Auditor::connect().await?;
        auditor.prepare().await?;
        self.model.topics.insert("t".to_owned());
        auditor.audit(&mut self.model, &mut self.pools).await?;
        for _ in 0..MOST_REQUESTS {
            if choices.is_over() {
                break;
            }
            let (by, asked) = (choices.below(CONNECTIONS), self.make(&mut choices));
            let shown = format!("{} {} {}{}", asked.key, asked.version, asked.request, if asked.is_bent { ", bent" } else { "" });
            self.put(by, &asked).await.map_err(|wrong| format!("{shown}: {wrong}"))?;
            auditor.audit(&mut self.model, &mut self.pools).await.map_err(|wrong| format!("after {shown}: {wrong}"))?;
        }
        self.connections = Default::default();
        auditor.read_all(&self.model).await?;
        let mut told = self.told.lock().unwrap();
        (told.batches, told.commits) = (self.model.acknowledged, self.model.committed);
        Ok(())
    }

    fn make(&mut self, choices: &mut Choices<'_>) -> Asked {
        let served: Vec<ApiKey> =
            ApiKey::ALL.iter().copied().filter(|key| key.advertised(ListenerPurpose::Broker).is_some()).collect();
        let key = if choices.seldom(2) { OFTEN[choices.below(OFTEN.len())] } else { served[choices.below(served.len())] };
        let versions = key.served().expect("it is advertised");
        // The newest is the most usual one.
        let version =
            versions.max - i16::try_from(choices.below(usize::from((versions.max - versions.min + 1).cast_unsigned()))).unwrap();
        let layout = self.schemas.request(key.name(), version);
        let request = made_up::request(layout, &self.pools, choices);
        self.correlation += 1;
        let mut frame = [key.number().to_be_bytes(), version.to_be_bytes()].concat();
        frame.extend(self.correlation.to_be_bytes());
        frame.extend([0, 1, b's']);
        frame.extend(if layout.is_flexible() { &[0][..] } else { &[] });
        frame.extend(layout.encode(&request));
        let is_bent = choices.seldom(24);
        if is_bent {
            let (place, how) = (choices.below(frame.len().min(256)), choices.below(3));
            match how {
                0 => frame.truncate(place),
                1 => frame[place] = choices.byte(),
                _ => frame.extend([choices.byte(); 3]),
            }
        }
        Asked { key, version, request, is_bent, frame }
    }

    /// Puts a request and takes note of what came of it.
    async fn put(&mut self, by: usize, asked: &Asked) -> Result<(), String> {
        self.told.lock().unwrap().requests += 1;
        if self.connections[by].is_none() {
            let stream = TcpStream::connect(BROKER).await.map_err(|error| error.to_string())?;
            self.connections[by] = Some(Client::new(stream, "stranger"));
        }
        let connection = self.connections[by].as_mut().unwrap();
        // A connection that was closed says so when the answer does not come.
        drop(connection.send_frame(&asked.frame).await);
        if !asked.is_answered() && !asked.is_bent {
            self.connections[by] = None;
            return Ok(());
        }
        let patience = if asked.may_wait() { PATIENCE } else { LONG_PATIENCE };
        let answer = match timeout(patience, connection.receive_frame()).await {
            Ok(Ok(answer)) if !asked.is_bent => answer,
            Err(_) if !asked.may_wait() => return Err("no answer".to_owned()),
            Ok(Err(_)) if !asked.is_bent => return Err("the connection was closed".to_owned()),
            _ => {
                self.connections[by] = None;
                self.model.is_uncertain |= asked.is_bent;
                return Ok(());
            }
        };
        let answer = self.read(asked, answer)?;
        self.pools.learn(&answer);
        let codes = errors(&answer);
        // Where Kafka's own code fails, its answer is ours: an unknown operation on settings, negative sizes.
        let fails_in_kafka = matches!(asked.key, ApiKey::IncrementalAlterConfigs | ApiKey::AlterConfigs | ApiKey::Fetch);
        if codes.contains(&UNKNOWN_SERVER_ERROR) && !fails_in_kafka {
            return Err(format!("UNKNOWN_SERVER_ERROR in {answer}"));
        }
        let mut told = self.told.lock().unwrap();
        told.answers += 1;
        told.successes += usize::from(codes.iter().all(|code| *code == 0));
        drop(told);
        self.model.is_uncertain |= codes.contains(&REQUEST_TIMED_OUT);
        self.model.apply(asked.key, &asked.request, &answer);
        Ok(())
    }

    fn read(&self, asked: &Asked, mut answer: Bytes) -> Result<Value, String> {
        let correlation = answer.try_get_i32().map_err(|error| error.to_string())?;
        if correlation != self.correlation {
            return Err(format!("the answer is to {correlation}, not {}", self.correlation));
        }
        if asked.key.response_header_version(asked.version) > 0 {
            answer.advance(1);
        }
        self.schemas.response(asked.key.name(), asked.version).decode(&mut answer)
    }
}
