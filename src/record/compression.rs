//! The codecs, each with a bound on what it may put out.
//!
//! Decompression is a stream: it holds one block or window at a time, and no size that the sender announces is reserved beyond what
//! the codec's own format bounds (lz4 blocks of 4 MiB, zstd windows of 128 MiB, snappy at 22 times its input).

use std::io::{self, BufRead, BufReader, Read, Write};

use super::snappy;
use crate::types::Compression;

/// Bytes that decompression may produce before it is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutputBudget(pub usize);

/// The largest window that zstd's levels 20 to 22 of real clients use: 128 MiB.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;
/// `compression.zstd.level`'s default (CompressionType.java).
const ZSTD_DEFAULT_LEVEL: i32 = 3;
/// What a decompressing walk holds beside the codec's own state.
const STREAM_BUFFER_LENGTH: usize = 16 * 1024;

/// Compresses; `level` is Kafka's number for the codec, `None` its default: gzip -1 to 9 (-1, which zlib takes as 6), zstd -131072
/// to 22 (3), lz4 1 to 17 (9). Kafka's default for lz4 is the fast compressor, and it is the only one here: the library has no other,
/// so that level changes nothing. Snappy has none.
///
/// # Errors
/// What the codec reports.
pub fn compress(codec: Compression, level: Option<i32>, bytes: &[u8]) -> io::Result<Vec<u8>> {
    compress_after(Vec::new(), codec, level, bytes)
}

/// As [`compress`], behind what `out` already holds.
pub(super) fn compress_after(mut out: Vec<u8>, codec: Compression, level: Option<i32>, bytes: &[u8]) -> io::Result<Vec<u8>> {
    match codec {
        Compression::None => {
            out.extend_from_slice(bytes);
            Ok(out)
        }
        Compression::Gzip => {
            // zlib's own default is what -1 asks for.
            let level = level.and_then(|level| u32::try_from(level).ok()).map_or_else(flate2::Compression::default, |level| {
                flate2::Compression::new(level.min(flate2::Compression::best().level()))
            });
            let mut encoder = flate2::write::GzEncoder::new(out, level);
            encoder.write_all(bytes)?;
            encoder.finish()
        }
        Compression::Snappy => snappy::compress(out, bytes),
        Compression::Lz4 => {
            // What Kafka's own reader accepts: independent blocks, here of its default 64 KiB.
            let frame = lz4_flex::frame::FrameInfo::new()
                .block_size(lz4_flex::frame::BlockSize::Max64KB)
                .block_mode(lz4_flex::frame::BlockMode::Independent);
            let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(frame, out);
            encoder.write_all(bytes)?;
            encoder.finish().map_err(io::Error::from)
        }
        Compression::Zstd => {
            let mut encoder = zstd::stream::write::Encoder::new(out, level.unwrap_or(ZSTD_DEFAULT_LEVEL))?;
            encoder.write_all(bytes)?;
            encoder.finish()
        }
    }
}

/// Decompresses; snappy both framed (xerial) and bare.
///
/// # Errors
/// `InvalidData` when the input is damaged or would put out more than the budget.
pub fn decompress(codec: Compression, bytes: &[u8], budget: OutputBudget) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    decompress_into(codec, bytes, budget, &mut out)?;
    Ok(out)
}

/// As [`decompress`], behind what `out` already holds.
pub(super) fn decompress_into(codec: Compression, bytes: &[u8], budget: OutputBudget, out: &mut Vec<u8>) -> io::Result<()> {
    decoder(codec, bytes, budget)?.read_to_end(out).map(drop).map_err(invalid_data)
}

/// The decompressed bytes as a buffered stream that fails beyond the budget.
pub(super) fn stream(codec: Compression, bytes: &[u8], budget: OutputBudget) -> io::Result<impl BufRead> {
    Ok(BufReader::with_capacity(STREAM_BUFFER_LENGTH, decoder(codec, bytes, budget)?))
}

fn decoder(codec: Compression, bytes: &[u8], budget: OutputBudget) -> io::Result<Bounded<'_>> {
    let inner = match codec {
        Compression::None => Decoder::None(bytes),
        // Java's reader takes several members one after another, so this one does too.
        Compression::Gzip => Decoder::Gzip(Box::new(flate2::bufread::MultiGzDecoder::new(bytes))),
        Compression::Snappy => Decoder::Snappy(snappy::Reader::new(bytes)),
        Compression::Lz4 => {
            check_lz4_frame(bytes)
                .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not one whole lz4 frame of independent blocks"))?;
            Decoder::Lz4(Box::new(lz4_flex::frame::FrameDecoder::new(bytes)))
        }
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(bytes)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
            Decoder::Zstd(decoder)
        }
    };
    Ok(Bounded { inner, budget: budget.0, left: budget.0 })
}

/// Walks one lz4 frame from block to block without decompressing. The library reads more than Kafka's clients do (linked blocks,
/// dictionaries, a frame without its end mark); what a client could not read must not get into a log.
fn check_lz4_frame(bytes: &[u8]) -> Option<()> {
    const MAGIC: [u8; 4] = 0x184d_2204_u32.to_le_bytes();
    const CONTENT_CHECKSUM: u8 = 0x04;
    const CONTENT_SIZE: u8 = 0x08;
    const BLOCK_CHECKSUM: u8 = 0x10;
    /// Version and block independence, over the version's, the independence and the reserved bits.
    const REQUIRED: u8 = 0x60;
    const REQUIRED_MASK: u8 = 0xe3;
    const STORED_BLOCK: u32 = 1 << 31;

    let rest = bytes.strip_prefix(&MAGIC)?;
    let flags = *rest.first()?;
    if flags & REQUIRED_MASK != REQUIRED {
        return None;
    }
    let content_size_length = if flags & CONTENT_SIZE == 0 { 0 } else { 8 };
    // Flags, block descriptor, content size, header checksum.
    let mut rest = rest.get(2 + content_size_length + 1..)?;
    let checksum_length = if flags & BLOCK_CHECKSUM == 0 { 0 } else { 4 };
    loop {
        let (length, blocks) = rest.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(*length) & !STORED_BLOCK;
        if length == 0 {
            let tail_length = if flags & CONTENT_CHECKSUM == 0 { 0 } else { 4 };
            return (blocks.len() == tail_length).then_some(());
        }
        rest = blocks.get(usize::try_from(length).ok()?.checked_add(checksum_length)?..)?;
    }
}

enum Decoder<'a> {
    None(&'a [u8]),
    Gzip(Box<flate2::bufread::MultiGzDecoder<&'a [u8]>>),
    Snappy(snappy::Reader<'a>),
    Lz4(Box<lz4_flex::frame::FrameDecoder<&'a [u8]>>),
    Zstd(zstd::stream::read::Decoder<'static, &'a [u8]>),
}

/// A decoder that fails once it has put out more than its budget.
struct Bounded<'a> {
    inner: Decoder<'a>,
    budget: usize,
    left: usize,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.inner {
            Decoder::None(bytes) => bytes.read(buffer),
            Decoder::Gzip(decoder) => decoder.read(buffer),
            Decoder::Snappy(decoder) => decoder.read(buffer),
            Decoder::Lz4(decoder) => decoder.read(buffer),
            Decoder::Zstd(decoder) => decoder.read(buffer),
        }?;
        self.left = self.left.checked_sub(count).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, format!("decompresses to more than the {} bytes allowed", self.budget))
        })?;
        Ok(count)
    }
}

/// The codecs report damage under several kinds; here all of them mean the input.
fn invalid_data(error: io::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
