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

    use kafka_protocol::messages::{ApiVersionsResponse, CreateTopicsResponse, ListOffsetsResponse, MetadataResponse};

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
