//! What folding changed, for those who act on changes: open and close partitions, take over settings, tell clients.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{ConfigResource, MetadataImage, TopicImage};
use crate::types::{NodeId, TopicId, TopicIdPartition};

/// The net change from one image to a later one. What exists now is looked up in the later image.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MetadataDelta {
    /// Topics that were not there before, with or without partitions.
    pub created_topics: BTreeSet<TopicId>,
    /// Partitions that were not there before.
    pub created_partitions: BTreeSet<TopicIdPartition>,
    /// Partitions that were there and are different now.
    pub changed_partitions: BTreeSet<TopicIdPartition>,
    /// Topics that are gone, as they were in the earlier image.
    pub deleted_topics: BTreeMap<TopicId, Arc<TopicImage>>,
    /// Resources whose settings changed or are gone.
    pub changed_configs: BTreeSet<ConfigResource>,
    /// Brokers that came, changed or left.
    pub changed_brokers: BTreeSet<NodeId>,
    /// Controllers that came or changed.
    pub changed_controllers: BTreeSet<NodeId>,
    /// Features whose finalised level changed.
    pub changed_features: BTreeSet<String>,
    pub producer_ids_changed: bool,
}

/// What records named: a change is looked for only there.
#[derive(Default)]
pub(super) struct Touched {
    pub(super) topics: BTreeSet<TopicId>,
    pub(super) configs: BTreeSet<ConfigResource>,
    pub(super) brokers: BTreeSet<NodeId>,
    pub(super) controllers: BTreeSet<NodeId>,
    pub(super) features: BTreeSet<String>,
}

impl Touched {
    fn everything_in(images: [&MetadataImage; 2]) -> Self {
        let mut touched = Self::default();
        for image in images {
            touched.topics.extend(image.topics.iter().map(|topic| topic.id));
            touched.configs.extend(image.configs.resources());
            touched.brokers.extend(image.brokers.keys());
            touched.controllers.extend(image.controllers.keys());
            touched.features.extend(image.features.keys().cloned());
        }
        touched
    }
}

impl MetadataDelta {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The change between any two images: for a node that loads a snapshot over what it had.
    #[must_use]
    pub fn between(before: &MetadataImage, after: &MetadataImage) -> Self {
        Self::where_touched(Touched::everything_in([before, after]), before, after)
    }

    pub(super) fn where_touched(touched: Touched, before: &MetadataImage, after: &MetadataImage) -> Self {
        let settings =
            |image: &MetadataImage, resource: &ConfigResource| image.configs.of(resource.resource_type, &resource.name).clone();
        let mut delta = Self {
            changed_configs: differing(touched.configs, |key| settings(before, key) != settings(after, key)),
            changed_brokers: differing(touched.brokers, |key| before.brokers.get(key) != after.brokers.get(key)),
            changed_controllers: differing(touched.controllers, |key| before.controllers.get(key) != after.controllers.get(key)),
            changed_features: differing(touched.features, |key| before.features.get(key) != after.features.get(key)),
            producer_ids_changed: before.next_producer_id != after.next_producer_id,
            ..Self::default()
        };
        for id in touched.topics {
            delta.add_topic(id, before.topics.by_id(id), after.topics.by_id(id));
        }
        delta
    }

    fn add_topic(&mut self, topic_id: TopicId, before: Option<&Arc<TopicImage>>, after: Option<&Arc<TopicImage>>) {
        let Some(after) = after else {
            self.deleted_topics.extend(before.map(|topic| (topic_id, Arc::clone(topic))));
            return;
        };
        if before.is_none() {
            self.created_topics.insert(topic_id);
        }
        for (index, partition) in &after.partitions {
            let place = TopicIdPartition { topic_id, partition: *index };
            match before.and_then(|before| before.partition(*index)) {
                None => drop(self.created_partitions.insert(place)),
                Some(earlier) if Arc::ptr_eq(earlier, partition) || earlier == partition => {}
                Some(_) => drop(self.changed_partitions.insert(place)),
            }
        }
    }
}

fn differing<K: Ord>(mut keys: BTreeSet<K>, differs: impl Fn(&K) -> bool) -> BTreeSet<K> {
    keys.retain(differs);
    keys
}
