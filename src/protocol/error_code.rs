//! Kafka's error codes.

use std::fmt;

macro_rules! is_retriable {
    (retriable) => {
        true
    };
    (lasting) => {
        false
    };
}

/// Declares the codes: number, Kafka's name, whether a client may retry, a message in our words.
macro_rules! error_codes {
    ($($variant:ident = $number:literal, $name:literal, $kind:ident, $message:literal;)*) => {
        /// An error code of Kafka's protocol.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(i16)]
        pub enum ErrorCode {
            $(#[doc = $message] $variant = $number,)*
        }

        impl ErrorCode {
            /// Every code, in order of its number.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// `None` for a number that Kafka 4.3 does not know.
            #[must_use]
            pub const fn from_number(number: i16) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// Kafka's name, as its tools print it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// What it means, in a few words.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self {
                    $(Self::$variant => $message,)*
                }
            }

            /// Whether the same request may succeed later.
            #[must_use]
            pub const fn is_retriable(self) -> bool {
                match self {
                    $(Self::$variant => is_retriable!($kind),)*
                }
            }
        }
    };
}

// Numbers, names and what is retriable as in Kafka 4.3.0 (its class Errors).
error_codes! {
    UnknownServerError = -1, "UNKNOWN_SERVER_ERROR", lasting, "the broker ran into an unexpected error";
    None = 0, "NONE", lasting, "no error";
    OffsetOutOfRange = 1, "OFFSET_OUT_OF_RANGE", lasting, "the offset is outside the log";
    CorruptMessage = 2, "CORRUPT_MESSAGE", retriable, "the record batch is damaged";
    UnknownTopicOrPartition = 3, "UNKNOWN_TOPIC_OR_PARTITION", retriable, "this broker does not host the partition";
    InvalidFetchSize = 4, "INVALID_FETCH_SIZE", lasting, "the fetch size is invalid";
    LeaderNotAvailable = 5, "LEADER_NOT_AVAILABLE", retriable, "the partition has no leader at the moment";
    NotLeaderOrFollower = 6, "NOT_LEADER_OR_FOLLOWER", retriable, "this broker is not the partition's leader or replica";
    RequestTimedOut = 7, "REQUEST_TIMED_OUT", retriable, "the time allowed for the request ran out";
    BrokerNotAvailable = 8, "BROKER_NOT_AVAILABLE", lasting, "the broker is not available";
    ReplicaNotAvailable = 9, "REPLICA_NOT_AVAILABLE", retriable, "the replica is not available";
    MessageTooLarge = 10, "MESSAGE_TOO_LARGE", lasting, "a record batch is larger than the broker or the topic accepts";
    StaleControllerEpoch = 11, "STALE_CONTROLLER_EPOCH", lasting, "the controller has moved to another node";
    OffsetMetadataTooLarge = 12, "OFFSET_METADATA_TOO_LARGE", lasting, "the metadata of an offset commit is too long";
    NetworkException = 13, "NETWORK_EXCEPTION", retriable, "the connection broke before the answer came";
    CoordinatorLoadInProgress = 14, "COORDINATOR_LOAD_IN_PROGRESS", retriable, "the coordinator is still loading";
    CoordinatorNotAvailable = 15, "COORDINATOR_NOT_AVAILABLE", retriable, "the coordinator is not available";
    NotCoordinator = 16, "NOT_COORDINATOR", retriable, "this broker is not the coordinator";
    InvalidTopicException = 17, "INVALID_TOPIC_EXCEPTION", lasting, "the topic's name is not valid, or clients may not do this to the topic";
    RecordListTooLarge = 18, "RECORD_LIST_TOO_LARGE", lasting, "the record batch is larger than a log segment";
    NotEnoughReplicas = 19, "NOT_ENOUGH_REPLICAS", retriable, "fewer replicas are in sync than required";
    NotEnoughReplicasAfterAppend = 20, "NOT_ENOUGH_REPLICAS_AFTER_APPEND", retriable, "the records are written, but fewer replicas are in sync than required";
    InvalidRequiredAcks = 21, "INVALID_REQUIRED_ACKS", lasting, "acks must be 0, 1 or -1";
    IllegalGeneration = 22, "ILLEGAL_GENERATION", lasting, "the group's generation is another one";
    InconsistentGroupProtocol = 23, "INCONSISTENT_GROUP_PROTOCOL", lasting, "the member's protocols do not fit the group's";
    InvalidGroupId = 24, "INVALID_GROUP_ID", lasting, "the group id is not valid";
    UnknownMemberId = 25, "UNKNOWN_MEMBER_ID", lasting, "the coordinator does not know this member";
    InvalidSessionTimeout = 26, "INVALID_SESSION_TIMEOUT", lasting, "the session timeout is outside group.min.session.timeout.ms and group.max.session.timeout.ms";
    RebalanceInProgress = 27, "REBALANCE_IN_PROGRESS", lasting, "the group is rebalancing; join again";
    InvalidCommitOffsetSize = 28, "INVALID_COMMIT_OFFSET_SIZE", lasting, "the offset commit is too large";
    TopicAuthorizationFailed = 29, "TOPIC_AUTHORIZATION_FAILED", lasting, "not authorised for the topic";
    GroupAuthorizationFailed = 30, "GROUP_AUTHORIZATION_FAILED", lasting, "not authorised for the group";
    ClusterAuthorizationFailed = 31, "CLUSTER_AUTHORIZATION_FAILED", lasting, "not authorised for the cluster";
    InvalidTimestamp = 32, "INVALID_TIMESTAMP", lasting, "a record's timestamp is outside what the topic accepts";
    UnsupportedSaslMechanism = 33, "UNSUPPORTED_SASL_MECHANISM", lasting, "the SASL mechanism is not enabled";
    IllegalSaslState = 34, "ILLEGAL_SASL_STATE", lasting, "the request does not fit the state of the SASL exchange";
    UnsupportedVersion = 35, "UNSUPPORTED_VERSION", lasting, "the version of the API is not supported";
    TopicAlreadyExists = 36, "TOPIC_ALREADY_EXISTS", lasting, "a topic of that name exists";
    InvalidPartitions = 37, "INVALID_PARTITIONS", lasting, "the number of partitions is not valid";
    InvalidReplicationFactor = 38, "INVALID_REPLICATION_FACTOR", lasting, "the replication factor is below 1 or above the number of brokers";
    InvalidReplicaAssignment = 39, "INVALID_REPLICA_ASSIGNMENT", lasting, "the replica assignment is not valid";
    InvalidConfig = 40, "INVALID_CONFIG", lasting, "the configuration is not valid";
    NotController = 41, "NOT_CONTROLLER", retriable, "this node is not the controller";
    InvalidRequest = 42, "INVALID_REQUEST", lasting, "the request is not valid";
    UnsupportedForMessageFormat = 43, "UNSUPPORTED_FOR_MESSAGE_FORMAT", lasting, "the message format does not support the request";
    PolicyViolation = 44, "POLICY_VIOLATION", lasting, "the request violates a policy";
    OutOfOrderSequenceNumber = 45, "OUT_OF_ORDER_SEQUENCE_NUMBER", lasting, "the producer's sequence number is out of order";
    DuplicateSequenceNumber = 46, "DUPLICATE_SEQUENCE_NUMBER", lasting, "the producer's sequence number was used before";
    InvalidProducerEpoch = 47, "INVALID_PRODUCER_EPOCH", lasting, "the producer's epoch is old";
    InvalidTxnState = 48, "INVALID_TXN_STATE", lasting, "the transaction's state does not allow this";
    InvalidProducerIdMapping = 49, "INVALID_PRODUCER_ID_MAPPING", lasting, "the producer id does not belong to the transactional id";
    InvalidTransactionTimeout = 50, "INVALID_TRANSACTION_TIMEOUT", lasting, "the transaction timeout is above transaction.max.timeout.ms";
    ConcurrentTransactions = 51, "CONCURRENT_TRANSACTIONS", retriable, "another operation on the same transaction is going on";
    TransactionCoordinatorFenced = 52, "TRANSACTION_COORDINATOR_FENCED", lasting, "the transaction coordinator has been replaced";
    TransactionalIdAuthorizationFailed = 53, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", lasting, "not authorised for the transactional id";
    SecurityDisabled = 54, "SECURITY_DISABLED", lasting, "security features are disabled";
    OperationNotAttempted = 55, "OPERATION_NOT_ATTEMPTED", lasting, "not attempted, because another part of the request failed";
    KafkaStorageError = 56, "KAFKA_STORAGE_ERROR", retriable, "the disk failed";
    LogDirNotFound = 57, "LOG_DIR_NOT_FOUND", lasting, "there is no such log directory";
    SaslAuthenticationFailed = 58, "SASL_AUTHENTICATION_FAILED", lasting, "authentication failed";
    UnknownProducerId = 59, "UNKNOWN_PRODUCER_ID", lasting, "the broker has no state of this producer id";
    ReassignmentInProgress = 60, "REASSIGNMENT_IN_PROGRESS", lasting, "the partition is being reassigned";
    DelegationTokenAuthDisabled = 61, "DELEGATION_TOKEN_AUTH_DISABLED", lasting, "delegation tokens are not enabled";
    DelegationTokenNotFound = 62, "DELEGATION_TOKEN_NOT_FOUND", lasting, "there is no such delegation token";
    DelegationTokenOwnerMismatch = 63, "DELEGATION_TOKEN_OWNER_MISMATCH", lasting, "the principal is neither owner nor renewer of the token";
    DelegationTokenRequestNotAllowed = 64, "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED", lasting, "delegation tokens cannot be requested over this channel";
    DelegationTokenAuthorizationFailed = 65, "DELEGATION_TOKEN_AUTHORIZATION_FAILED", lasting, "not authorised for the delegation token";
    DelegationTokenExpired = 66, "DELEGATION_TOKEN_EXPIRED", lasting, "the delegation token has expired";
    InvalidPrincipalType = 67, "INVALID_PRINCIPAL_TYPE", lasting, "the principal type is not supported";
    NonEmptyGroup = 68, "NON_EMPTY_GROUP", lasting, "the group is not empty";
    GroupIdNotFound = 69, "GROUP_ID_NOT_FOUND", lasting, "there is no such group";
    FetchSessionIdNotFound = 70, "FETCH_SESSION_ID_NOT_FOUND", retriable, "there is no such fetch session";
    InvalidFetchSessionEpoch = 71, "INVALID_FETCH_SESSION_EPOCH", retriable, "the fetch session's epoch is another one";
    ListenerNotFound = 72, "LISTENER_NOT_FOUND", retriable, "the leader has no listener of that name";
    TopicDeletionDisabled = 73, "TOPIC_DELETION_DISABLED", lasting, "deletion of topics is disabled";
    FencedLeaderEpoch = 74, "FENCED_LEADER_EPOCH", retriable, "the leader epoch is older than the broker's";
    UnknownLeaderEpoch = 75, "UNKNOWN_LEADER_EPOCH", retriable, "the leader epoch is newer than the broker's";
    UnsupportedCompressionType = 76, "UNSUPPORTED_COMPRESSION_TYPE", lasting, "the version of the request cannot carry the compression type";
    StaleBrokerEpoch = 77, "STALE_BROKER_EPOCH", lasting, "the broker epoch is old";
    OffsetNotAvailable = 78, "OFFSET_NOT_AVAILABLE", retriable, "a new leader's high watermark has not caught up yet";
    MemberIdRequired = 79, "MEMBER_ID_REQUIRED", lasting, "the member needs an id before it joins";
    PreferredLeaderNotAvailable = 80, "PREFERRED_LEADER_NOT_AVAILABLE", retriable, "the preferred leader is not available";
    GroupMaxSizeReached = 81, "GROUP_MAX_SIZE_REACHED", lasting, "the group is full";
    FencedInstanceId = 82, "FENCED_INSTANCE_ID", lasting, "another member has taken the group instance id";
    EligibleLeadersNotAvailable = 83, "ELIGIBLE_LEADERS_NOT_AVAILABLE", retriable, "no eligible leader is available";
    ElectionNotNeeded = 84, "ELECTION_NOT_NEEDED", retriable, "no election is needed";
    NoReassignmentInProgress = 85, "NO_REASSIGNMENT_IN_PROGRESS", lasting, "no reassignment is going on";
    GroupSubscribedToTopic = 86, "GROUP_SUBSCRIBED_TO_TOPIC", lasting, "the group is subscribed to the topic";
    InvalidRecord = 87, "INVALID_RECORD", lasting, "a record failed the broker's validation";
    UnstableOffsetCommit = 88, "UNSTABLE_OFFSET_COMMIT", retriable, "a transaction still holds these offsets";
    ThrottlingQuotaExceeded = 89, "THROTTLING_QUOTA_EXCEEDED", retriable, "the quota is used up";
    ProducerFenced = 90, "PRODUCER_FENCED", lasting, "a newer producer has the same transactional id";
    ResourceNotFound = 91, "RESOURCE_NOT_FOUND", lasting, "there is no such resource";
    DuplicateResource = 92, "DUPLICATE_RESOURCE", lasting, "the request names a resource twice";
    UnacceptableCredential = 93, "UNACCEPTABLE_CREDENTIAL", lasting, "the credential is not acceptable";
    InconsistentVoterSet = 94, "INCONSISTENT_VOTER_SET", lasting, "sender or receiver is not one of the voters";
    InvalidUpdateVersion = 95, "INVALID_UPDATE_VERSION", lasting, "the update's version is not valid";
    FeatureUpdateFailed = 96, "FEATURE_UPDATE_FAILED", lasting, "the finalized features could not be updated";
    PrincipalDeserializationFailure = 97, "PRINCIPAL_DESERIALIZATION_FAILURE", lasting, "the forwarded principal cannot be read";
    SnapshotNotFound = 98, "SNAPSHOT_NOT_FOUND", lasting, "there is no such snapshot";
    PositionOutOfRange = 99, "POSITION_OUT_OF_RANGE", lasting, "the position is outside the snapshot";
    UnknownTopicId = 100, "UNKNOWN_TOPIC_ID", retriable, "this broker does not host the topic id";
    DuplicateBrokerRegistration = 101, "DUPLICATE_BROKER_REGISTRATION", lasting, "the broker id is in use";
    BrokerIdNotRegistered = 102, "BROKER_ID_NOT_REGISTERED", lasting, "the broker id is not registered";
    InconsistentTopicId = 103, "INCONSISTENT_TOPIC_ID", retriable, "the log belongs to another topic id";
    InconsistentClusterId = 104, "INCONSISTENT_CLUSTER_ID", lasting, "the cluster id is another one";
    TransactionalIdNotFound = 105, "TRANSACTIONAL_ID_NOT_FOUND", lasting, "there is no such transactional id";
    FetchSessionTopicIdError = 106, "FETCH_SESSION_TOPIC_ID_ERROR", retriable, "the fetch session mixes topic ids and names";
    IneligibleReplica = 107, "INELIGIBLE_REPLICA", lasting, "the new in-sync set holds a replica that may not be in it";
    NewLeaderElected = 108, "NEW_LEADER_ELECTED", lasting, "done, and the leader has changed";
    OffsetMovedToTieredStorage = 109, "OFFSET_MOVED_TO_TIERED_STORAGE", lasting, "the offset is in tiered storage";
    FencedMemberEpoch = 110, "FENCED_MEMBER_EPOCH", lasting, "the member's epoch is fenced; give up all partitions and join again";
    UnreleasedInstanceId = 111, "UNRELEASED_INSTANCE_ID", lasting, "another member still holds the instance id";
    UnsupportedAssignor = 112, "UNSUPPORTED_ASSIGNOR", lasting, "the assignor is not supported";
    StaleMemberEpoch = 113, "STALE_MEMBER_EPOCH", lasting, "the member's epoch is old; retry with the one of the next heartbeat";
    MismatchedEndpointType = 114, "MISMATCHED_ENDPOINT_TYPE", lasting, "the endpoint is of another type";
    UnsupportedEndpointType = 115, "UNSUPPORTED_ENDPOINT_TYPE", lasting, "the endpoint type is not supported";
    UnknownControllerId = 116, "UNKNOWN_CONTROLLER_ID", lasting, "there is no such controller";
    UnknownSubscriptionId = 117, "UNKNOWN_SUBSCRIPTION_ID", lasting, "the telemetry subscription is unknown";
    TelemetryTooLarge = 118, "TELEMETRY_TOO_LARGE", lasting, "the telemetry is too large";
    InvalidRegistration = 119, "INVALID_REGISTRATION", lasting, "the registration is not valid";
    TransactionAbortable = 120, "TRANSACTION_ABORTABLE", lasting, "the transaction has to be aborted";
    InvalidRecordState = 121, "INVALID_RECORD_STATE", lasting, "the record's state does not allow the acknowledgement";
    ShareSessionNotFound = 122, "SHARE_SESSION_NOT_FOUND", retriable, "there is no such share session";
    InvalidShareSessionEpoch = 123, "INVALID_SHARE_SESSION_EPOCH", retriable, "the share session's epoch is another one";
    FencedStateEpoch = 124, "FENCED_STATE_EPOCH", lasting, "the share group's state epoch is another one";
    InvalidVoterKey = 125, "INVALID_VOTER_KEY", lasting, "the voter key is not the receiver's";
    DuplicateVoter = 126, "DUPLICATE_VOTER", lasting, "the voter is in the set already";
    VoterNotFound = 127, "VOTER_NOT_FOUND", lasting, "the voter is not in the set";
    InvalidRegularExpression = 128, "INVALID_REGULAR_EXPRESSION", lasting, "the regular expression is not valid";
    RebootstrapRequired = 129, "REBOOTSTRAP_REQUIRED", lasting, "the client's metadata is of another cluster; bootstrap again";
    StreamsInvalidTopology = 130, "STREAMS_INVALID_TOPOLOGY", lasting, "the topology is not valid";
    StreamsInvalidTopologyEpoch = 131, "STREAMS_INVALID_TOPOLOGY_EPOCH", lasting, "the topology's epoch is not valid";
    StreamsTopologyFenced = 132, "STREAMS_TOPOLOGY_FENCED", lasting, "the topology's epoch is old";
    ShareSessionLimitReached = 133, "SHARE_SESSION_LIMIT_REACHED", retriable, "there are too many share sessions";
}

impl ErrorCode {
    #[must_use]
    pub const fn number(self) -> i16 {
        self as i16
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use kafka_protocol::ResponseError;

    use super::*;

    /// kafka-protocol carries the same list (it spells the names without underscores), but for one code that Kafka retries.
    #[test]
    fn the_codes_agree_with_the_crates_list() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_number(code.number()), Some(*code));
            match ResponseError::try_from_code(code.number()) {
                None => assert_eq!(*code, ErrorCode::None),
                Some(theirs) => {
                    assert_eq!(format!("{theirs:?}"), format!("{code:?}"));
                    assert_eq!(
                        theirs.is_retriable() || *code == ErrorCode::ConcurrentTransactions,
                        code.is_retriable(),
                        "{code}"
                    );
                }
            }
        }
        assert_eq!((ErrorCode::ALL.len(), ErrorCode::from_number(134)), (135, None));
    }

    #[test]
    fn names_are_the_variants_in_capitals() {
        for code in ErrorCode::ALL {
            assert_eq!(code.name().replace('_', ""), format!("{code:?}").to_uppercase());
        }
    }
}
