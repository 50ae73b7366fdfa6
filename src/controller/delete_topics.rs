//! Deleting topics, by name or by id.

use std::collections::BTreeMap;

use super::{Context, Decide, Decision, Reason, Refusal};
use crate::metadata::MetadataImage;
use crate::metadata::records::RemoveTopic;
use crate::types::{TopicId, TopicName};

/// How a request names a topic.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum TopicSelector {
    Name(TopicName),
    Id(TopicId),
}

/// Deletes topics. The edge has checked rights, and that deletion is enabled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeleteTopics {
    pub topics: Vec<TopicSelector>,
}

/// What became of one entry of the request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeletedTopic {
    pub selector: TopicSelector,
    /// The topic's name and id as they were.
    pub result: Result<(TopicName, TopicId), Refusal>,
}

impl Decide for DeleteTopics {
    type Reply = Vec<DeletedTopic>;

    /// One result for each entry, in the order of the request; an entry that stands twice is refused once, and so is a topic that
    /// is named by name and by id.
    fn decide(&self, _: &mut Context<'_>, image: &MetadataImage) -> Result<Decision<Vec<DeletedTopic>>, Refusal> {
        let mut times: BTreeMap<&TopicSelector, usize> = BTreeMap::new();
        let mut named: BTreeMap<TopicId, usize> = BTreeMap::new();
        for selector in &self.topics {
            let again = times.entry(selector).or_default();
            *again += 1;
            if *again == 1
                && let Ok((_, id)) = find(image, selector)
            {
                *named.entry(id).or_default() += 1;
            }
        }
        let (mut records, mut reply) = (Vec::new(), Vec::new());
        for selector in &self.topics {
            let Some(times) = times.remove(selector) else { continue };
            let result = find(image, selector).and_then(|(name, id)| match named.get(&id) {
                _ if times > 1 => {
                    Err(Refusal::new(Reason::InvalidRequest, format!("Topic '{name}' stands more than once in the request.")))
                }
                Some(1) => Ok((name, id)),
                _ => {
                    Err(Refusal::new(Reason::InvalidRequest, format!("Topic '{name}' stands in the request by name and by id.")))
                }
            });
            records.extend(result.iter().map(|(_, id)| RemoveTopic { topic_id: *id }.into()));
            reply.push(DeletedTopic { selector: selector.clone(), result });
        }
        Ok(Decision { records, reply })
    }
}

fn find(image: &MetadataImage, selector: &TopicSelector) -> Result<(TopicName, TopicId), Refusal> {
    let topic = match selector {
        TopicSelector::Name(name) => image
            .topics()
            .by_name(name.as_str())
            .ok_or_else(|| Refusal::new(Reason::UnknownTopicOrPartition, format!("There is no topic '{name}'."))),
        TopicSelector::Id(id) => image
            .topics()
            .by_id(*id)
            .ok_or_else(|| Refusal::new(Reason::UnknownTopicId, format!("There is no topic with the id {id}."))),
    };
    topic.map(|topic| (topic.name.clone(), topic.id))
}
