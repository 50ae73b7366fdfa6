//! Blocks of producer ids: each broker hands out its own, so that no two producers ever share an id.

use super::{Context, Decide, Decision, Reason, Refusal, brokers};
use crate::metadata::MetadataImage;
use crate::metadata::records::ProducerIds;
use crate::types::{BrokerEpoch, NodeId, ProducerId};

/// Ids in a block.
pub const PRODUCER_ID_BLOCK_SIZE: i32 = 1000;

/// Asks for the next block on behalf of a broker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AllocateProducerIds {
    pub broker_id: NodeId,
    pub broker_epoch: BrokerEpoch,
}

/// Ids that nobody else was given: `first` and the `length - 1` after it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProducerIdBlock {
    pub first: ProducerId,
    pub length: i32,
}

impl Decide for AllocateProducerIds {
    type Reply = ProducerIdBlock;

    fn decide(&self, _: &mut Context<'_>, image: &MetadataImage) -> Result<Decision<ProducerIdBlock>, Refusal> {
        brokers::registered(image, self.broker_id, self.broker_epoch)?;
        let first = image.next_producer_id();
        let next = first.0.checked_add(PRODUCER_ID_BLOCK_SIZE.into());
        let next = next.ok_or_else(|| Refusal::new(Reason::InvalidRequest, "All producer ids are given out."))?;
        let record = ProducerIds {
            broker_id: Some(self.broker_id),
            broker_epoch: Some(self.broker_epoch),
            next_producer_id: ProducerId(next),
        };
        Ok(Decision { records: vec![record.into()], reply: ProducerIdBlock { first, length: PRODUCER_ID_BLOCK_SIZE } })
    }
}
