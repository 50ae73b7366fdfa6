//! The records inside a batch, after decompression.

use std::borrow::Cow;
use std::io::{self, BufRead};

use super::{BatchError, BatchHeader, HEADER_LENGTH, OutputBudget, check_crc, compression};
use crate::protocol::codec::varint::{read_varint, read_varlong};
use crate::types::{Compression, Offset, Timestamp, TimestampType};

/// One record; slices of the (decompressed) batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record<'a> {
    pub offset: Offset,
    pub timestamp: Timestamp,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: Vec<Header<'a>>,
}

/// One record header. Keys may repeat.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header<'a> {
    pub key: &'a [u8],
    pub value: Option<&'a [u8]>,
}

/// All records of one batch, decompressed if need be.
#[derive(Debug)]
pub struct Records<'a> {
    header: BatchHeader,
    /// The records as they lie in an uncompressed batch; known to parse.
    bytes: Cow<'a, [u8]>,
}

/// Why the records of a batch cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RecordsError {
    #[error(transparent)]
    Batch(#[from] BatchError),
    #[error("{0}")]
    Malformed(String),
}

impl<'a> Records<'a> {
    /// Decompresses and checks the records of one whole batch; `budget` bounds the bytes that decompression may make. An uncompressed
    /// batch is not copied. Checks the CRC, and that offset deltas rise within the header's range (a cleaned batch has gaps).
    ///
    /// # Errors
    /// Text that says what is wrong with the batch.
    pub fn read(batch: &'a [u8], budget: OutputBudget) -> Result<Self, RecordsError> {
        let header = BatchHeader::parse(batch)?;
        if header.length > batch.len() {
            return Err(BatchError::Cut { length: header.length, available: batch.len() }.into());
        }
        if header.length < batch.len() {
            return Err(malformed(format!("{} bytes after a batch of {}", batch.len() - header.length, header.length)));
        }
        check_crc(batch)?;
        // The base offset lies outside the CRC.
        if header.base_offset.0.checked_add(i64::from(header.last_offset_delta)).is_none() {
            return Err(malformed(format!("base offset {} leaves no room for the records", header.base_offset)));
        }
        let codec = header.attributes.compression().ok_or_else(|| unknown_codec(&header))?;
        let bytes = record_bytes(batch);
        let bytes = if codec == Compression::None {
            Cow::Borrowed(bytes)
        } else {
            Cow::Owned(compression::decompress(codec, bytes, budget).map_err(|error| malformed(error.to_string()))?)
        };
        let mut last_offset_delta = -1;
        scan(&mut &*bytes, header.record_count, |record| {
            if record.offset_delta <= last_offset_delta || record.offset_delta > header.last_offset_delta {
                return Err(malformed(format!("offset delta {} follows {last_offset_delta}", record.offset_delta)));
            }
            last_offset_delta = record.offset_delta;
            Ok(())
        })?;
        Ok(Self { header, bytes })
    }

    /// The header of the batch.
    #[must_use]
    pub fn header(&self) -> &BatchHeader {
        &self.header
    }

    pub fn iter(&self) -> impl Iterator<Item = Record<'_>> {
        let mut rest = &*self.bytes;
        let record = move |_| parse(&mut rest, &self.header).expect("the scan in `read` went over the same bytes");
        (0..self.header.record_count).map(record)
    }
}

/// The bytes behind the header.
pub(super) fn record_bytes(batch: &[u8]) -> &[u8] {
    batch.get(HEADER_LENGTH..).expect("a header is there")
}

pub(super) fn unknown_codec(header: &BatchHeader) -> RecordsError {
    malformed(format!("compression codec {} is unknown", header.attributes.0 & 7))
}

fn malformed(problem: impl Into<String>) -> RecordsError {
    RecordsError::Malformed(problem.into())
}

/// What the walk over a batch looks at in a record: nothing is copied, keys and values are stepped over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Scanned {
    pub(super) timestamp_delta: i64,
    pub(super) offset_delta: i32,
    pub(super) has_key: bool,
}

/// Steps over `record_count` records that must fill `source` to its end, and hands each to `visit`. Allocates nothing; `source` may be
/// a slice or a decompressing stream.
///
/// # Errors
/// The first malformed record, bytes left over, what `source` or `visit` reports.
pub(super) fn scan(
    source: &mut impl BufRead,
    record_count: i32,
    mut visit: impl FnMut(Scanned) -> Result<(), RecordsError>,
) -> Result<(), RecordsError> {
    if record_count < 0 {
        return Err(malformed(format!("record count {record_count} is negative")));
    }
    let mut cursor = Cursor { source, left: usize::MAX };
    for _ in 0..record_count {
        visit(cursor.record()?)?;
    }
    if cursor.fill()?.is_empty() { Ok(()) } else { Err(malformed("bytes are left after the last record")) }
}

/// Reads one record after another; `left` is what the current record's length still allows.
struct Cursor<'a, S> {
    source: &'a mut S,
    left: usize,
}

