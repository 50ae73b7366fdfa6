//! The controller's decisions: brokers, topics, placement, producer ids, as KRaft's records.
//!
//! Owns: `decide`, which reads the image and returns records plus a reply.
//! Never does: change state (only folding committed or appended records does), wait, draw random numbers or read a clock: those
//! come in with the context.
//! Invariants: one decision is one batch; a refused request leaves no record.
