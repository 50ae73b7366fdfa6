//! A simulated consumer: joins, computes the assignment when it leads, sends heartbeats, commits, and makes trouble while it may.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    FindCoordinatorRequest, HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, SyncGroupRequest,
};
use kafka_protocol::protocol::StrBytes;
use klamm::seams::Random;

use super::history::{Accepted, History, Synced};
use super::offsets::{commit, fetch};
use super::{GROUP, PARTITIONS, SESSION_MS, group_id};
use crate::peer::{Peer, pause};

pub(super) const NONE: i16 = 0;
/// A consumer's metadata: version 0, no topic by name, no user data.
const SUBSCRIPTION: &[u8] = b"\0\0\0\0\0\0\xff\xff\xff\xff";
const COORDINATOR_LOAD_IN_PROGRESS: i16 = 14;
const COORDINATOR_NOT_AVAILABLE: i16 = 15;
const NOT_COORDINATOR: i16 = 16;
const ILLEGAL_GENERATION: i16 = 22;
const UNKNOWN_MEMBER_ID: i16 = 25;
const REBALANCE_IN_PROGRESS: i16 = 27;
const MEMBER_ID_REQUIRED: i16 = 79;

pub(super) type Shared = Arc<Mutex<History>>;

/// Whether the coordinator only has to be asked again.
pub(super) fn is_passing(code: i16) -> bool {
    [COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR].contains(&code)
}

/// What a member holds between two rebalances.
#[derive(Clone, Debug)]
struct Held {
    generation: i32,
    partitions: Vec<i32>,
}

/// One consumer, which comes back as a new member when it has lost its id.
pub(super) struct Member {
    peer: Peer,
    history: Shared,
    random: Random,
    id: String,
    held: Option<Held>,
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

impl Member {
    pub(super) fn new(name: &'static str, history: Shared, random: Random) -> Self {
        Self { peer: Peer::new(name), history, random, id: String::new(), held: None }
    }

    /// Takes part and makes trouble for so many rounds.
    pub(super) async fn churn(&mut self, rounds: usize) -> Result<(), String> {
        for _ in 0..rounds {
            self.round(true).await?;
        }
        Ok(())
    }

    /// Takes part quietly until the time that all stop. Returns what it held in the end.
    pub(super) async fn rest(&mut self) -> Result<Option<(i32, Vec<i32>)>, String> {
        while self.history.lock().unwrap().rest_until.is_none_or(|end| turmoil::sim_elapsed() < Some(end)) {
            self.round(false).await?;
        }
        Ok(self.held.clone().map(|held| (held.generation, held.partitions)))
    }

    async fn round(&mut self, churns: bool) -> Result<(), String> {
        if self.held.is_none() {
            self.join().await?;
        }
        tokio::time::sleep(Duration::from_millis(100 + self.random.below(200))).await;
        if churns {
            self.make_trouble().await;
        }
        self.beat().await?;
        self.use_offsets().await
    }

    async fn make_trouble(&mut self) {
        match self.random.below(100) {
            0..4 => self.leave().await,
            // Silent for longer than its session: it comes back with what it held, and must be refused if others went on.
            4..8 => tokio::time::sleep(Duration::from_millis(SESSION_MS + 200 + self.random.below(1_500))).await,
            // The connection breaks; whatever is under way is lost.
            8..14 => self.peer.hang_up(),
            // Gone without a word, back as somebody else.
            14..16 => {
                self.id = String::new();
                self.held = None;
            }
            _ => {}
        }
    }

    async fn join(&mut self) -> Result<(), String> {
        let protocol =
            JoinGroupRequestProtocol::default().with_name(text("range")).with_metadata(Bytes::from_static(SUBSCRIPTION));
        let request = JoinGroupRequest::default()
            .with_group_id(group_id())
            .with_session_timeout_ms(i32::try_from(SESSION_MS).expect("short"))
            .with_rebalance_timeout_ms(1_500)
            .with_member_id(text(&self.id))
            .with_group_instance_id(None)
            .with_protocol_type(text("consumer"))
            .with_protocols(vec![protocol])
            .with_reason(None);
        let Some(joined) = self.peer.attempt(9, &request).await else { return Ok(()) };
        match joined.error_code {
            NONE => self.sync(joined).await,
            MEMBER_ID_REQUIRED => {
                self.id = joined.member_id.to_string();
                Ok(())
            }
            UNKNOWN_MEMBER_ID => {
                self.id = String::new();
                Ok(())
            }
            REBALANCE_IN_PROGRESS => Ok(()),
            code if is_passing(code) => {
                pause().await;
                // Whoever asks first has the topic made.
                let find = FindCoordinatorRequest::default().with_coordinator_keys(vec![text(GROUP)]);
                let _ = self.peer.attempt(4, &find).await;
                Ok(())
            }
            code => Err(format!("joining: error {code}")),
        }
    }

