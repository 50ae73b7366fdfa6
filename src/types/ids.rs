//! Names and ids of nodes, topics, partitions and directories.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::number;

number! {
    /// Id of a broker or controller.
    NodeId(i32)
}
number! {
    /// Number of a partition within its topic.
    PartitionIndex(i32)
}

/// Declares a 16-byte id that Kafka prints as 22 characters of unpadded URL-safe base64.
macro_rules! unique_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub uuid::Uuid);

        impl $name {
            /// The id of a random number. Kafka's reserved ids (high half zero, low half below 100) and ids whose text starts
            /// with a dash are stepped over, as Uuid.randomUuid does.
            #[must_use]
            pub fn from_random(mut next: impl FnMut() -> u64) -> Self {
                loop {
                    let random = (u128::from(next()) << 64) | u128::from(next());
                    let id = Self(uuid::Builder::from_random_bytes(random.to_be_bytes()).into_uuid());
                    if !id.to_string().starts_with('-') {
                        return id;
                    }
                }
            }

            #[must_use]
            pub const fn is_nil(&self) -> bool {
                self.0.is_nil()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&URL_SAFE_NO_PAD.encode(self.0.as_bytes()))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidId(text.to_owned()))?;
                uuid::Uuid::from_slice(&bytes).map(Self).map_err(|_| InvalidId(text.to_owned()))
            }
        }
    };
}

unique_id! {
    /// Id of a topic's life: a deleted and recreated topic has a new one.
    TopicId
}
unique_id! {
    /// Id of a log directory, kept in its meta.properties.
    DirectoryId
}
impl DirectoryId {
    /// Reserved: the replica's directory was chosen before directories had ids.
    pub const MIGRATING: Self = Self(uuid::Uuid::from_u128(0));
    /// Reserved: the broker has not yet chosen the replica's directory.
    pub const UNASSIGNED: Self = Self(uuid::Uuid::from_u128(1));
    /// Reserved: the replica's directory is offline.
    pub const LOST: Self = Self(uuid::Uuid::from_u128(2));

    /// Whether this is one of the 100 ids that name no directory (Kafka's DirectoryId).
    #[must_use]
    pub const fn is_reserved(&self) -> bool {
        self.0.as_u128() < 100
    }
}

unique_id! {
    /// Id of one run of a broker's process.
    IncarnationId
}

/// Text that is not 22 characters of URL-safe base64.
#[derive(Debug, Clone, thiserror::Error)]
#[error("'{0}' is not an id of 22 base64 characters")]
pub struct InvalidId(pub String);

/// Id of a cluster: free text, usually 22 base64 characters.
#[derive(Clone, PartialEq, Eq, Debug, Hash)]
pub struct ClusterId(pub Arc<str>);

impl fmt::Display for ClusterId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Declares a name that is shared text.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            #[must_use]
            pub fn new(name: &str) -> Self {
                Self(Arc::from(name))
            }

            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, formatter)
            }
        }
    };
}

name! {
    /// Name of a topic, owned: never a slice of a request's frame.
    TopicName
}
name! {
    /// Id of a group, owned; may be empty where Kafka allows it.
    GroupId
}
name! {
    /// Id that the coordinator gave to a member of a group.
    MemberId
}

/// A partition by the name of its topic; also the name of its directory.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TopicPartition {
    pub topic: TopicName,
    pub partition: PartitionIndex,
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.topic, self.partition)
    }
}

/// A partition by the id of its topic: how the cores know it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TopicIdPartition {
    pub topic_id: TopicId,
    pub partition: PartitionIndex,
}
