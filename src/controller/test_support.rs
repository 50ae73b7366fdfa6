//! Clusters for the controller's tests.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::metadata::features;
use crate::metadata::records::{Endpoint, SupportedFeature};
use crate::types::{BrokerEpoch, DirectoryId, IncarnationId, NodeId};

/// A controller with its own image, as the shell runs it: what is decided is folded at once.
pub(crate) struct Controller {
    pub(crate) image: MetadataImage,
    seed: u64,
}

impl Controller {
    /// A new cluster without brokers.
    pub(crate) fn new(seed: u64) -> Self {
        let mut controller = Self { image: MetadataImage::default(), seed };
        controller.decide(&Bootstrap { min_insync_replicas: 1 }).unwrap();
        controller
    }

    /// A cluster of active brokers 1, 2, 3 and so on, each on the rack named.
    pub(crate) fn with_racks(seed: u64, racks: &[Option<&str>]) -> Self {
        let mut controller = Self::new(seed);
        for (id, rack) in (1..).zip(racks) {
            let registration = RegisterBroker { rack: rack.map(str::to_owned), ..registration(id, 1) };
            controller.decide(&registration).unwrap();
            controller.unfence(id);
        }
        controller
    }

    pub(crate) fn with_brokers(seed: u64, brokers: usize) -> Self {
        Self::with_racks(seed, &vec![None; brokers])
    }

    pub(crate) fn decide<D: Decide>(&mut self, request: &D) -> Result<D::Reply, Refusal> {
        let before = (self.image.clone(), self.image.hash());
        let mut seed = self.seed;
        let mut random = || next(&mut seed);
        let mut context = Context {
            next_offset: self.image.end(),
            random: &mut random,
            defaults: TopicDefaults { partitions: 2, replication_factor: 1 },
        };
        let decided = decide(&mut context, &self.image, request);
        self.seed = seed;
        assert_eq!((&self.image, self.image.hash()), (&before.0, before.1), "a decision reads only");
        let decision = decided?;
        self.image.apply_batch(&decision.records, self.image.end()).unwrap();
        let snapshot = MetadataImage::from_snapshot(&self.image.to_records(), self.image.end()).unwrap();
        assert_eq!(snapshot, self.image);
        Ok(decision.reply)
    }

    pub(crate) fn heartbeat(&self, broker: i32) -> BrokerHeartbeat {
        let broker_epoch = self.image.broker(NodeId(broker)).map_or(BrokerEpoch(-1), |broker| broker.epoch);
        BrokerHeartbeat {
            broker_id: NodeId(broker),
            broker_epoch,
            current_metadata_offset: Some(self.image.end()),
            want_fence: false,
            want_shut_down: false,
            cordoned_log_dirs: None,
            is_drained: false,
        }
    }

    pub(crate) fn unfence(&mut self, broker: i32) {
        let reply = self.decide(&self.heartbeat(broker)).unwrap();
        assert!(!reply.is_fenced);
    }

    pub(crate) fn fence(&mut self, broker: i32) {
        let broker_id = NodeId(broker);
        let broker_epoch = self.image.broker(broker_id).unwrap().epoch;
        self.decide(&FenceBroker { broker_id, broker_epoch }).unwrap();
    }

    /// The outcome of creating one topic.
    pub(crate) fn create(&mut self, topic: NewTopic) -> Result<CreatedTopic, Refusal> {
        let mut results = self.decide(&CreateTopics { topics: vec![topic], validate_only: false })?;
        assert_eq!(results.len(), 1);
        results.remove(0).result
    }
}

/// splitmix64
pub(crate) fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *seed;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

pub(crate) fn directory(broker: i32, number: u32) -> DirectoryId {
    DirectoryId(uuid::Uuid::from_u128((u128::try_from(broker).unwrap() << 96) | (u128::from(number + 1) << 64)))
}

/// The `run`-th run of a broker with one log directory.
pub(crate) fn registration(broker: i32, run: u128) -> RegisterBroker {
    RegisterBroker {
        broker_id: NodeId(broker),
        incarnation_id: IncarnationId(uuid::Uuid::from_u128(run)),
        endpoints: vec![Endpoint {
            name: "PLAINTEXT".to_owned(),
            host: format!("host{broker}"),
            port: 9092,
            security_protocol: 0,
        }],
        features: features::SUPPORTED
            .iter()
            .map(|feature| SupportedFeature {
                name: feature.name.to_owned(),
                min_supported_version: feature.min_supported_version,
                max_supported_version: feature.max_supported_version,
            })
            .collect(),
        rack: None,
        log_dirs: vec![directory(broker, 0)],
        has_session: false,
    }
}

pub(crate) fn new_topic(name: &str, partitions: i32, replication_factor: i16) -> NewTopic {
    NewTopic {
        name: name.to_owned(),
        partitions: Some(partitions),
        replication_factor: Some(replication_factor),
        assignments: Vec::new(),
        configs: Vec::new(),
    }
}
