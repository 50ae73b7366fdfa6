//! Producer ids: handed out from a block that the controller gave to this broker (ProducerIdManager).

use std::ops::Range;
use std::sync::{Arc, Mutex};

use super::ControllerHandle;
use crate::controller::AllocateProducerIds;
use crate::seams::{Execution, Lane, lock};
use crate::types::{BrokerEpoch, NodeId, ProducerId};

/// The next block is asked for when this part of the present one is left.
const REFILL_AT: i64 = 100;

/// What is left of the present block, and the next one once it has come. Nobody waits for the controller: who finds no id tries again, as
/// with Kafka, where the first producer after a start does.
#[derive(Debug)]
pub struct ProducerIds {
    broker_id: NodeId,
    broker_epoch: BrokerEpoch,
    blocks: Arc<Mutex<Blocks>>,
}

#[derive(Debug, Default)]
struct Blocks {
    present: Range<i64>,
    next: Option<Range<i64>>,
    /// The controller has been asked.
    asked: bool,
}

impl ProducerIds {
    #[must_use]
    pub fn new(broker_id: NodeId, broker_epoch: BrokerEpoch) -> Self {
        Self { broker_id, broker_epoch, blocks: Arc::default() }
    }

    /// An id that nobody was given before; `None` while a block is on its way.
    #[must_use]
    pub fn next(&self, controller: &ControllerHandle, execution: &dyn Execution) -> Option<ProducerId> {
        let mut blocks = lock(&self.blocks);
        if blocks.present.is_empty()
            && let Some(next) = blocks.next.take()
        {
            blocks.present = next;
        }
        let id = blocks.present.next().map(ProducerId);
        if blocks.present.end - blocks.present.start < REFILL_AT && blocks.next.is_none() && !blocks.asked {
            blocks.asked = true;
            drop(blocks);
            self.refill(controller, execution);
        }
        id
    }

    fn refill(&self, controller: &ControllerHandle, execution: &dyn Execution) {
        let block = controller.ask(AllocateProducerIds { broker_id: self.broker_id, broker_epoch: self.broker_epoch });
        let blocks = Arc::clone(&self.blocks);
        let store = async move {
            let block = block.await;
            let mut blocks = lock(&blocks);
            blocks.asked = false;
            match block {
                Ok(block) => blocks.next = Some(block.first.0..block.first.0 + i64::from(block.length)),
                Err(error) => tracing::warn!(%error, "no producer ids from the controller"),
            }
        };
        execution.spawn(Lane::Control, Box::pin(store));
    }
}
