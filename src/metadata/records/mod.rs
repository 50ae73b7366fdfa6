//! The metadata records and their bytes: what stands as a record's value in `__cluster_metadata-0`.
//!
//! The value is frame version 1, record type and record version as unsigned varints, then the body in Kafka's flexible encoding.
//! Written are the versions of metadata.version 4.3-IV0 (level 30); all older ones are read.

mod kinds;
mod schema;
mod wire;

#[cfg(test)]
pub(crate) mod tests;

use bytes::Bytes;

use self::wire::{Reader, write_varint};
pub use kinds::*;

const FRAME_VERSION: u32 = 1;

/// Bytes that are no metadata record of ours.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RecordError {
    #[error("frame version {0} of a metadata record; version 1 is known")]
    FrameVersion(u32),
    #[error("unknown record type {0}")]
    UnknownType(u32),
    #[error("version {version} of a {name} record; versions 0 to {highest} are known")]
    UnsupportedVersion { name: &'static str, version: u32, highest: u32 },
    #[error("the metadata record is cut off")]
    Truncated,
    #[error("a varint of the metadata record has more than 32 bits")]
    Varint,
    #[error("a text of the metadata record is not UTF-8")]
    Utf8,
    #[error("a value of the metadata record is null that must not be")]
    Null,
    #[error("tag {0} of the metadata record is out of order")]
    TagOrder(u32),
    #[error("{value} is no {of}")]
    UnknownValue { of: &'static str, value: i8 },
    #[error("{0} bytes after the end of the metadata record")]
    TrailingBytes(usize),
}

macro_rules! metadata_record {
    ($($name:ident),* $(,)?) => {
        /// One record of the metadata log.
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub enum MetadataRecord {
            $($name($name),)*
        }

        $(
            impl From<$name> for MetadataRecord {
                fn from(record: $name) -> Self {
                    Self::$name(record)
                }
            }
        )*

        impl MetadataRecord {
            /// The record's value as it stands in the log.
            #[must_use]
            pub fn encode(&self) -> Bytes {
                self.encode_at(self.version())
            }

            /// The record's value in a version of its kind; fields that this version lacks are left out.
            #[must_use]
            pub fn encode_at(&self, version: u32) -> Bytes {
                match self {
                    $(Self::$name(record) => frame($name::TYPE, version, |out| record.write_body(version, out)),)*
                }
            }

            const fn version(&self) -> u32 {
                match self {
                    $(Self::$name(_) => $name::VERSION,)*
                }
            }

            /// The name of the record's kind, for logs.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name),)*
                }
            }

            fn read_body(record_type: u32, version: u32, input: &mut Reader<'_>) -> Result<Self, RecordError> {
                match record_type {
                    $(
                        $name::TYPE if version > $name::VERSION => {
                            Err(RecordError::UnsupportedVersion { name: stringify!($name), version, highest: $name::VERSION })
                        }
                        $name::TYPE => $name::read_body(version, input).map(Self::$name),
                    )*
                    unknown => Err(RecordError::UnknownType(unknown)),
                }
            }
        }
    };
}

metadata_record!(
    RegisterBroker,
    UnregisterBroker,
    Topic,
    Partition,
    Config,
    PartitionChange,
    FenceBroker,
    UnfenceBroker,
    RemoveTopic,
    FeatureLevel,
    ProducerIds,
    BrokerRegistrationChange,
    NoOp,
    BeginTransaction,
    EndTransaction,
    AbortTransaction,
    RegisterController,
    ClearElr,
);

impl MetadataRecord {
    /// Reads a record's value.
    ///
    /// # Errors
    /// When the bytes are no whole record of a known type and version.
    pub fn decode(value: &[u8]) -> Result<Self, RecordError> {
        let mut input = Reader::new(value);
        let frame_version = input.varint()?;
        if frame_version != FRAME_VERSION {
            return Err(RecordError::FrameVersion(frame_version));
        }
        let (record_type, version) = (input.varint()?, input.varint()?);
        let record = Self::read_body(record_type, version, &mut input)?;
        input.finish().map(|()| record)
    }
}

fn frame(record_type: u32, version: u32, write_body: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut out = Vec::with_capacity(64);
    for number in [FRAME_VERSION, record_type, version] {
        write_varint(&mut out, number);
    }
    write_body(&mut out);
    out.into()
}
