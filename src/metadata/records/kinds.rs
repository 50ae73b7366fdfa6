//! The records themselves: field by field as in Kafka's metadata/src/main/resources/common/metadata/*.json.
//!
//! A new record is a block here and a line in the table of [`super::MetadataRecord`].

use super::schema::{byte_enum, record, structure};
use super::wire::Wire;
use crate::protocol::DecodeError;
use crate::protocol::codec::{Reader, Writer};
use crate::types::{
    BrokerEpoch, DirectoryId, IncarnationId, LeaderEpoch, NodeId, PartitionEpoch, PartitionIndex, ProducerId, TopicId, TopicName,
};

structure! {
    /// Where a broker or controller is reached, by the name of the listener.
    Endpoint {
        name: String,
        host: String,
        port: u16,
        /// 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL.
        security_protocol: i16,
    }
}

structure! {
    /// The levels of a feature that a node supports, both ends included.
    SupportedFeature {
        name: String,
        min_supported_version: i16,
        max_supported_version: i16,
    }
}

byte_enum! {
    /// Whether the leader is still finding out what it lost in an unclean election (KIP-704).
    #[derive(Default)]
    LeaderRecoveryState {
        #[default]
        Recovered = 0,
        Recovering = 1,
    }
}

/// Unchanged is -1.
impl Wire for Option<LeaderRecoveryState> {
    fn write(&self, to: &mut Writer) {
        match self {
            Some(state) => state.write(to),
            None => to.i8(-1),
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if from.clone().i8()? == -1 { from.i8().map(|_| None) } else { LeaderRecoveryState::read(from).map(Some) }
    }
}

byte_enum! {
    /// What a change record does to a broker's fence.
    #[derive(Default)]
    FencingChange {
        Unfence = -1,
        #[default]
        None = 0,
        Fence = 1,
    }
}

byte_enum! {
    /// Whether a change record begins a broker's controlled shutdown.
    #[derive(Default)]
    ControlledShutdownChange {
        #[default]
        None = 0,
        Begin = 1,
    }
}

byte_enum! {
    /// What a configuration is of. The numbers are Kafka's ConfigResource.Type.
    ConfigResourceType {
        Topic = 2,
        Broker = 4,
        BrokerLogger = 8,
        ClientMetrics = 16,
        Group = 32,
    }
}

record! {
    /// A broker came up, or told more of itself. The broker is new in the cluster at this record's offset.
    RegisterBroker = 0, version 4 {
        broker_id: NodeId,
        is_migrating_zk_broker: bool [since 2],
        incarnation_id: IncarnationId,
        broker_epoch: BrokerEpoch,
        end_points: Vec<Endpoint>,
        features: Vec<SupportedFeature>,
        rack: Option<String>,
        fenced: bool,
        in_controlled_shutdown: bool [since 1],
    }
    tagged {
        /// The log directories that are online.
        log_dirs: Vec<DirectoryId> [tag 0 since 3],
        /// Directories that take no new replicas; `None` until the broker's first heartbeat says (KIP-1066).
        cordoned_log_dirs: Option<Vec<DirectoryId>> [tag 1 since 4],
    }
}

record! {
    /// A broker left the cluster for good.
    UnregisterBroker = 1, version 0 {
        broker_id: NodeId,
        broker_epoch: BrokerEpoch,
    }
}

record! {
    /// A topic came to be; its partitions follow.
    Topic = 2, version 0 {
        name: TopicName,
        topic_id: TopicId,
    }
}

record! {
    /// A partition, whole.
    Partition = 3, version 2 {
        partition_id: PartitionIndex,
        topic_id: TopicId,
        /// In order of preference.
        replicas: Vec<NodeId>,
        isr: Vec<NodeId>,
        removing_replicas: Vec<NodeId>,
        adding_replicas: Vec<NodeId>,
        leader: Option<NodeId>,
        leader_epoch: LeaderEpoch,
        partition_epoch: PartitionEpoch,
        /// One for each of `replicas`, in their order.
        directories: Vec<DirectoryId> [since 1],
    }
    tagged {
        leader_recovery_state: LeaderRecoveryState [tag 0 since 0],
        eligible_leader_replicas: Option<Vec<NodeId>> [tag 1 since 2],
        last_known_elr: Option<Vec<NodeId>> [tag 2 since 2],
    }
}

record! {
    /// A setting; without a value it is taken back.
    Config = 4, version 0 {
        resource_type: ConfigResourceType,
        /// Topic name, node id as text, or empty for all brokers.
        resource_name: String,
        name: String,
        value: Option<String>,
    }
}

record! {
    /// What changed of a partition; `None` is unchanged. Raises the partition epoch, and the leader epoch if a leader is named.
    PartitionChange = 5, version 2 {
        partition_id: PartitionIndex,
        topic_id: TopicId,
    }
    tagged {
        isr: Option<Vec<NodeId>> [tag 0 since 0],
        /// `Some(None)`: there is no leader now.
        leader: Option<Option<NodeId>> [tag 1 since 0],
        replicas: Option<Vec<NodeId>> [tag 2 since 0],
        removing_replicas: Option<Vec<NodeId>> [tag 3 since 0],
        adding_replicas: Option<Vec<NodeId>> [tag 4 since 0],
        leader_recovery_state: Option<LeaderRecoveryState> [tag 5 since 0],
        eligible_leader_replicas: Option<Vec<NodeId>> [tag 6 since 2],
        last_known_elr: Option<Vec<NodeId>> [tag 7 since 2],
        directories: Option<Vec<DirectoryId>> [tag 8 since 1],
    }
}

impl PartitionChange {
    /// A change of nothing, to be filled in.
    #[must_use]
    pub const fn nothing(topic_id: TopicId, partition_id: PartitionIndex) -> Self {
        Self {
            partition_id,
            topic_id,
            isr: None,
            leader: None,
            replicas: None,
            removing_replicas: None,
            adding_replicas: None,
            leader_recovery_state: None,
            eligible_leader_replicas: None,
            last_known_elr: None,
            directories: None,
        }
    }
}

record! {
    /// A broker may lead and follow no more, until unfenced.
    FenceBroker = 7, version 0 {
        id: NodeId,
        epoch: BrokerEpoch,
    }
}

record! {
    /// A broker takes part.
    UnfenceBroker = 8, version 0 {
        id: NodeId,
        epoch: BrokerEpoch,
    }
}

record! {
    /// A topic is gone, with its partitions and settings.
    RemoveTopic = 9, version 0 {
        topic_id: TopicId,
    }
}

record! {
    /// A feature is finalised at a level; 0 takes it back. The first record of every log and snapshot is metadata.version's.
    FeatureLevel = 12, version 0 {
        name: String,
        feature_level: i16,
    }
}

record! {
    /// Producer ids below `next_producer_id` are given out.
    ProducerIds = 15, version 0 {
        /// Who asked; `None` in snapshots.
        broker_id: Option<NodeId>,
        broker_epoch: Option<BrokerEpoch>,
        next_producer_id: ProducerId,
    }
}

record! {
    /// What changed of a broker.
    BrokerRegistrationChange = 17, version 3 {
        broker_id: NodeId,
        broker_epoch: BrokerEpoch,
    }
    tagged {
        fenced: FencingChange [tag 0 since 0],
        in_controlled_shutdown: ControlledShutdownChange [tag 1 since 1],
        /// The log directories that are online; empty is unchanged.
        log_dirs: Vec<DirectoryId> [tag 2 since 2],
        /// Directories that take no new replicas; `None` is unchanged.
        cordoned_log_dirs: Option<Vec<DirectoryId>> [tag 3 since 3],
    }
}

impl BrokerRegistrationChange {
    /// A change of nothing, to be filled in.
    #[must_use]
    pub const fn nothing(broker_id: NodeId, broker_epoch: BrokerEpoch) -> Self {
        Self {
            broker_id,
            broker_epoch,
            fenced: FencingChange::None,
            in_controlled_shutdown: ControlledShutdownChange::None,
            log_dirs: Vec::new(),
            cordoned_log_dirs: None,
        }
    }
}

record! {
    /// Nothing: keeps the committed offset moving.
    NoOp = 20, version 0 {}
}

record! {
    /// The records up to the end of the transaction are folded at once (KIP-868).
    BeginTransaction = 23, version 0 {}
    tagged {
        name: Option<String> [tag 0 since 0],
    }
}

record! {
    /// The open transaction's records hold.
    EndTransaction = 24, version 0 {}
}

record! {
    /// The open transaction's records are void.
    AbortTransaction = 25, version 0 {}
    tagged {
        reason: Option<String> [tag 0 since 0],
    }
}

record! {
    /// A controller came up.
    RegisterController = 27, version 0 {
        controller_id: NodeId,
        incarnation_id: IncarnationId,
        zk_migration_ready: bool,
        end_points: Vec<Endpoint>,
        features: Vec<SupportedFeature>,
    }
}

record! {
    /// Forget the eligible leader replicas of a topic, or of all when the name is empty.
    ClearElr = 28, version 0 {
        topic_name: String,
    }
}
