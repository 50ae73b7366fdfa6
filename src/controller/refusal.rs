//! Why the controller refuses: data, turned into Kafka's error codes at the edge.

/// Named after Kafka's error codes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// BROKER_ID_NOT_REGISTERED
    BrokerIdNotRegistered,
    /// DUPLICATE_BROKER_REGISTRATION
    DuplicateBrokerRegistration,
    /// ELECTION_NOT_NEEDED
    ElectionNotNeeded,
    /// ELIGIBLE_LEADERS_NOT_AVAILABLE
    EligibleLeadersNotAvailable,
    /// INVALID_CONFIG
    InvalidConfig,
    /// INVALID_PARTITIONS
    InvalidPartitions,
    /// INVALID_REGISTRATION
    InvalidRegistration,
    /// INVALID_REPLICA_ASSIGNMENT
    InvalidReplicaAssignment,
    /// INVALID_REPLICATION_FACTOR
    InvalidReplicationFactor,
    /// INVALID_REQUEST
    InvalidRequest,
    /// INVALID_TOPIC_EXCEPTION
    InvalidTopic,
    /// INVALID_UPDATE_VERSION
    InvalidUpdateVersion,
    /// POLICY_VIOLATION
    PolicyViolation,
    /// PREFERRED_LEADER_NOT_AVAILABLE
    PreferredLeaderNotAvailable,
    /// STALE_BROKER_EPOCH
    StaleBrokerEpoch,
    /// TOPIC_ALREADY_EXISTS
    TopicAlreadyExists,
    /// UNKNOWN_TOPIC_ID
    UnknownTopicId,
    /// UNKNOWN_TOPIC_OR_PARTITION
    UnknownTopicOrPartition,
    /// UNSUPPORTED_VERSION
    UnsupportedVersion,
}

/// A refusal of a request or of a part of it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    pub reason: Reason,
    /// For the person who reads the client's log.
    pub message: String,
}

impl Refusal {
    #[must_use]
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}
