//! Why bytes were refused.

/// Bytes that are not what they should be. The connection that sent them is closed; a file that holds them is damaged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("the bytes end inside a value: {needed} needed, {left} left")]
    Truncated { needed: usize, left: usize },
    #[error("a length or count of {0} cannot be")]
    Length(i64),
    #[error("a varint is longer than its type")]
    Varint,
    #[error("a string is not UTF-8")]
    Utf8,
    #[error("null where a value must be")]
    Null,
    #[error("tagged field {0} is longer or shorter than its value")]
    TagLength(u32),
    #[error("{0} bytes are left over")]
    LeftOver(usize),
    #[error("no API has key {0}")]
    UnknownApi(i16),
    #[error("{api} is not known in version {version}")]
    UnknownVersion { api: &'static str, version: i16 },
    #[error("a body of {length} bytes is above the {limit} that {api} may have")]
    TooLarge { api: &'static str, length: usize, limit: usize },
    #[error("{api} may name {limit} topics and partitions in one request, not more")]
    TooMany { api: &'static str, limit: usize },
    /// In the words of kafka-protocol.
    #[error("{0}")]
    Malformed(String),
}
