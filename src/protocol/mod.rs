//! Kafka's wire protocol: headers, the table of APIs, bounded decoding, error codes, the answers' layouts.
//!
//! Owns: which APIs and versions are served; how bytes become requests and answers become bytes; [`codec`], the primitives for
//! records on disk and for what kafka-protocol lacks.
//! Never does: touch a socket; look inside a record batch; log or panic on a peer's bytes.
//! Invariants: nothing is reserved on a sender's word (a count is checked against the bytes that are left); a key or version
//! outside the table is neither advertised nor decoded; names kept beyond a request are copied out of its frame.

pub mod codec;

mod api_key;
mod api_versions;
mod decode;
mod error;
mod error_code;
mod fetch_response;
mod header;
mod log_dirs;
mod offsets;
pub mod produce;
pub mod response;

pub use api_key::{ApiKey, VersionRange};
pub use api_versions::{
    FinalizedFeatures, SupportedFeature, api_versions_response, is_software_name, refused_api_versions_response,
    unsupported_api_versions_response,
};
pub use decode::{decode_request, decode_response};
pub use error::DecodeError;
pub use error_code::ErrorCode;
pub use fetch_response::encode_fetch_response;
pub use header::RequestHeader;
pub use log_dirs::encode_described_log_dirs;
pub use offsets::{decode_offset_commit, decode_offset_fetch};
pub use response::{EncodeError, ListResponse, encode_response};
