//! What several test binaries share: a small Kafka client of our own, built on kafka-protocol alone.

#![allow(dead_code, reason = "each test binary uses a part")]

pub mod client;
pub mod records;
