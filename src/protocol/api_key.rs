//! The table of APIs: what each key is called, which versions are served, from which version on the layout is flexible, where.

use std::fmt;

use crate::config::ListenerPurpose;

/// Versions of an API, both ends included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VersionRange {
    pub min: i16,
    pub max: i16,
}

impl VersionRange {
    #[must_use]
    pub const fn contains(self, version: i16) -> bool {
        self.min <= version && version <= self.max
    }
}

#[derive(Clone, Copy)]
enum Listeners {
    Broker,
    Controller,
    Both,
}

const fn serves(min: i16, max: i16) -> Option<VersionRange> {
    Some(VersionRange { min, max })
}

const fn from(version: i16) -> Option<i16> {
    Some(version)
}

const LATER: Option<VersionRange> = None;
const NEVER: Option<i16> = None;

/// Declares the keys and their columns: versions that Klamm serves, first flexible version, listeners.
macro_rules! api_keys {
    ($($name:ident = $number:literal, $served:expr, $flexible:expr, $listeners:ident;)*) => {
        /// A key of Kafka's protocol. Keys 4 to 7 have had no version since Kafka 4.0 and are unknown here.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(i16)]
        pub enum ApiKey {
            $($name = $number,)*
        }

        impl ApiKey {
            /// Every key, in order of its number.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            #[must_use]
            pub const fn from_number(number: i16) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Kafka's name of the API.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// The versions that are served; `None` when the API is not.
            #[must_use]
            pub const fn served(self) -> Option<VersionRange> {
                match self {
                    $(Self::$name => $served,)*
                }
            }

            const fn flexible_from(self) -> Option<i16> {
                match self {
                    $(Self::$name => $flexible,)*
                }
            }

            const fn listeners(self) -> Listeners {
                match self {
                    $(Self::$name => Listeners::$listeners,)*
                }
            }
        }
    };
}

