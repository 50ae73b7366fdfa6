//! What `__cluster_metadata` says: Kafka's metadata records and the immutable image that they fold into.
//!
//! Owns: the codec of the metadata records, the image, what a fold changed.
//! Never does: decide anything. The controller decides, every node folds.
//! Invariants: the image is a pure function of the records; two nodes at the same offset hold equal images (equal hash).

pub mod features;
mod image;
pub mod records;

pub use image::{
    BrokerImage, ConfigResource, ConfigsImage, ControllerImage, FoldError, MetadataDelta, MetadataImage, PartitionImage,
    TopicImage, TopicsImage,
};
