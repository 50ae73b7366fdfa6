//! Read buffers, lent for the time between two waits, so that an idle connection holds none.

use std::sync::Mutex;

use bytes::BytesMut;

use crate::seams::lock;

/// Bytes of a pooled buffer, and the most that is read at once where no frame is known to be under way.
pub(super) const READ: usize = 64 << 10;

/// Buffers that wait to be used again. A worker runs one connection at a time, so it needs hardly more than one.
const KEPT: usize = 4;

/// One worker's buffers.
#[derive(Debug, Default)]
pub(super) struct BufferPool(Mutex<Vec<BytesMut>>);

impl BufferPool {
    /// An empty buffer with room for [`READ`] bytes.
    pub(super) fn take(&self) -> BytesMut {
        let mut buffer = lock(&self.0).pop().unwrap_or_default();
        buffer.clear();
        // Takes the old memory back if no frame is left in it.
        buffer.reserve(READ);
        buffer
    }

    pub(super) fn put(&self, buffer: BytesMut) {
        let mut buffers = lock(&self.0);
        if buffers.len() < KEPT {
            buffers.push(buffer);
        }
    }
}
