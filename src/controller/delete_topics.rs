//! Deleting topics, by name or by id.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Context, Decide, Decision, Reason, Refusal};
use crate::metadata::records::RemoveTopic;
use crate::metadata::{MetadataImage, TopicImage};
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

/// What became of a topic that the request names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeletedTopic {
    /// Known unless the request gave an id that is unknown or stands twice.
    pub name: Option<TopicName>,
    /// Known unless the request gave a name that is unknown or stands twice.
    pub topic_id: Option<TopicId>,
    pub result: Result<(), Refusal>,
}

impl DeletedTopic {
    fn refused(selector: &TopicSelector, reason: Reason, message: String) -> Self {
        let (name, topic_id) = match selector {
            TopicSelector::Name(name) => (Some(name.clone()), None),
            TopicSelector::Id(id) => (None, Some(*id)),
        };
        Self { name, topic_id, result: Err(Refusal::new(reason, message)) }
    }
}

impl Decide for DeleteTopics {
    type Reply = Vec<DeletedTopic>;

    /// One result for each topic named, in the order of the request. A name or an id that stands twice is refused once; a topic
    /// that is named by name and by id is refused by its name alone.
    fn decide(&self, _: &mut Context<'_>, image: &MetadataImage) -> Result<Decision<Vec<DeletedTopic>>, Refusal> {
        let mut times: BTreeMap<&TopicSelector, usize> = BTreeMap::new();
        for selector in &self.topics {
            *times.entry(selector).or_default() += 1;
        }
        let stands = |selector: &TopicSelector| times.contains_key(selector);
        let (mut records, mut reply) = (Vec::new(), Vec::new());
        let mut seen = BTreeSet::new();
        for selector in self.topics.iter().filter(|selector| seen.insert(*selector)) {
            if times.get(selector) > Some(&1) {
                let message = "The topic stands more than once in the request.".to_owned();
                reply.push(DeletedTopic::refused(selector, Reason::InvalidRequest, message));
                continue;
            }
            let topic = match find(image, selector) {
                Ok(topic) => topic,
                Err(unknown) => {
                    reply.push(unknown);
                    continue;
                }
            };
            let by_name = matches!(selector, TopicSelector::Name(_));
            let result = if !stands(&TopicSelector::Id(topic.id)) || !stands(&TopicSelector::Name(topic.name.clone())) {
                records.push(RemoveTopic { topic_id: topic.id }.into());
                Ok(())
            } else if by_name {
                Err(Refusal::new(
                    Reason::InvalidRequest,
                    format!("Topic '{}' stands in the request by name and by id.", topic.name),
                ))
            } else {
                continue;
            };
            reply.push(DeletedTopic { name: Some(topic.name.clone()), topic_id: Some(topic.id), result });
        }
        Ok(Decision { records, reply })
    }
}

fn find<'a>(image: &'a MetadataImage, selector: &TopicSelector) -> Result<&'a TopicImage, DeletedTopic> {
    let (topic, reason, message) = match selector {
        TopicSelector::Name(name) => {
            (image.topics().by_name(name.as_str()), Reason::UnknownTopicOrPartition, format!("There is no topic '{name}'."))
        }
        TopicSelector::Id(id) => {
            (image.topics().by_id(*id), Reason::UnknownTopicId, format!("There is no topic with the id {id}."))
        }
    };
    topic.map(Arc::as_ref).ok_or_else(|| DeletedTopic::refused(selector, reason, message))
}
