//! Klamm: a Kafka-wire-compatible distributed log in one binary.
//!
//! The rooms below stand in the order in which they may be imported: a room uses only rooms above it
//! (`tests/tidy.rs` holds that). Start reading at `api/`, or at docs/ARCHITECTURE.md.

// Vocabulary and formats: pure.
pub mod config;
pub mod protocol;
pub mod record;
pub mod seams;
pub mod types;

// Cores: deterministic, without clock, randomness, sockets or tasks.
pub mod controller;
pub mod log;
pub mod metadata;
pub mod replica;
pub mod security;

// Devices and shells.
pub mod api;
pub mod broker;
pub mod cli;
pub mod disk;
pub mod net;
pub mod ops;
pub mod quorum;
