//! Walking the batches of a segment file, a bounded piece at a time.

use std::io;
use std::sync::Arc;

use crate::record::{BatchError, BatchHeader, HEADER_LENGTH};
use crate::seams::File;

/// Bytes read at once; more only for a single batch that is larger.
const PIECE: usize = 256 * 1024;

/// Whether a read may wait for the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Access {
    MayWait,
    /// Where the disk would have to work the read ends with `WouldBlock`.
    CachedOnly,
}

impl Access {
    /// Appends what stands in the file at `position`, up to `length` bytes; fewer only at the end of the file.
    pub(super) fn read(self, file: &dyn File, position: u64, length: usize, into: &mut Vec<u8>) -> io::Result<usize> {
        match self {
            Self::MayWait => file.read_at(position, length, into),
            Self::CachedOnly => {
                file.read_if_cached(position, length, into)?.ok_or_else(|| io::Error::from(io::ErrorKind::WouldBlock))
            }
        }
    }
}

/// A batch's header and where in the file the batch starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Located {
    pub(super) header: BatchHeader,
    pub(super) position: u64,
}

impl Located {
    /// Where the next batch starts.
    pub(super) fn end(&self) -> u64 {
        self.position + self.header.length as u64
    }
}

/// Walks from one position of a file to another.
#[derive(Debug)]
pub(super) struct Scanner {
    file: Arc<dyn File>,
    access: Access,
    position: u64,
    end: u64,
    buffer: Vec<u8>,
    buffer_start: u64,
}

impl Scanner {
    /// `position` must be the start of a batch; nothing at or above `end` is read.
    pub(super) fn new(file: Arc<dyn File>, position: u64, end: u64, access: Access) -> Self {
        Self { file, access, position, end, buffer: Vec::new(), buffer_start: position }
    }

    /// The next batch, of which only the header has been looked at; `None` at the end. A batch that does not end before the end
    /// is `Cut`; after an error the walk stays where it is.
    pub(super) fn next(&mut self) -> io::Result<Option<Result<Located, BatchError>>> {
        if self.position >= self.end {
            return Ok(None);
        }
        let position = self.position;
        let available = usize::try_from(self.end - position).unwrap_or(usize::MAX);
        let header = match BatchHeader::parse(self.bytes(position, HEADER_LENGTH)?) {
            Ok(header) if header.length > available => Err(BatchError::Cut { length: header.length, available }),
            parsed => parsed,
        };
        Ok(Some(header.map(|header| {
            let located = Located { header, position };
            self.position = located.end();
            located
        })))
    }

    /// The bytes of a batch that `next` gave; fewer if the file has become shorter.
    pub(super) fn batch(&mut self, located: &Located) -> io::Result<&[u8]> {
        self.bytes(located.position, located.header.length)
    }

    /// Up to `length` bytes from `position`, fewer only at the end.
    fn bytes(&mut self, position: u64, length: usize) -> io::Result<&[u8]> {
        let available = usize::try_from(self.end.saturating_sub(position)).unwrap_or(usize::MAX);
        let length = length.min(available);
        let offset = position.checked_sub(self.buffer_start).and_then(|offset| usize::try_from(offset).ok());
        let offset = match offset {
            Some(offset) if offset.checked_add(length).is_some_and(|end| end <= self.buffer.len()) => offset,
            _ => {
                self.buffer.clear();
                self.buffer_start = position;
                self.access.read(&*self.file, position, length.max(PIECE).min(available), &mut self.buffer)?;
                0
            }
        };
        Ok(self.buffer.get(offset..).map_or(&[], |rest| rest.get(..length).unwrap_or(rest)))
    }
}
