//! Producer ids: handed out from a block that the controller gave to this broker.

use tokio::sync::Mutex;

use super::{ControllerError, ControllerHandle};
use crate::controller::AllocateProducerIds;
use crate::types::{BrokerEpoch, NodeId, ProducerId};

/// What is left of the block. The lock is held while the next block is fetched, so one caller fetches and the others wait.
#[derive(Debug)]
pub struct ProducerIds {
    broker_id: NodeId,
    broker_epoch: BrokerEpoch,
    left: Mutex<std::ops::Range<i64>>,
}

impl ProducerIds {
    #[must_use]
    pub fn new(broker_id: NodeId, broker_epoch: BrokerEpoch) -> Self {
        Self { broker_id, broker_epoch, left: Mutex::new(0..0) }
    }

    /// An id that nobody was given before.
    ///
    /// # Errors
    /// When the block is used up and the controller gives no other.
    pub async fn next(&self, controller: &ControllerHandle) -> Result<ProducerId, ControllerError> {
        let mut left = self.left.lock().await;
        if left.is_empty() {
            let request = AllocateProducerIds { broker_id: self.broker_id, broker_epoch: self.broker_epoch };
            let block = controller.ask(request).await?;
            *left = block.first.0..block.first.0 + i64::from(block.length);
        }
        left.next().map(ProducerId).ok_or(ControllerError::NotActive)
    }
}