// Keys, flexible versions and listeners as in Kafka 4.3.0 (its message schemas), but for Fetch: on a controller's listener it is for the
// metadata log, which nobody can fetch yet.
api_keys! {
    Produce = 0,                        serves(3, 13), from(9),  Broker;
    Fetch = 1,                          serves(4, 18), from(12), Broker;
    ListOffsets = 2,                    serves(1, 11), from(6),  Broker;
    Metadata = 3,                       serves(0, 13), from(9),  Broker;
    OffsetCommit = 8,                   serves(2, 10), from(8),  Broker;
    OffsetFetch = 9,                    serves(1, 10), from(6),  Broker;
    FindCoordinator = 10,               serves(0, 6),   from(3),  Broker;
    JoinGroup = 11,                     serves(0, 9),  from(6),  Broker;
    Heartbeat = 12,                     serves(0, 4),  from(4),  Broker;
    LeaveGroup = 13,                    serves(0, 5),  from(4),  Broker;
    SyncGroup = 14,                     serves(0, 5),  from(4),  Broker;
    DescribeGroups = 15,                serves(0, 6),  from(5),  Broker;
    ListGroups = 16,                    serves(0, 5),  from(3),  Broker;
    SaslHandshake = 17,                 LATER,         NEVER,    Both;
    ApiVersions = 18,                   serves(0, 4),  from(3),  Both;
    CreateTopics = 19,                  serves(2, 7),  from(5),  Both;
    DeleteTopics = 20,                  serves(1, 6),  from(4),  Both;
    DeleteRecords = 21,                 serves(0, 2),  from(2),  Broker;
    InitProducerId = 22,                serves(0, 5),  from(2),  Broker;
    OffsetForLeaderEpoch = 23,          serves(2, 4),  from(4),  Broker;
    AddPartitionsToTxn = 24,            LATER,         from(3),  Broker;
    AddOffsetsToTxn = 25,               LATER,         from(3),  Broker;
    EndTxn = 26,                        LATER,         from(3),  Broker;
    WriteTxnMarkers = 27,               LATER,         from(1),  Broker;
    TxnOffsetCommit = 28,               LATER,         from(3),  Broker;
    DescribeAcls = 29,                  LATER,         from(2),  Both;
    CreateAcls = 30,                    LATER,         from(2),  Both;
    DeleteAcls = 31,                    LATER,         from(2),  Both;
    DescribeConfigs = 32,               serves(1, 4),  from(4),  Both;
    AlterConfigs = 33,                  serves(0, 2),  from(2),  Both;
    AlterReplicaLogDirs = 34,           LATER,         from(2),  Broker;
    DescribeLogDirs = 35,               serves(1, 5),  from(2),  Broker;
    SaslAuthenticate = 36,              LATER,         from(2),  Both;
    CreatePartitions = 37,              serves(0, 3),  from(2),  Both;
    CreateDelegationToken = 38,         LATER,         from(2),  Both;
    RenewDelegationToken = 39,          LATER,         from(2),  Both;
    ExpireDelegationToken = 40,         LATER,         from(2),  Both;
    DescribeDelegationToken = 41,       LATER,         from(2),  Both;
    DeleteGroups = 42,                  serves(0, 2),  from(2),  Broker;
    ElectLeaders = 43,                  serves(0, 2),  from(2),  Both;
    IncrementalAlterConfigs = 44,       serves(0, 1),  from(1),  Both;
    AlterPartitionReassignments = 45,   LATER,         from(0),  Both;
    ListPartitionReassignments = 46,    serves(0, 0),  from(0),  Both;
    OffsetDelete = 47,                  serves(0, 0),  NEVER,    Broker;
    DescribeClientQuotas = 48,          LATER,         from(1),  Broker;
    AlterClientQuotas = 49,             LATER,         from(1),  Both;
    DescribeUserScramCredentials = 50,  LATER,         from(0),  Both;
    AlterUserScramCredentials = 51,     LATER,         from(0),  Both;
    Vote = 52,                          LATER,         from(0),  Controller;
    BeginQuorumEpoch = 53,              LATER,         from(1),  Controller;
    EndQuorumEpoch = 54,                LATER,         from(1),  Controller;
    DescribeQuorum = 55,                serves(0, 2),  from(0),  Both;
    AlterPartition = 56,                LATER,         from(2),  Controller;
    UpdateFeatures = 57,                serves(0, 2),  from(0),  Both;
    Envelope = 58,                      LATER,         from(0),  Controller;
    FetchSnapshot = 59,                 LATER,         from(0),  Controller;
    DescribeCluster = 60,               serves(0, 2),  from(0),  Both;
    DescribeProducers = 61,             serves(0, 0),  from(0),  Broker;
    BrokerRegistration = 62,            LATER,         from(0),  Controller;
    BrokerHeartbeat = 63,               LATER,         from(0),  Controller;
    UnregisterBroker = 64,              LATER,         from(0),  Both;
    DescribeTransactions = 65,          LATER,         from(0),  Broker;
    ListTransactions = 66,              LATER,         from(0),  Broker;
    AllocateProducerIds = 67,           LATER,         from(0),  Controller;
    ConsumerGroupHeartbeat = 68,        LATER,         from(0),  Broker;
    ConsumerGroupDescribe = 69,         LATER,         from(0),  Broker;
    ControllerRegistration = 70,        LATER,         from(0),  Controller;
    GetTelemetrySubscriptions = 71,     LATER,         from(0),  Broker;
    PushTelemetry = 72,                 LATER,         from(0),  Broker;
    AssignReplicasToDirs = 73,          LATER,         from(0),  Controller;
    ListConfigResources = 74,           serves(0, 1),  from(0),  Broker;
    DescribeTopicPartitions = 75,       serves(0, 0),  from(0),  Broker;
    ShareGroupHeartbeat = 76,           LATER,         from(1),  Broker;
    ShareGroupDescribe = 77,            LATER,         from(1),  Broker;
    ShareFetch = 78,                    LATER,         from(1),  Broker;
    ShareAcknowledge = 79,              LATER,         from(1),  Broker;
    AddRaftVoter = 80,                  LATER,         from(0),  Both;
    RemoveRaftVoter = 81,               LATER,         from(0),  Both;
    UpdateRaftVoter = 82,               LATER,         from(0),  Controller;
    InitializeShareGroupState = 83,     LATER,         from(0),  Broker;
    ReadShareGroupState = 84,           LATER,         from(0),  Broker;
    WriteShareGroupState = 85,          LATER,         from(0),  Broker;
    DeleteShareGroupState = 86,         LATER,         from(0),  Broker;
    ReadShareGroupStateSummary = 87,    LATER,         from(0),  Broker;
    StreamsGroupHeartbeat = 88,         LATER,         from(0),  Broker;
    StreamsGroupDescribe = 89,          LATER,         from(0),  Broker;
    DescribeShareGroupOffsets = 90,     LATER,         from(0),  Broker;
    AlterShareGroupOffsets = 91,        LATER,         from(0),  Broker;
    DeleteShareGroupOffsets = 92,       LATER,         from(0),  Broker;
}

impl ApiKey {
    #[must_use]
    pub const fn number(self) -> i16 {
        self as i16
    }

