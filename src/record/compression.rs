//! The codecs, each with a bound on what it may put out.

use crate::types::Compression;

/// Bytes that decompression may produce before it is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutputBudget(pub usize);

/// Compresses; `level` is Kafka's number for the codec, `None` its default.
///
/// # Errors
/// What the codec reports.
pub fn compress(codec: Compression, level: Option<i32>, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let _ = (codec, level, bytes);
    todo!()
}

/// Decompresses; snappy both framed (xerial) and bare.
///
/// # Errors
/// `InvalidData` when the input is damaged or would put out more than the budget.
pub fn decompress(codec: Compression, bytes: &[u8], budget: OutputBudget) -> std::io::Result<Vec<u8>> {
    let _ = (codec, bytes, budget);
    todo!()
}
