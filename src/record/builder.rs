//! Builds batches of our own: metadata records, coordinator records, tests.

use crate::types::{Compression, LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};

/// What a batch's header says beside its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchOptions {
    pub base_offset: Offset,
    pub leader_epoch: LeaderEpoch,
    pub compression: Compression,
    pub producer: Option<(ProducerId, ProducerEpoch, Sequence)>,
    pub transactional: bool,
    pub control: bool,
}

/// A record to be written. Offsets are consecutive.
#[derive(Clone, Debug, Default)]
pub struct NewRecord<'a> {
    pub timestamp: Timestamp,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: Vec<(&'a [u8], Option<&'a [u8]>)>,
}

/// Gathers records and makes one batch of them.
#[derive(Debug)]
pub struct BatchBuilder {
    _options: BatchOptions,
}

impl BatchBuilder {
    #[must_use]
    pub fn new(options: BatchOptions) -> Self {
        Self { _options: options }
    }

    pub fn push(&mut self, record: &NewRecord<'_>) {
        let _ = record;
        todo!()
    }

    /// The finished batch, CRC set. Panics when no record was pushed.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        todo!()
    }
}

impl Default for BatchOptions {
    fn default() -> Self {
        Self {
            base_offset: Offset::ZERO,
            leader_epoch: LeaderEpoch(0),
            compression: Compression::None,
            producer: None,
            transactional: false,
            control: false,
        }
    }
}
