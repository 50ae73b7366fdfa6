//! A real node in this process, spoken to over loopback with a small client of our own.
//!
//! `world` starts and stops nodes and makes requests; the other modules each hold one subject.

#![allow(unreachable_pub, reason = "modules of one binary")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::wildcard_enum_match_arm,
    clippy::type_complexity,
    reason = "tests"
)]

#[path = "../support/mod.rs"]
mod support;
mod world;

mod acknowledgement;
mod admin;
mod administration;
mod answers;
mod authorization;
mod cluster;
mod configs;
mod controller_listener;
mod fetching;
mod formats;
mod groups;
mod hostile;
mod log_directories;
mod metrics;
mod partitions;
mod refusals;
mod settings;
mod stopping;
mod storage;
mod traps;
mod upkeep;
mod versions;
