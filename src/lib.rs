//! Klamm: a Kafka-wire-compatible distributed log in one binary.
//!
//! The rooms below stand in the order in which they may be imported: a room uses only rooms above it
//! (`tests/tidy.rs` holds that). Start reading at `api/`, or at docs/ARCHITECTURE.md.

// Vocabulary and formats: pure.
pub mod types;
pub mod seams;
pub mod config;
pub mod protocol;
pub mod record;

// Cores: deterministic, without clock, randomness, sockets or tasks.
pub mod log;
pub mod replica;
pub mod metadata;
pub mod controller;
pub mod coordinator;
pub mod group;
pub mod security;

// Devices and shells.
pub mod disk;
pub mod net;
pub mod quorum;
pub mod broker;
pub mod api;
pub mod ops;
pub mod cli;