    /// Whether `version` has compact lengths and tagged fields (KIP-482).
    #[must_use]
    pub const fn is_flexible(self, version: i16) -> bool {
        matches!(self.flexible_from(), Some(first) if version >= first)
    }

    /// Version of the header before a request.
    #[must_use]
    pub const fn request_header_version(self, version: i16) -> i16 {
        if self.is_flexible(version) { 2 } else { 1 }
    }

    /// Version of the header before a response. ApiVersions stays at 0, so that a client that does not know the broker yet
    /// can read the answer (KIP-511).
    #[must_use]
    pub const fn response_header_version(self, version: i16) -> i16 {
        if self.is_flexible(version) && !matches!(self, Self::ApiVersions) { 1 } else { 0 }
    }

    /// Whether requests with this key may come in on such a listener.
    #[must_use]
    pub const fn is_on(self, listener: ListenerPurpose) -> bool {
        match self.listeners() {
            Listeners::Both => true,
            Listeners::Broker => matches!(listener, ListenerPurpose::Broker),
            Listeners::Controller => matches!(listener, ListenerPurpose::Controller),
        }
    }

    /// The versions to advertise, `None` to leave the key out. Produce says 0 though 3 is the oldest that is served: librdkafka
    /// before 2.5 turns compression off when it cannot see Produce 0 (KAFKA-18659).
    #[must_use]
    pub fn advertised(self, listener: ListenerPurpose) -> Option<VersionRange> {
        let served = self.served().filter(|_| self.is_on(listener))?;
        Some(VersionRange { min: if self == Self::Produce { 0 } else { served.min }, ..served })
    }

    /// The version whose layout `version` has in kafka-protocol, which is behind Kafka 4.3 in places: ListOffsets 11 only allows
    /// one more special timestamp (KIP-1023); the request of DescribeLogDirs 5 is that of 4, its answer has a codec of its own.
    pub(super) const fn layout_version(self, version: i16) -> i16 {
        match (self, version) {
            (Self::ListOffsets, 11) => 10,
            (Self::DescribeLogDirs, 5) => 4,
            _ => version,
        }
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "tests")]

    use super::*;

    /// kafka-protocol is generated from Kafka's schemas, so it judges our columns wherever it knows the key.
    #[test]
    fn the_table_agrees_with_the_schemas() {
        for key in kafka_protocol::messages::ApiKey::iter() {
            let ours = ApiKey::from_number(key as i16).unwrap();
            assert_eq!(format!("{key:?}"), ours.name());
            let known = key.valid_versions();
            for version in known.min..=known.max {
                assert_eq!(ours.request_header_version(version), key.request_header_version(version), "{ours} {version}");
                assert_eq!(ours.response_header_version(version), key.response_header_version(version), "{ours} {version}");
            }
            if let Some(served) = ours.served() {
                assert!(served.min >= known.min && ours.layout_version(served.max) <= known.max, "{ours}");
            }
        }
    }

    #[test]
    fn keys_are_found_by_number_only_when_they_exist() {
        for key in ApiKey::ALL {
            assert_eq!(ApiKey::from_number(key.number()), Some(*key));
        }
        assert!([-1, 4, 5, 6, 7, 93, i16::MAX].into_iter().all(|number| ApiKey::from_number(number).is_none()));
    }

    #[test]
    fn produce_is_advertised_from_zero_and_what_is_not_served_not_at_all() {
        assert_eq!(ApiKey::Produce.advertised(ListenerPurpose::Broker), Some(VersionRange { min: 0, max: 13 }));
        assert_eq!(ApiKey::Produce.advertised(ListenerPurpose::Controller), None);
        assert_eq!(ApiKey::Vote.advertised(ListenerPurpose::Controller), None);
        assert_eq!(ApiKey::CreateTopics.advertised(ListenerPurpose::Controller), Some(VersionRange { min: 2, max: 7 }));
    }

    /// As Apache Kafka 4.3.0's controller told when asked for its versions; Fetch apart.
    #[test]
    fn a_controllers_listener_has_the_keys_that_kafkas_has() {
        let kafkas = [17..=20, 29..=33, 36..=41, 43..=46, 49..=60, 62..=64, 67..=67, 70..=70, 73..=73, 80..=82];
        let on_it = |key: &&ApiKey| key.is_on(ListenerPurpose::Controller);
        let ours: Vec<i16> = ApiKey::ALL.iter().filter(on_it).map(|key| key.number()).collect();
        let unlike = [34, 35, 42, 47, 48, 61];
        assert_eq!(ours, kafkas.into_iter().flatten().filter(|key| !unlike.contains(key)).collect::<Vec<i16>>());
    }
}
