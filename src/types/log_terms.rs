//! Terms of a partition's log: offsets, epochs, producers, acknowledgements.

use super::number;

number! {
    /// Position of a record in its partition; never a byte count.
    Offset(i64)
}
number! {
    /// Leader epoch of a partition; in the metadata log also the quorum's term.
    LeaderEpoch(i32)
}
number! {
    /// Guards AlterPartition: rises with every change of a partition's registration.
    PartitionEpoch(i32)
}
number! {
    /// Offset of the broker's registration record.
    BrokerEpoch(i64)
}
number! {
    /// Id of an idempotent or transactional producer.
    ProducerId(i64)
}
number! {
    /// Incarnation of a producer id.
    ProducerEpoch(i16)
}
number! {
    /// Sequence number of an idempotent producer's record; wraps from 2^31-1 to 0.
    Sequence(i32)
}

impl Offset {
    pub const ZERO: Self = Self(0);

    /// The offset `count` records further on. `count` may be negative.
    #[must_use]
    pub const fn plus(self, count: i64) -> Self {
        Self(self.0 + count)
    }

    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl Sequence {
    /// The sequence `count` records further on (`count` >= 0), wrapping as Kafka does (DefaultRecordBatch.incrementSequence).
    #[must_use]
    pub const fn plus(self, count: i32) -> Self {
        if self.0 > i32::MAX - count { Self(count - (i32::MAX - self.0) - 1) } else { Self(self.0 + count) }
    }

    #[must_use]
    pub const fn next(self) -> Self {
        self.plus(1)
    }
}

/// A log end together with the epoch it was written in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash, Default)]
pub struct OffsetAndEpoch {
    pub offset: Offset,
    pub leader_epoch: LeaderEpoch,
}

/// When a produce request counts as done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Acks {
    None,
    Leader,
    All,
}

/// Which clock a batch's timestamps come from (attribute bit 3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimestampType {
    CreateTime,
    LogAppendTime,
}

/// Compression codec of a batch (attribute bits 0 to 2).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Compression {
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}
