//! The primitive types of Kafka's protocol and of its records on disk, read and written.
//!
//! Owns: fixed-width numbers, varints, strings, bytes, arrays, tagged fields, nullable structs, in the classic and the compact form.
//! Never does: know a message. A schema is a function that calls [`Reader`] or [`Writer`] field by field.
//! Invariants: a length or count above what is left is refused before anything is reserved; tagged fields are written in order.

mod reader;
pub(crate) mod varint;
mod writer;

#[cfg(test)]
mod tests;

pub use reader::Reader;
pub use writer::Writer;
