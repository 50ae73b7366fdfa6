//! Incremental fetch sessions (KIP-227; FetchManager.java, FetchSession.java).
//!
//! A session remembers which partitions a consumer fetches and what it was last told of each, so that later requests name only
//! changes and answers carry only news.

use indexmap::{IndexMap, IndexSet};

use crate::types::{LeaderEpoch, Now, Offset, PartitionIndex, TopicId, TopicName};
use std::time::Duration;

/// How a request names a topic: by name up to Fetch 12, by id from 13 on.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum TopicKey {
    Name(TopicName),
    Id(TopicId),
}

/// A partition as a fetch names it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct FetchTarget {
    pub topic: TopicKey,
    pub partition: PartitionIndex,
}

/// What a fetch asks of one partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PartitionRequest {
    pub fetch_offset: Offset,
    pub max_bytes: i32,
    /// `None` for -1: no check.
    pub current_leader_epoch: Option<LeaderEpoch>,
    pub last_fetched_epoch: Option<LeaderEpoch>,
}

/// What decides whether an incremental answer mentions a partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PartitionAnswer {
    pub high_watermark: i64,
    pub log_start_offset: i64,
    pub has_records: bool,
    /// An error, a preferred replica or a diverging epoch: always told.
    pub must_tell: bool,
    pub is_error: bool,
    /// The topic's id was known: it stays so for the session, even if the topic is deleted.
    pub is_topic_known: bool,
}

/// The session fields of a fetch request.
#[derive(Debug)]
pub struct SessionRequest {
    pub session_id: i32,
    pub session_epoch: i32,
    pub uses_topic_ids: bool,
    pub partitions: Vec<(FetchTarget, PartitionRequest)>,
    pub forgotten: Vec<FetchTarget>,
}

/// Why a session request is refused, each with Kafka's code of the same name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SessionRefusal {
    SessionIdNotFound,
    InvalidSessionEpoch,
    TopicIdError,
}

/// How this request's answer relates to a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// No session: the answer mentions everything.
    Sessionless,
    /// Mentions everything and opens a session.
    Full,
    /// Mentions only news of session `id`, as asked at `epoch`.
    Incremental { id: i32, epoch: i32 },
}

/// What to fetch for one request, in the order in which to serve it.
#[derive(Debug)]
pub struct SessionView {
    kind: Kind,
    uses_topic_ids: bool,
    pub partitions: Vec<(FetchTarget, PartitionRequest)>,
    /// Those whose topic was known to the session before.
    pub known: IndexSet<FetchTarget>,
}

#[derive(Debug)]
struct CachedPartition {
    request: PartitionRequest,
    /// What the client was last told; -1 before the first answer and after an error, so that the next answer tells again.
    high_watermark: i64,
    log_start_offset: i64,
    is_topic_known: bool,
}

impl CachedPartition {
    fn new(request: PartitionRequest) -> Self {
        Self { request, high_watermark: -1, log_start_offset: -1, is_topic_known: false }
    }

    /// Takes note of an answer; returns whether the client has to be told.
    fn update(&mut self, answer: &PartitionAnswer) -> bool {
        let news = answer.has_records
            || answer.must_tell
            || self.high_watermark != answer.high_watermark
            || self.log_start_offset != answer.log_start_offset;
        self.high_watermark = if answer.is_error { -1 } else { answer.high_watermark };
        self.log_start_offset = answer.log_start_offset;
        self.is_topic_known |= answer.is_topic_known;
        news
    }
}

#[derive(Debug)]
struct Session {
    epoch: i32,
    uses_topic_ids: bool,
    created: Now,
    last_used: Now,
    partitions: IndexMap<FetchTarget, CachedPartition>,
}

/// All sessions of a broker; `slots` is `max.incremental.fetch.session.cache.slots`.
#[derive(Debug)]
pub struct FetchSessions {
    slots: usize,
    sessions: IndexMap<i32, Session>,
}

/// A session unused for this long may be pushed out by a new one; one that was in use for longer, by a new one of more partitions
/// (FetchSessionCacheShard.tryEvict, MIN_INCREMENTAL_FETCH_SESSION_EVICTION_MS).
const EVICTION_AFTER: Duration = Duration::from_secs(120);
const INITIAL_EPOCH: i32 = 0;
const FINAL_EPOCH: i32 = -1;

