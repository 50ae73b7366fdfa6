//! The disks behind the Disk seam: the machine's own, and a simulated one.
//!
//! Owns: every use of `std::fs`; the simulated disk with its durable and volatile sectors.
//! Never does: know what a file means; retry a sync; hold a lock across a system call of the real disk.
//! Invariants: both disks pass one conformance test; no unsafe code of ours.

mod real;
mod simulated;
mod watched;

pub use real::RealDisk;
pub use simulated::{Cache, Call, Faults, Hook, Operation, Reaction, SimulatedDisk, Trace};
pub use watched::{DiskWatcher, WatchedDisk, Work};

#[cfg(test)]
mod conformance;
