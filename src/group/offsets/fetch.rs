//! OffsetFetch.

use super::{FetchedOffset, OffsetsOfGroup, Place};
use crate::group::{AskedTopic, FetchOffsets, GroupCoordinator, Refusal};
use crate::types::{GroupId, PartitionIndex, TopicName};

impl GroupCoordinator {
    /// The offsets asked for. A group that does not exist has none.
    ///
    /// # Errors
    /// None for classic groups: anybody may ask, whatever member and epoch are named.
    pub fn fetch_offsets(&self, request: &FetchOffsets) -> Result<OffsetsOfGroup, Refusal> {
        let exists = self.groups.contains_key(&request.group);
        let topics = match &request.partitions {
            Some(topics) => topics.iter().map(|topic| self.fetch_topic(&request.group, exists, topic)).collect(),
            None if exists => self.fetch_all(&request.group),
            None => Vec::new(),
        };
        Ok(topics)
    }

    fn fetch_topic(
        &self,
        group: &GroupId,
        exists: bool,
        asked: &AskedTopic,
    ) -> (TopicName, Vec<(PartitionIndex, FetchedOffset)>) {
        let fetch = |partition: &PartitionIndex| {
            let place = Place { group: group.clone(), topic: asked.topic.clone(), partition: *partition };
            let committed = self.offsets.get(&place).filter(|_| exists);
            // An offset in another life of the topic is none in this one.
            let meant = committed.filter(|offset| match (offset.topic_id, asked.topic_id) {
                (Some(committed), Some(asked)) => committed == asked,
                _ => true,
            });
            (*partition, meant.map_or(FetchedOffset::Nothing, |offset| FetchedOffset::Committed(offset.clone())))
        };
        (asked.topic.clone(), asked.partitions.iter().map(fetch).collect())
    }

    fn fetch_all(&self, group: &GroupId) -> OffsetsOfGroup {
        let mut topics = OffsetsOfGroup::new();
        for (place, offset) in self.offsets.of_group(group) {
            let fetched = (place.partition, FetchedOffset::Committed(offset.clone()));
            match topics.last_mut() {
                Some((topic, partitions)) if *topic == place.topic => partitions.push(fetched),
                _ => topics.push((place.topic.clone(), vec![fetched])),
            }
        }
        topics
    }
}
