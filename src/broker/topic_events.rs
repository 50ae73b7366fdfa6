//! What happens to topics, as log lines.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::metadata::records::ConfigResourceType;
use crate::metadata::{ConfigResource, MetadataDelta, MetadataImage};
use crate::seams::LineLimiter;
use crate::types::Now;

/// Lines about topics in a second.
const LINES: u32 = 100;

#[derive(Debug)]
pub(super) struct TopicEvents {
    lines: LineLimiter,
}

impl Default for TopicEvents {
    fn default() -> Self {
        Self { lines: LineLimiter::new(LINES) }
    }
}

impl TopicEvents {
    /// Tells what changed between two images. What a node finds when it starts is no event.
    pub(super) fn tell(&self, now: Now, delta: &MetadataDelta, before: &MetadataImage, after: &MetadataImage) {
        if before.is_empty() {
            return;
        }
        for topic in delta.created_topics.iter().filter_map(|id| after.topics().by_id(*id)) {
            let (id, partitions) = (topic.id, topic.partitions.len());
            self.lines.write(now, |held_back| {
                tracing::info!(topic = %topic.name, %id, partitions, held_back, "topic created");
            });
        }
        for topic in delta.deleted_topics.values() {
            self.lines.write(now, |held_back| tracing::info!(topic = %topic.name, id = %topic.id, held_back, "topic deleted"));
        }
        let grown: BTreeSet<_> = delta.created_partitions.iter().map(|partition| partition.topic_id).collect();
        for id in grown.difference(&delta.created_topics) {
            let (Some(earlier), Some(topic)) = (before.topics().by_id(*id), after.topics().by_id(*id)) else { continue };
            let (from, to) = (earlier.partitions.len(), topic.partitions.len());
            self.lines.write(now, |held_back| tracing::info!(topic = %topic.name, from, to, held_back, "partitions added"));
        }
        let deleted: BTreeSet<&str> = delta.deleted_topics.values().map(|topic| topic.name.as_str()).collect();
        let goes_with_its_topic = |resource: &&ConfigResource| {
            resource.resource_type == ConfigResourceType::Topic
                && deleted.contains(&*resource.name)
                && after.topics().by_name(&resource.name).is_none()
        };
        for resource in delta.changed_configs.iter().filter(|resource| !goes_with_its_topic(resource)) {
            self.lines.write(now, |held_back| tell_config(resource, before, after, held_back));
        }
    }
}

/// The settings of topics are shown with their values; others may be secrets.
fn tell_config(resource: &ConfigResource, before: &MetadataImage, after: &MetadataImage, held_back: Option<u64>) {
    let ConfigResource { resource_type, name } = resource;
    let (earlier, later) = (before.configs().of(*resource_type, name), after.configs().of(*resource_type, name));
    let keys: BTreeSet<&String> = earlier.keys().chain(later.keys()).collect();
    let mut changes = String::new();
    for key in keys.into_iter().filter(|key| earlier.get(*key) != later.get(*key)) {
        let value = match (later.get(key), resource_type) {
            (None, _) => "unset",
            (Some(value), ConfigResourceType::Topic) => value,
            (Some(_), _) => "set",
        };
        let separator = if changes.is_empty() { "" } else { ", " };
        write!(changes, "{separator}{key}={value}").expect("a string takes all that is written");
    }
    if *resource_type == ConfigResourceType::Topic {
        tracing::info!(topic = %name, changes, held_back, "topic config changed");
    } else {
        tracing::info!(?resource_type, %name, changes, held_back, "config changed");
    }
}