impl<S: BufRead> Cursor<'_, S> {
    fn record(&mut self) -> Result<Scanned, RecordsError> {
        self.left = usize::MAX;
        let length = self.varint()?;
        self.left = usize::try_from(length).map_err(|_| malformed(format!("record length {length} is negative")))?;
        self.skip(1)?; // attributes: none are assigned, so none is refused
        let timestamp_delta = self.number(read_varlong)?;
        let offset_delta = self.varint()?;
        let has_key = self.skip_bytes()?;
        self.skip_bytes()?;
        let header_count = self.varint()?;
        // Each takes two bytes at least; a lying count ends at the record's own end.
        if usize::try_from(header_count).map_or(true, |count| count > self.left / 2) {
            return Err(malformed(format!("header count {header_count} does not fit into the record")));
        }
        for _ in 0..header_count {
            if !self.skip_bytes()? {
                return Err(malformed("a record header has no key"));
            }
            self.skip_bytes()?;
        }
        if self.left != 0 {
            return Err(malformed(format!("record of {length} bytes has {} left over", self.left)));
        }
        Ok(Scanned { timestamp_delta, offset_delta, has_key })
    }

    /// Steps over a length and its bytes; false for null. Kafka takes any negative length for null.
    fn skip_bytes(&mut self) -> Result<bool, RecordsError> {
        let length = self.varint()?;
        match usize::try_from(length) {
            Ok(length) => self.skip(length).map(|()| true),
            Err(_) => Ok(false),
        }
    }

    fn varint(&mut self) -> Result<i32, RecordsError> {
        self.number(read_varint)
    }

    #[inline]
    fn number<T>(&mut self, read: impl Fn(&[u8]) -> Option<(T, usize)>) -> Result<T, RecordsError> {
        if let Some((value, length)) = read(self.fill()?) {
            self.consume(length)?;
            return Ok(value);
        }
        self.number_over_the_edge(read)
    }

    /// A number that the source's buffer cuts in two.
    #[cold]
    fn number_over_the_edge<T>(&mut self, read: impl Fn(&[u8]) -> Option<(T, usize)>) -> Result<T, RecordsError> {
        let mut bytes = [0_u8; 10];
        for length in 1..=bytes.len() {
            if self.left == 0 {
                return Err(beyond_record());
            }
            let next = *self.fill()?.first().ok_or_else(cut_off)?;
            self.consume(1)?;
            let bytes = bytes.get_mut(..length).expect("the range ends at the array's length");
            *bytes.last_mut().expect("a length of one at least") = next;
            if let Some((value, _)) = read(bytes) {
                return Ok(value);
            }
        }
        Err(malformed("a number has too many bytes"))
    }

    #[inline]
    fn skip(&mut self, mut count: usize) -> Result<(), RecordsError> {
        // Before the source is asked: a length beyond the record's end reads nothing.
        if count > self.left {
            return Err(beyond_record());
        }
        while count > 0 {
            let step = self.fill()?.len().min(count);
            if step == 0 {
                return Err(cut_off());
            }
            self.consume(step)?;
            count -= step;
        }
        Ok(())
    }

    fn fill(&mut self) -> Result<&[u8], RecordsError> {
        self.source.fill_buf().map_err(|error: io::Error| malformed(error.to_string()))
    }

    fn consume(&mut self, count: usize) -> Result<(), RecordsError> {
        self.left = self.left.checked_sub(count).ok_or_else(beyond_record)?;
        self.source.consume(count);
        Ok(())
    }
}

fn cut_off() -> RecordsError {
    malformed("the records end before the last one")
}

fn beyond_record() -> RecordsError {
    malformed("a record's parts reach beyond its length")
}

/// The record at the start of `rest`, which is moved on behind it.
fn parse<'a>(rest: &mut &'a [u8], header: &BatchHeader) -> Option<Record<'a>> {
    let length = usize::try_from(take_varint(rest)?).ok()?;
    let mut body = take(rest, length)?;
    take(&mut body, 1)?;
    let (timestamp_delta, length) = read_varlong(body)?;
    take(&mut body, length)?;
    let offset = header.base_offset.0.checked_add(i64::from(take_varint(&mut body)?))?;
    let timestamp = match header.attributes.timestamp_type() {
        TimestampType::CreateTime => record_timestamp(header, timestamp_delta),
        TimestampType::LogAppendTime => header.max_timestamp,
    };
    let key = take_bytes(&mut body)?;
    let value = take_bytes(&mut body)?;
    let header_count = usize::try_from(take_varint(&mut body)?).ok()?;
    let mut headers = Vec::with_capacity(header_count.min(body.len() / 2));
    for _ in 0..header_count {
        headers.push(Header { key: take_bytes(&mut body)??, value: take_bytes(&mut body)? });
    }
    Some(Record { offset: Offset(offset), timestamp, key, value, headers })
}

/// The timestamp that the producer gave a record. Wraps, as Java's arithmetic does.
pub(super) fn record_timestamp(header: &BatchHeader, delta: i64) -> Timestamp {
    Timestamp(header.base_timestamp.0.wrapping_add(delta))
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(head)
}

fn take_varint(rest: &mut &[u8]) -> Option<i32> {
    let (value, length) = read_varint(rest)?;
    take(rest, length)?;
    Some(value)
}

fn take_bytes<'a>(rest: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    match usize::try_from(take_varint(rest)?) {
        Ok(length) => take(rest, length).map(Some),
        Err(_) => Some(None),
    }
}
