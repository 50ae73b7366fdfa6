//! The controller's decisions: brokers, topics, placement, producer ids, as KRaft's records.
//!
//! Owns: `decide`, which reads the image and returns records plus a reply.
//! Never does: change state (only folding committed or appended records does), wait, draw random numbers or read a clock: those
//! come in with the context.
//! Invariants: one decision is one batch; a refused request leaves no record.
//!
//! A new request is a struct of its own with `impl Decide`; its reply is a type of its own too, so no caller sees another's.

mod alter_configs;
mod bootstrap;
mod brokers;
mod controllers;
mod create_partitions;
mod create_topics;
mod delete_topics;
mod elect_leaders;
mod partition_change;
mod partition_registration;
mod placement;
mod producer_ids;
mod refusal;
mod topic_name;
mod update_features;

#[cfg(test)]
mod story_tests;
#[cfg(test)]
pub(crate) mod test_support;

use std::fmt;

pub use self::alter_configs::AlterConfigs;
pub use self::bootstrap::{Bootstrap, NoOperation};
pub use self::brokers::{BrokerHeartbeat, BrokerHeartbeatReply, FenceBroker, RegisterBroker, UnregisterBroker};
pub use self::controllers::RegisterController;
pub use self::create_partitions::{CreatePartitions, MorePartitions};
pub use self::create_topics::{CreateTopics, CreatedTopic, NewTopic, ReplicaAssignment, TopicResult};
pub use self::delete_topics::{DeleteTopics, DeletedTopic, TopicSelector};
pub use self::elect_leaders::{ElectLeaders, ElectionType, Elections};
pub use self::producer_ids::{AllocateProducerIds, PRODUCER_ID_BLOCK_SIZE, ProducerIdBlock};
pub use self::refusal::{Reason, Refusal};
pub use self::topic_name::check_topic_name;
pub use self::update_features::{FeatureUpdate, UpdateFeatures, UpdateKind};
use crate::metadata::MetadataImage;
use crate::metadata::records::MetadataRecord;
use crate::types::Offset;

/// What a decision may use besides the image.
pub struct Context<'a> {
    /// Offset that the decision's first record will get: broker epochs are offsets.
    pub next_offset: Offset,
    /// The only source of chance: fresh ids, where placement begins.
    pub random: &'a mut dyn FnMut() -> u64,
    pub defaults: TopicDefaults,
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { next_offset, defaults, .. } = self;
        formatter.debug_struct("Context").field("next_offset", next_offset).field("defaults", defaults).finish_non_exhaustive()
    }
}

/// What a topic gets that does not say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TopicDefaults {
    /// num.partitions, at least 1.
    pub partitions: i32,
    /// default.replication.factor, at least 1.
    pub replication_factor: i16,
}

/// What was decided: records to be appended as one batch, and the reply to give once they are committed. Without records nothing
/// is appended; the reply still waits until the state it was read from is committed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision<R> {
    pub records: Vec<MetadataRecord>,
    pub reply: R,
}

/// A request to the controller.
pub trait Decide {
    type Reply;

    /// # Errors
    /// When the request as a whole is refused. What is refused in part says so in its reply.
    fn decide(&self, context: &mut Context<'_>, image: &MetadataImage) -> Result<Decision<Self::Reply>, Refusal>;
}

/// Decides a request on the state that `image` says. The caller folds the records into its image before the next decision.
///
/// # Errors
/// When the request as a whole is refused.
pub fn decide<D: Decide>(context: &mut Context<'_>, image: &MetadataImage, request: &D) -> Result<Decision<D::Reply>, Refusal> {
    let decision = request.decide(context, image)?;
    check_bytes(&decision.records)?;
    Ok(decision)
}

/// Most bytes of records that one decision may have: the metadata log takes a batch of 8 MiB (KafkaRaftClient.MAX_BATCH_SIZE_BYTES), which
/// has a header too, and one that it does not take would end the node.
const MOST_BYTES: usize = 7 << 20;

/// A record's length, times and key beside its value.
const RECORD_OVERHEAD: usize = 32;

fn check_bytes(records: &[MetadataRecord]) -> Result<(), Refusal> {
    let bytes = records.iter().map(|record| record.encode().len() + RECORD_OVERHEAD).fold(0, usize::saturating_add);
    if bytes <= MOST_BYTES {
        return Ok(());
    }
    let message =
        format!("What the request asks for takes {bytes} bytes in the metadata log; one request may take {MOST_BYTES}.");
    Err(Refusal::new(Reason::PolicyViolation, message))
}
