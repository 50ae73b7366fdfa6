//! The shape of a coordinator's state machine.

use std::fmt::{self, Debug};

use crate::types::{Now, Offset, Timestamp};

/// Names a request whose answer may come later: when others have joined, when the leader has sent its assignment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Token(pub u64);

/// Key and value as they stand in the partition; no value is a tombstone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EncodedRecord {
    pub key: Vec<u8>,
    pub value: Option<Vec<u8>>,
}

/// Where a record that is applied comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// Just appended by this coordinator, whose passing state (who waits, which timers run) knows of it already.
    Append,
    /// Read from the partition; timers run from then on.
    Replay { now: Now },
}

/// A record that this build cannot read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a record cannot be read: {0}")]
pub struct UnreadableRecord(pub String);

/// The state machine of one partition of a coordinator's topic. What a crash must not take is changed by [`Coordinator::apply`] alone, on
/// append and on replay alike; passing state (who waits, whose heartbeat is due) changes with the decision. Decisions are methods of the
/// machine that take a [`Context`].
pub trait Coordinator: Send + Sync + Debug + 'static {
    type Record: Send + Debug;
    /// What a parked request is answered with.
    type Reply: Send + Debug;
    /// What people are told of that a decision did.
    type Event: Send + Debug;

    fn encode(&self, record: &Self::Record) -> EncodedRecord;

    /// `None` for a kind of record that a newer version wrote: it is stepped over, as Kafka does.
    ///
    /// # Errors
    /// Bytes that are not what their kind says.
    fn decode(key: &[u8], value: Option<&[u8]>) -> Result<Option<Self::Record>, UnreadableRecord>;

    fn apply(&mut self, record: Self::Record, offset: Offset, origin: Origin);

    /// Ends a replay: nothing more comes from the partition, and timers begin.
    fn loaded(&mut self, context: &mut Context<'_, Self>)
    where
        Self: Sized;

    /// Does what is due at `context.now`.
    fn expire(&mut self, context: &mut Context<'_, Self>)
    where
        Self: Sized;

    /// When [`Coordinator::expire`] has something to do next.
    fn next_deadline(&self) -> Option<Now>;
}

/// What a decision may use, and what it leads to.
pub struct Context<'a, C: Coordinator> {
    /// For timers.
    pub now: Now,
    /// For records.
    pub timestamp: Timestamp,
    /// The only source of chance.
    pub random: &'a mut dyn FnMut() -> u64,
    /// Bytes that the records of one decision may take as a batch.
    pub max_batch_bytes: usize,
    /// To be appended as one batch.
    pub records: Vec<C::Record>,
    /// Answers to parked requests, this one's too.
    pub replies: Vec<(Token, C::Reply)>,
    /// What happened, if the records can be appended.
    pub events: Vec<C::Event>,
}

impl<C: Coordinator> Context<'_, C> {
    pub fn record(&mut self, record: C::Record) {
        self.records.push(record);
    }

    pub fn tell(&mut self, event: C::Event) {
        self.events.push(event);
    }

    pub fn reply(&mut self, to: Token, reply: C::Reply) {
        self.replies.push((to, reply));
    }
}

impl<C: Coordinator> fmt::Debug for Context<'_, C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { now, timestamp, records, replies, .. } = self;
        let mut shown = formatter.debug_struct("Context");
        shown.field("now", now).field("timestamp", timestamp).field("records", records).field("replies", replies);
        shown.finish_non_exhaustive()
    }
}
