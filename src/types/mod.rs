//! Every id, offset and epoch as a type of its own, so that the compiler keeps them apart.
//!
//! Owns: the vocabulary of the whole tree (Kafka's words, unabbreviated).
//! Never does: input or output, parsing of wire formats, clock readings.
//! Invariants: sentinels such as -1 exist only on the wire and on disk; in here absence is `Option`.

mod ids;
mod java_hash;
mod log_terms;
mod time;

pub use ids::*;
pub use java_hash::java_hash;
pub use log_terms::*;
pub use time::*;

/// Declares a newtype over an integer: ordered, hashable, printed as the bare number.
macro_rules! number {
    ($(#[$doc:meta])* $name:ident($raw:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub $raw);

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, formatter)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}
use number;