impl FetchSessions {
    #[must_use]
    pub fn new(slots: usize) -> Self {
        Self { slots, sessions: IndexMap::new() }
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// Resolves the session fields of a request to the partitions that it means.
    ///
    /// # Errors
    /// The session is not known, the epoch is not the one expected, or names and ids are mixed in one session.
    pub fn begin(&mut self, request: SessionRequest, now: Now) -> Result<SessionView, SessionRefusal> {
        let SessionRequest { session_id, session_epoch, uses_topic_ids, partitions, forgotten } = request;
        if session_epoch == INITIAL_EPOCH || session_epoch == FINAL_EPOCH {
            if session_id != 0 {
                self.sessions.swap_remove(&session_id);
            }
            let kind = if session_epoch == FINAL_EPOCH { Kind::Sessionless } else { Kind::Full };
            return Ok(SessionView { kind, uses_topic_ids, partitions, known: IndexSet::new() });
        }
        let session = self.sessions.get_mut(&session_id).ok_or(SessionRefusal::SessionIdNotFound)?;
        if session.epoch != session_epoch {
            return Err(SessionRefusal::InvalidSessionEpoch);
        }
        if session.uses_topic_ids != uses_topic_ids {
            return Err(SessionRefusal::TopicIdError);
        }
        for (target, asked) in &partitions {
            session
                .partitions
                .entry(target.clone())
                .and_modify(|cached| cached.request = *asked)
                .or_insert_with(|| CachedPartition::new(*asked));
        }
        for target in &forgotten {
            session.partitions.shift_remove(target);
        }
        if session.partitions.is_empty() {
            self.sessions.swap_remove(&session_id);
            return Ok(SessionView { kind: Kind::Sessionless, uses_topic_ids, partitions, known: IndexSet::new() });
        }
        session.epoch = next_epoch(session_epoch);
        session.last_used = now;
        let partitions = session.partitions.iter().map(|(target, cached)| (target.clone(), cached.request)).collect();
        let known =
            session.partitions.iter().filter(|(_, cached)| cached.is_topic_known).map(|(target, _)| target.clone()).collect();
        Ok(SessionView { kind: Kind::Incremental { id: session_id, epoch: session.epoch }, uses_topic_ids, partitions, known })
    }

    /// Closes the books on an answer: `answers` stand in the order of the view's partitions. Returns the session id to send and,
    /// for each partition, whether the answer mentions it.
    ///
    /// # Errors
    /// Another request moved the session on meanwhile.
    pub fn finish(
        &mut self,
        view: &SessionView,
        answers: &[PartitionAnswer],
        now: Now,
        random: impl FnMut() -> u64,
    ) -> Result<(i32, Vec<bool>), SessionRefusal> {
        match view.kind {
            Kind::Sessionless => Ok((0, vec![true; answers.len()])),
            Kind::Full => Ok((self.open(view, answers, now, random), vec![true; answers.len()])),
            Kind::Incremental { id, epoch } => {
                let session = self.sessions.get_mut(&id).ok_or(SessionRefusal::SessionIdNotFound)?;
                if session.epoch != epoch {
                    return Err(SessionRefusal::InvalidSessionEpoch);
                }
                let mut told = Vec::with_capacity(answers.len());
                for ((target, _), answer) in view.partitions.iter().zip(answers) {
                    told.push(session.partitions.get_mut(target).is_some_and(|cached| cached.update(answer)));
                    if answer.has_records {
                        // Served partitions go to the end, so that the others get their turn.
                        if let Some(cached) = session.partitions.shift_remove(target) {
                            session.partitions.insert(target.clone(), cached);
                        }
                    }
                }
                Ok((id, told))
            }
        }
    }

    /// Opens a session if a slot is free or can be freed; 0 if not.
    fn open(&mut self, view: &SessionView, answers: &[PartitionAnswer], now: Now, mut random: impl FnMut() -> u64) -> i32 {
        if !self.make_room(view.partitions.len(), now) {
            return 0;
        }
        let id = loop {
            // 31 bits, never 0.
            let id = i32::try_from(random() & 0x7fff_ffff).unwrap_or(0);
            if id != 0 && !self.sessions.contains_key(&id) {
                break id;
            }
        };
        let mut partitions = IndexMap::with_capacity(view.partitions.len());
        for ((target, asked), answer) in view.partitions.iter().zip(answers) {
            let mut cached = CachedPartition::new(*asked);
            cached.update(answer);
            partitions.insert(target.clone(), cached);
        }
        let (epoch, uses_topic_ids) = (next_epoch(INITIAL_EPOCH), view.uses_topic_ids);
        self.sessions.insert(id, Session { epoch, uses_topic_ids, created: now, last_used: now, partitions });
        id
    }

    /// Whether there is room for a session of so many partitions, if need be in place of one that is worth less.
    fn make_room(&mut self, partitions: usize, now: Now) -> bool {
        if self.sessions.len() < self.slots {
            return true;
        }
        let sessions = self.sessions.iter();
        let stale = sessions
            .clone()
            .filter(|(_, session)| now.since(session.last_used) > EVICTION_AFTER)
            .min_by_key(|(id, session)| (session.last_used, **id));
        let smaller = sessions
            .filter(|(_, session)| session.last_used.since(session.created) > EVICTION_AFTER)
            .filter(|(_, session)| session.partitions.len() < partitions)
            .min_by_key(|(id, session)| (session.partitions.len(), **id));
        let evicted = stale.or(smaller).map(|(id, _)| *id);
        evicted.is_some_and(|id| self.sessions.swap_remove(&id).is_some())
    }
}

/// Epochs run from 1 to 2^31-1 and wrap to 1 (FetchMetadata.nextEpoch).
fn next_epoch(epoch: i32) -> i32 {
    if epoch == i32::MAX { 1 } else { epoch + 1 }
}

#[cfg(test)]
#[path = "fetch_session_tests.rs"]
mod tests;
