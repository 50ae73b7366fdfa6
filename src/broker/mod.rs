//! broker
pub mod clock;
pub mod execution;