    async fn sync(&mut self, joined: JoinGroupResponse) -> Result<(), String> {
        self.id = joined.member_id.to_string();
        let assignments = if joined.leader == joined.member_id { assign(&joined) } else { Vec::new() };
        let request = SyncGroupRequest::default()
            .with_group_id(group_id())
            .with_generation_id(joined.generation_id)
            .with_member_id(text(&self.id))
            .with_group_instance_id(None)
            .with_protocol_type(Some(text("consumer")))
            .with_protocol_name(Some(text("range")))
            .with_assignments(assignments);
        let Some(synced) = self.peer.attempt(5, &request).await else { return Ok(()) };
        match synced.error_code {
            NONE => {
                let partitions: Vec<i32> = synced.assignment.iter().map(|partition| i32::from(*partition)).collect();
                let mut history = self.history.lock().unwrap();
                let at = history.now();
                let (member, generation) = (self.id.clone(), joined.generation_id);
                history.synced.push(Synced { at, member, generation, partitions: partitions.clone() });
                self.held = Some(Held { generation, partitions });
            }
            UNKNOWN_MEMBER_ID => self.id = String::new(),
            ILLEGAL_GENERATION | REBALANCE_IN_PROGRESS => {}
            code if is_passing(code) => pause().await,
            code => return Err(format!("syncing: error {code}")),
        }
        Ok(())
    }

    async fn beat(&mut self) -> Result<(), String> {
        let Some(held) = self.held.clone() else { return Ok(()) };
        let request = HeartbeatRequest::default()
            .with_group_id(group_id())
            .with_generation_id(held.generation)
            .with_member_id(text(&self.id))
            .with_group_instance_id(None);
        let sent = self.history.lock().unwrap().now();
        let Some(answer) = self.peer.attempt(4, &request).await else { return Ok(()) };
        self.heard(answer.error_code, held.generation, sent)
    }

    /// Draws the conclusions of a heartbeat's or commit's answer.
    fn heard(&mut self, code: i16, generation: i32, sent: u64) -> Result<(), String> {
        match code {
            NONE => {
                self.history.lock().unwrap().accepted.push(Accepted { sent, generation });
            }
            REBALANCE_IN_PROGRESS => self.held = None,
            ILLEGAL_GENERATION | UNKNOWN_MEMBER_ID => {
                self.id = String::new();
                self.held = None;
            }
            code if is_passing(code) => {}
            code => return Err(format!("a heartbeat or commit: error {code}")),
        }
        Ok(())
    }

    async fn use_offsets(&mut self) -> Result<(), String> {
        let Some(held) = self.held.clone() else { return Ok(()) };
        for partition in held.partitions {
            if self.random.chance(50) {
                let sent = self.history.lock().unwrap().now();
                let code = commit(&mut self.peer, &self.history, &self.id, held.generation, partition).await;
                if let Some(code) = code {
                    self.heard(code, held.generation, sent)?;
                }
            }
            if self.random.chance(30) {
                fetch(&mut self.peer, &self.history, partition).await?;
            }
            if self.held.is_none() {
                break;
            }
        }
        Ok(())
    }

    async fn leave(&mut self) {
        let member = MemberIdentity::default()
            .with_member_id(text(&self.id))
            .with_group_instance_id(None)
            .with_reason(Some(text("tired")));
        let request = LeaveGroupRequest::default().with_group_id(text(GROUP).into()).with_members(vec![member]);
        let _ = self.peer.attempt(5, &request).await;
        self.id = String::new();
        self.held = None;
    }
}

/// The leader's share-out: partition by partition to the members in turn.
fn assign(joined: &JoinGroupResponse) -> Vec<SyncGroupRequestAssignment> {
    let mut shares: BTreeMap<&StrBytes, Vec<u8>> = joined.members.iter().map(|member| (&member.member_id, Vec::new())).collect();
    let count = joined.members.len();
    for partition in 0..PARTITIONS {
        let index = usize::try_from(partition).expect("small") % count;
        let member = &joined.members[index].member_id;
        shares.entry(member).or_default().push(u8::try_from(partition).expect("small"));
    }
    let shares = shares.into_iter();
    shares
        .map(|(member, share)| SyncGroupRequestAssignment::default().with_member_id(member.clone()).with_assignment(share.into()))
        .collect()
}
