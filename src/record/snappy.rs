//! Snappy as Kafka's clients write it: xerial's framing, or (older librdkafka, Go clients) one bare block.
//!
//! xerial: 16 bytes of header, then blocks, each behind its compressed length as a big-endian int32 (SnappyInputStream.java).

use std::io::{self, Read};

/// `\x82SNAPPY\0`, version 1, compatible with version 1.
const HEADER: [u8; 16] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1];
const MAGIC_LENGTH: usize = 8;
/// SnappyOutputStream's default block size.
const BLOCK_LENGTH: usize = 32 * 1024;
/// The densest element of the format, a copy with a two-byte offset, makes 64 bytes of 3. A block that announces more than this many
/// times its own length lies (CVE-2023-34455), and is refused before anything is reserved.
const EXPANSION_MAX: usize = 22;

pub(super) fn compress(mut out: Vec<u8>, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = snap::raw::Encoder::new();
    let mut block = vec![0; snap::raw::max_compress_len(BLOCK_LENGTH)];
    out.extend_from_slice(&HEADER);
    for chunk in bytes.chunks(BLOCK_LENGTH) {
        let length = encoder.compress(chunk, &mut block)?;
        let wire_length = u32::try_from(length).expect("a compressed block is little longer than 32 KiB");
        out.extend_from_slice(&wire_length.to_be_bytes());
        out.extend_from_slice(block.get(..length).expect("the encoder wrote inside the block"));
    }
    Ok(out)
}

/// Decompresses block by block into one reused buffer.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    framed: bool,
    block: Vec<u8>,
    position: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, framed: starts_with_magic(bytes), block: Vec::new(), position: 0 }
    }

    /// The compressed bytes of the next block; `None` at the end.
    fn next_block(&mut self) -> io::Result<Option<&'a [u8]>> {
        if !self.framed {
            return Ok(Some(std::mem::take(&mut self.rest)).filter(|block| !block.is_empty()));
        }
        // Streams that were put together by appending carry a header before each part.
        while starts_with_magic(self.rest) {
            self.rest = self.rest.get(HEADER.len()..).ok_or_else(cut_off)?;
        }
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (length, rest) = self.rest.split_first_chunk::<4>().ok_or_else(cut_off)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| cut_off())?;
        let (block, rest) = rest.split_at_checked(length).ok_or_else(cut_off)?;
        self.rest = rest;
        Ok(Some(block))
    }
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.position == self.block.len() {
            let Some(compressed) = self.next_block()? else { return Ok(0) };
            let length = snap::raw::decompress_len(compressed)?;
            if length > compressed.len().saturating_mul(EXPANSION_MAX) {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "snappy block announces more than it can hold"));
            }
            self.block.resize(length, 0);
            snap::raw::Decoder::new().decompress(compressed, &mut self.block)?;
            self.position = 0;
        }
        let count = self.block.get(self.position..).expect("the position is inside the block").read(buffer)?;
        self.position += count;
        Ok(count)
    }
}

fn starts_with_magic(bytes: &[u8]) -> bool {
    bytes.get(..MAGIC_LENGTH) == HEADER.get(..MAGIC_LENGTH)
}

fn cut_off() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "snappy stream is cut off")
}
