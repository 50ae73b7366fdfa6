//! Refusals of the cores, each with its Kafka code. Nothing else knows both.

use crate::broker::{ControllerError, CoordinatorError, PartitionError};
use crate::controller::Reason;
use crate::group;
use crate::log::AppendRefusal;
use crate::protocol::ErrorCode;
use crate::record::Refusal;
use crate::replica::SessionRefusal;

/// Code of a partition's error.
pub(super) fn partition_error(error: &PartitionError) -> ErrorCode {
    match error {
        PartitionError::NotLeader => ErrorCode::NotLeaderOrFollower,
        PartitionError::Storage => ErrorCode::KafkaStorageError,
        PartitionError::Damaged => ErrorCode::CorruptMessage,
        PartitionError::FencedLeaderEpoch => ErrorCode::FencedLeaderEpoch,
        PartitionError::UnknownLeaderEpoch => ErrorCode::UnknownLeaderEpoch,
        PartitionError::OffsetOutOfRange => ErrorCode::OffsetOutOfRange,
        PartitionError::CompactedOnly => ErrorCode::PolicyViolation,
        PartitionError::NegativeMaxBytes => ErrorCode::UnknownServerError,
        PartitionError::Append(AppendRefusal::OutOfOrderSequence { .. }) => ErrorCode::OutOfOrderSequenceNumber,
        PartitionError::Append(AppendRefusal::OldProducerEpoch { .. }) => ErrorCode::InvalidProducerEpoch,
        // The producer's part is checked before; these would be ours.
        PartitionError::Append(
            AppendRefusal::OffsetOutOfOrder { .. } | AppendRefusal::LeaderEpochOutOfOrder { .. } | AppendRefusal::DamagedBatch(_),
        ) => ErrorCode::UnknownServerError,
    }
}

/// Code of a batch that was refused.
pub(super) fn batch_refusal(refusal: &Refusal) -> ErrorCode {
    match refusal {
        Refusal::Corrupt(_) => ErrorCode::CorruptMessage,
        Refusal::NotOneBatch(_) | Refusal::InvalidRecord { .. } => ErrorCode::InvalidRecord,
        Refusal::TooLarge { .. } => ErrorCode::MessageTooLarge,
        Refusal::LargerThanSegment { .. } => ErrorCode::RecordListTooLarge,
        Refusal::InvalidTimestamp { .. } => ErrorCode::InvalidTimestamp,
        Refusal::UnsupportedCompression(_) => ErrorCode::UnsupportedCompressionType,
    }
}

pub(super) fn session_refusal(refusal: SessionRefusal) -> ErrorCode {
    match refusal {
        SessionRefusal::SessionIdNotFound => ErrorCode::FetchSessionIdNotFound,
        SessionRefusal::InvalidSessionEpoch => ErrorCode::InvalidFetchSessionEpoch,
        SessionRefusal::TopicIdError => ErrorCode::FetchSessionTopicIdError,
    }
}

/// Code of the controller's refusal.
pub(super) fn reason(reason: Reason) -> ErrorCode {
    match reason {
        Reason::BrokerIdNotRegistered => ErrorCode::BrokerIdNotRegistered,
        Reason::DuplicateBrokerRegistration => ErrorCode::DuplicateBrokerRegistration,
        Reason::ElectionNotNeeded => ErrorCode::ElectionNotNeeded,
        Reason::EligibleLeadersNotAvailable => ErrorCode::EligibleLeadersNotAvailable,
        Reason::InvalidConfig => ErrorCode::InvalidConfig,
        Reason::InvalidPartitions => ErrorCode::InvalidPartitions,
        Reason::InvalidRegistration => ErrorCode::InvalidRegistration,
        Reason::InvalidReplicaAssignment => ErrorCode::InvalidReplicaAssignment,
        Reason::InvalidReplicationFactor => ErrorCode::InvalidReplicationFactor,
        Reason::InvalidRequest => ErrorCode::InvalidRequest,
        Reason::InvalidTopic => ErrorCode::InvalidTopicException,
        Reason::InvalidUpdateVersion => ErrorCode::InvalidUpdateVersion,
        Reason::PreferredLeaderNotAvailable => ErrorCode::PreferredLeaderNotAvailable,
        Reason::PolicyViolation => ErrorCode::PolicyViolation,
        Reason::StaleBrokerEpoch => ErrorCode::StaleBrokerEpoch,
        Reason::TopicAlreadyExists => ErrorCode::TopicAlreadyExists,
        Reason::UnknownTopicId => ErrorCode::UnknownTopicId,
        Reason::UnknownTopicOrPartition => ErrorCode::UnknownTopicOrPartition,
        Reason::UnsupportedVersion => ErrorCode::UnsupportedVersion,
    }
}

/// Code and message when the controller gives no reply at all.
pub(super) fn controller_error(error: &ControllerError) -> (ErrorCode, String) {
    match error {
        ControllerError::Refused(refusal) => (reason(refusal.reason), refusal.message.clone()),
        ControllerError::NotActive => (ErrorCode::NotController, error.to_string()),
        // What Kafka's controller says of a request that waited for too long; clients try again.
        ControllerError::NoSpace => (ErrorCode::KafkaStorageError, error.to_string()),
        ControllerError::Busy => (ErrorCode::RequestTimedOut, error.to_string()),
    }
}

/// Code when a coordinator gives no reply at all.
pub(super) fn coordinator_error(error: CoordinatorError) -> ErrorCode {
    match error {
        CoordinatorError::Loading => ErrorCode::CoordinatorLoadInProgress,
        CoordinatorError::NotCoordinator => ErrorCode::NotCoordinator,
        CoordinatorError::NotAvailable => ErrorCode::CoordinatorNotAvailable,
    }
}

/// Code of the group coordinator's refusal.
pub(super) fn group_refusal(refusal: group::Refusal) -> ErrorCode {
    use group::Refusal;
    match refusal {
        Refusal::UnknownMemberId => ErrorCode::UnknownMemberId,
        Refusal::IllegalGeneration => ErrorCode::IllegalGeneration,
        Refusal::FencedInstanceId => ErrorCode::FencedInstanceId,
        Refusal::RebalanceInProgress => ErrorCode::RebalanceInProgress,
        Refusal::InconsistentGroupProtocol => ErrorCode::InconsistentGroupProtocol,
        Refusal::InvalidSessionTimeout => ErrorCode::InvalidSessionTimeout,
        Refusal::MemberIdRequired => ErrorCode::MemberIdRequired,
        Refusal::GroupMaxSizeReached => ErrorCode::GroupMaxSizeReached,
        Refusal::GroupIdNotFound => ErrorCode::GroupIdNotFound,
        Refusal::NonEmptyGroup => ErrorCode::NonEmptyGroup,
        Refusal::GroupSubscribedToTopic => ErrorCode::GroupSubscribedToTopic,
        Refusal::OffsetMetadataTooLarge => ErrorCode::OffsetMetadataTooLarge,
        Refusal::InvalidCommitOffsetSize => ErrorCode::InvalidCommitOffsetSize,
        Refusal::GroupTooLarge => ErrorCode::UnknownServerError,
        Refusal::InvalidRequest => ErrorCode::InvalidRequest,
    }
}

/// The code of what a coordinator decided.
pub(super) fn group_outcome(outcome: Result<(), group::Refusal>) -> ErrorCode {
    outcome.map_or_else(group_refusal, |()| ErrorCode::None)
}
