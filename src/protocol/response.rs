//! Answers into bytes: size prefix, header, body.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::create_topics_response::{CreatableTopicConfigs, CreatableTopicResult};
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::describe_configs_response::{DescribeConfigsResourceResult, DescribeConfigsResult};
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::produce_response::PartitionProduceResponse;
use kafka_protocol::protocol::Encodable;

use super::{ApiKey, ErrorCode};

/// A message that its version cannot carry: a field is set that it does not have, or a string is too long for it.
#[derive(Debug, thiserror::Error)]
#[error("the answer to {api} version {version} cannot be written: {reason}")]
pub struct EncodeError {
    pub api: ApiKey,
    pub version: i16,
    pub reason: String,
}

/// Bytes of the size prefix.
pub(super) const SIZE_PREFIX: usize = 4;

/// The whole answer to a request, as it goes onto the wire.
///
/// # Errors
/// When the version cannot carry the body.
pub fn encode_response(api: ApiKey, version: i16, correlation_id: i32, body: &impl Encodable) -> Result<Bytes, EncodeError> {
    let refuse = |reason: String| EncodeError { api, version, reason };
    let layout = api.layout_version(version);
    let header = if api.response_header_version(version) == 0 { 4 } else { 5 };
    let size = header + body.compute_size(layout).map_err(|error| refuse(error.to_string()))?;
    let announced = i32::try_from(size).map_err(|_| refuse(format!("{size} bytes are too many")))?;
    let mut frame = BytesMut::with_capacity(SIZE_PREFIX + size);
    put_response_header(&mut frame, announced, api, version, correlation_id);
    body.encode(&mut frame, layout).map_err(|error| refuse(error.to_string()))?;
    debug_assert_eq!(frame.len(), SIZE_PREFIX + size, "the computed size is the encoded one");
    Ok(frame.freeze())
}

/// An answer whose long list stands at its end, written element by element: what is told never exists as a whole but in bytes.
#[derive(Debug)]
pub struct ListResponse {
    frame: BytesMut,
    api: ApiKey,
    version: i16,
    /// Elements that are still to come.
    left: usize,
}

impl ListResponse {
    /// Begins the answer that `empty` is without its elements, of which there will be `count`.
    ///
    /// # Errors
    /// When the version cannot carry it.
    pub fn begin(
        api: ApiKey,
        version: i16,
        correlation_id: i32,
        empty: &impl Encodable,
        count: usize,
    ) -> Result<Self, EncodeError> {
        let mut frame = BytesMut::from(&*encode_response(api, version, correlation_id, empty)?);
        // The count of the empty list, and in flexible versions the tags, are taken away again.
        let behind = if api.is_flexible(version) { 2 } else { 4 };
        frame.truncate(frame.len().saturating_sub(behind));
        if api.is_flexible(version) {
            put_unsigned_varint(&mut frame, count.saturating_add(1));
        } else {
            let announced = i32::try_from(count).map_err(|_| too_many(api, version, count))?;
            frame.extend_from_slice(&announced.to_be_bytes());
        }
        Ok(Self { frame, api, version, left: count })
    }

    /// Bytes so far.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.frame.len()
    }

    /// Adds the next element.
    ///
    /// # Errors
    /// When the version cannot carry it.
    pub fn push(&mut self, element: &impl Encodable) -> Result<(), EncodeError> {
        debug_assert!(self.left > 0, "as many elements as were announced");
        self.left = self.left.saturating_sub(1);
        let (api, version) = (self.api, self.version);
        element.encode(&mut self.frame, api.layout_version(version)).map_err(|error| EncodeError {
            api,
            version,
            reason: error.to_string(),
        })
    }

    /// The whole answer.
    ///
    /// # Errors
    /// When it is too long for its size to be told.
    pub fn finish(mut self) -> Result<Bytes, EncodeError> {
        debug_assert_eq!(self.left, 0, "as many elements as were announced");
        if self.api.is_flexible(self.version) {
            self.frame.extend_from_slice(&[0]);
        }
        let size = self.frame.len().saturating_sub(SIZE_PREFIX);
        let announced = i32::try_from(size).map_err(|_| too_many(self.api, self.version, size))?;
        if let Some(prefix) = self.frame.get_mut(..SIZE_PREFIX) {
            prefix.copy_from_slice(&announced.to_be_bytes());
        }
        Ok(self.frame.freeze())
    }
}

fn too_many(api: ApiKey, version: i16, count: usize) -> EncodeError {
    EncodeError { api, version, reason: format!("{count} are too many") }
}

fn put_unsigned_varint(frame: &mut BytesMut, mut value: usize) {
    while value >= 0x80 {
        frame.extend_from_slice(&[u8::try_from(value & 0x7f).expect("seven bits") | 0x80]);
        value >>= 7;
    }
    frame.extend_from_slice(&[u8::try_from(value).expect("seven bits")]);
}

