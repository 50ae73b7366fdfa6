//! A member of a classic group.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{Context, Refusal};
use crate::coordinator::Token;
use crate::group::{JoinGroup, JoinReply, Protocol, Reply, SyncReply};
use crate::types::{MemberId, Now};

/// A member; its id is the key under which the group holds it.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// `group.instance.id` of a static member.
    pub(super) instance: Option<Arc<str>>,
    pub(super) client_id: Arc<str>,
    pub(super) client_host: Arc<str>,
    pub(super) rebalance_timeout_ms: i32,
    pub(super) session_timeout_ms: i32,
    /// In the member's order of preference.
    pub(super) protocols: Vec<Protocol>,
    pub(super) assignment: Bytes,
    pub(super) awaiting: Option<Awaiting>,
    /// When the member counts as dead unless it is heard of.
    pub(super) deadline: Now,
    /// Its first JoinGroup is not answered yet.
    pub(super) is_new: bool,
    /// It was told of the generation and has to send its SyncGroup.
    pub(super) owes_sync: bool,
}

/// The parked request of a member.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Awaiting {
    Join(Token),
    Sync(Token),
}

impl Member {
    pub(super) fn joining(request: &JoinGroup, deadline: Now) -> Self {
        Self {
            instance: request.instance.clone(),
            client_id: Arc::clone(&request.client_id),
            client_host: Arc::clone(&request.client_host),
            rebalance_timeout_ms: request.rebalance_timeout_ms,
            session_timeout_ms: request.session_timeout_ms,
            protocols: request.protocols.clone(),
            assignment: Bytes::new(),
            awaiting: None,
            deadline,
            is_new: true,
            owes_sync: false,
        }
    }

    pub(super) fn session_timeout(&self) -> Duration {
        milliseconds(self.session_timeout_ms)
    }

    pub(super) fn is_static(&self) -> bool {
        self.instance.is_some()
    }

    pub(super) fn is_awaiting_join(&self) -> bool {
        matches!(self.awaiting, Some(Awaiting::Join(_)))
    }

    /// When it expires. One whose request is parked cannot send heartbeats and does not expire; a new one does all the same, for its client
    /// may be gone and nothing would tell.
    pub(super) fn expires(&self) -> Option<Now> {
        (self.is_new || self.awaiting.is_none()).then_some(self.deadline)
    }

    /// The member's metadata for a protocol; empty if it does not know it.
    pub(super) fn metadata(&self, protocol: &str) -> Bytes {
        self.protocols.iter().find(|own| &*own.name == protocol).map(|own| own.metadata.clone()).unwrap_or_default()
    }
}

impl Awaiting {
    /// Answers that the group does not do what was asked.
    pub(super) fn refuse(self, context: &mut Context<'_>, member: MemberId, refusal: Refusal) {
        match self {
            Self::Join(token) => context.reply(token, Reply::Join(JoinReply::refused(member, refusal))),
            Self::Sync(token) => context.reply(token, Reply::Sync(SyncReply::refused(refusal))),
        }
    }
}

impl JoinReply {
    pub(super) fn refused(member: MemberId, refusal: Refusal) -> Self {
        Self {
            refusal: Some(refusal),
            generation: -1,
            protocol_type: None,
            protocol: None,
            leader: MemberId::new(""),
            member,
            members: Vec::new(),
            skip_assignment: false,
        }
    }
}

impl SyncReply {
    pub(super) fn refused(refusal: Refusal) -> Self {
        Self { refusal: Some(refusal), protocol_type: None, protocol: None, assignment: Bytes::new() }
    }
}

/// A timeout as clients give it; none is below zero.
pub(super) fn milliseconds(timeout: i32) -> Duration {
    Duration::from_millis(u64::try_from(timeout).unwrap_or(0))
}
