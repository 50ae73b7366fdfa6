//! What several test binaries share: a small Kafka client of our own, built on kafka-protocol alone; Kafka's schemas, and requests made up by
//! them.

#![allow(dead_code, reason = "each test binary uses a part")]

pub mod batches;
pub mod client;
pub mod made_up;
pub mod records;
pub mod schema;
