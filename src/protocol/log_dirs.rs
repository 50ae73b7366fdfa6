//! The answer to DescribeLogDirs; kafka-protocol writes it up to version 4. Version 5 adds whether a directory is cordoned (KIP-1066), and
//! its request is laid out as that of version 4.

use bytes::Bytes;
use kafka_protocol::messages::DescribeLogDirsResponse;
use kafka_protocol::messages::describe_log_dirs_response::{DescribeLogDirsResult, DescribeLogDirsTopic};

use super::codec::Writer;
use super::response::{SIZE_PREFIX, put_response_header};
use super::{ApiKey, EncodeError, encode_response};

/// First version that tells who is cordoned.
const CORDONED: i16 = 5;

/// Writes the whole answer. `cordoned` has one entry for each result.
///
/// # Errors
/// When the version cannot carry the body.
pub fn encode_described_log_dirs(
    version: i16,
    correlation_id: i32,
    body: &DescribeLogDirsResponse,
    cordoned: &[bool],
) -> Result<Bytes, EncodeError> {
    let api = ApiKey::DescribeLogDirs;
    if version < CORDONED {
        return encode_response(api, version, correlation_id, body);
    }
    let mut frame = bytes::BytesMut::new();
    put_response_header(&mut frame, 0, api, version, correlation_id);
    let mut to = Writer::append_to(frame);
    to.i32(body.throttle_time_ms);
    to.i16(body.error_code);
    let results: Vec<_> = body.results.iter().zip(cordoned).collect();
    to.compact_array_of(&results, |to, (result, is_cordoned)| put_result(to, result, **is_cordoned));
    to.no_tagged_fields();
    let mut frame = to.into_inner();
    let size = i32::try_from(frame.len() - SIZE_PREFIX).map_err(|_| {
        let reason = format!("{} bytes are too many", frame.len());
        EncodeError { api, version, reason }
    })?;
    frame.get_mut(..SIZE_PREFIX).expect("the header was put").copy_from_slice(&size.to_be_bytes());
    Ok(frame.freeze())
}

fn put_result(to: &mut Writer, result: &DescribeLogDirsResult, is_cordoned: bool) {
    to.i16(result.error_code);
    to.compact_string(&result.log_dir);
    to.compact_array_of(&result.topics, put_topic);
    to.i64(result.total_bytes);
    to.i64(result.usable_bytes);
    to.bool(is_cordoned);
    to.no_tagged_fields();
}

fn put_topic(to: &mut Writer, topic: &DescribeLogDirsTopic) {
    to.compact_string(&topic.name);
    to.compact_array_of(&topic.partitions, |to, partition| {
        to.i32(partition.partition_index);
        to.i64(partition.partition_size);
        to.i64(partition.offset_lag);
        to.bool(partition.is_future_key);
        to.no_tagged_fields();
    });
    to.no_tagged_fields();
}