pub(super) fn put_response_header(frame: &mut BytesMut, size: i32, api: ApiKey, version: i16, correlation_id: i32) {
    frame.extend_from_slice(&size.to_be_bytes());
    frame.extend_from_slice(&correlation_id.to_be_bytes());
    if api.response_header_version(version) > 0 {
        frame.extend_from_slice(&[0]);
    }
}

// The crate's `Default` puts empty values where Kafka sends null. These start with the nulls, or with what stands for "unknown".

/// A partition's part of a Produce answer that says why nothing was appended.
#[must_use]
pub fn produce_refusal(index: i32, error: ErrorCode) -> PartitionProduceResponse {
    PartitionProduceResponse::default().with_index(index).with_error_code(error.number()).with_base_offset(-1)
}

/// A partition's part of a Fetch answer: no records and no aborted transactions (empty, not null), offsets unknown.
#[must_use]
pub fn fetched_partition(index: i32, error: ErrorCode) -> PartitionData {
    PartitionData::default()
        .with_partition_index(index)
        .with_error_code(error.number())
        .with_high_watermark(-1)
        .with_aborted_transactions(Some(Vec::new()))
}

/// A topic's part of a CreateTopics answer: no message, no configs.
#[must_use]
pub fn created_topic() -> CreatableTopicResult {
    CreatableTopicResult::default().with_error_message(None).with_configs(None)
}

/// A config of a created topic, without a value.
#[must_use]
pub fn created_topic_config() -> CreatableTopicConfigs {
    CreatableTopicConfigs::default().with_value(None)
}

/// A topic's part of a DeleteTopics answer: no name, no message.
#[must_use]
pub fn deleted_topic() -> DeletableTopicResult {
    DeletableTopicResult::default().with_name(None)
}

/// A resource's part of a DescribeConfigs answer: no message.
#[must_use]
pub fn described_resource() -> DescribeConfigsResult {
    DescribeConfigsResult::default().with_error_message(None)
}

/// A config of a described resource: no value, no documentation.
#[must_use]
pub fn described_config() -> DescribeConfigsResourceResult {
    DescribeConfigsResourceResult::default().with_value(None).with_documentation(None)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "tests")]

    use kafka_protocol::messages::describe_groups_response::DescribedGroup;
    use kafka_protocol::messages::{
        ApiVersionsResponse, CreateTopicsResponse, DescribeGroupsResponse, ListOffsetsResponse, MetadataResponse,
    };

    use super::*;

    #[test]
    fn an_answer_has_size_correlation_id_and_the_header_of_its_version() {
        let metadata = |version| encode_response(ApiKey::Metadata, version, 7, &MetadataResponse::default()).unwrap();
        let (old, flexible) = (metadata(8), metadata(9));
        assert_eq!(old[..8], [0, 0, 0, old.len() as u8 - 4, 0, 0, 0, 7]);
        assert_eq!(flexible[..9], [0, 0, 0, flexible.len() as u8 - 4, 0, 0, 0, 7, 0]);
    }

    #[test]
    fn api_versions_has_no_tags_in_its_header() {
        let answer = encode_response(ApiKey::ApiVersions, 4, 1, &ApiVersionsResponse::default().with_error_code(35)).unwrap();
        assert_eq!(answer[4..10], [0, 0, 0, 1, 0, 35]);
    }

    /// In layouts with and without tags, and with counts of one and two bytes.
    #[test]
    fn a_list_that_is_written_element_by_element_is_the_same_answer() {
        for (version, count) in [(0, 0), (0, 3), (5, 0), (5, 3), (6, 127), (6, 300)] {
            let groups: Vec<_> = (0..count).map(|number| DescribedGroup::default().with_error_code(number)).collect();
            let empty = DescribeGroupsResponse::default();
            let whole = encode_response(ApiKey::DescribeGroups, version, 7, &empty.clone().with_groups(groups.clone())).unwrap();
            let mut list = ListResponse::begin(ApiKey::DescribeGroups, version, 7, &empty, groups.len()).unwrap();
            groups.iter().for_each(|group| list.push(group).unwrap());
            assert_eq!((list.bytes() >= whole.len() - 1, list.finish().unwrap()), (true, whole), "version {version}, {count}");
        }
    }

    #[test]
    fn list_offsets_11_is_laid_out_as_10() {
        let answer = |version| encode_response(ApiKey::ListOffsets, version, 1, &ListOffsetsResponse::default()).unwrap();
        assert_eq!(answer(11), answer(10));
    }

    #[test]
    fn what_a_version_cannot_carry_is_an_error() {
        let topic = created_topic().with_error_message(Some("x".repeat(40_000).into()));
        let body = CreateTopicsResponse::default().with_topics(vec![topic]);
        assert!(encode_response(ApiKey::CreateTopics, 4, 1, &body).is_err());
        assert!(encode_response(ApiKey::CreateTopics, 7, 1, &body).is_ok());
    }
}
