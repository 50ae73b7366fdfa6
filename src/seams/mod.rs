//! The four seams through which everything else reaches the world: disk, net, clock with randomness, execution.
//!
//! Owns: the traits, and what every implementation of them shares; the bound on log lines that others provoke.
//! Never does: open a file or a socket, read a clock, start a thread. The real seams stand in `disk/`, `net/` and `broker/`,
//! the simulated ones in `disk/` and in `tests/sim`.
//! Invariants: all code above reaches files, sockets, time, randomness, tasks and threads through these traits alone.

mod clock;
mod disk;
mod execution;
mod line_limiter;
mod lock;
mod net;
mod random;

pub use clock::Clock;
pub use disk::{DirectoryEntry, DirectoryLock, Disk, File, OpenMode, is_full, put_file, replace_file};
pub use execution::{Blocking, BoxFuture, Execution, Lane, run_blocking};
pub use line_limiter::LineLimiter;
pub use lock::lock;
pub use net::{Connection, Incoming, Listener, Net, Stream};
pub use random::Random;
