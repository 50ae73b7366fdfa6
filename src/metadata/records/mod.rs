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

pub use self::kinds::*;
use crate::protocol::DecodeError;
use crate::protocol::codec::{Reader, Writer};

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
    #[error("the metadata record's frame is damaged: {0}")]
    Frame(DecodeError),
    #[error("a {name} record is damaged: {error}")]
    Body { name: &'static str, error: DecodeError },
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
                    $(Self::$name(record) => frame($name::TYPE, version, |to| record.write_body(version, to)),)*
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

            fn read_body(record_type: u32, version: u32, from: &mut Reader<'_>) -> Result<Self, RecordError> {
                match record_type {
                    $(
                        $name::TYPE if version > $name::VERSION => {
                            Err(RecordError::UnsupportedVersion { name: stringify!($name), version, highest: $name::VERSION })
                        }
                        $name::TYPE => $name::read_body(version, from)
                            .and_then(|record| from.finish().map(|()| Self::$name(record)))
                            .map_err(|error| RecordError::Body { name: stringify!($name), error }),
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
        let mut from = Reader::new(value);
        let frame_version = from.unsigned_varint().map_err(RecordError::Frame)?;
        if frame_version != FRAME_VERSION {
            return Err(RecordError::FrameVersion(frame_version));
        }
        let record_type = from.unsigned_varint().map_err(RecordError::Frame)?;
        let version = from.unsigned_varint().map_err(RecordError::Frame)?;
        Self::read_body(record_type, version, &mut from)
    }
}

fn frame(record_type: u32, version: u32, write_body: impl FnOnce(&mut Writer)) -> Bytes {
    let mut to = Writer::with_capacity(64);
    for number in [FRAME_VERSION, record_type, version] {
        to.unsigned_varint(number);
    }
    write_body(&mut to);
    to.into_inner().freeze()
}
