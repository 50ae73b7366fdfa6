//! An allocator that counts: whoever names this module has it as its global one.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

#[expect(unsafe_code, reason = "the trait demands it; every call goes on to the system's allocator as it came")]
// SAFETY: see above.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        LARGEST.set(LARGEST.get().max(layout.size()));
        // SAFETY: the caller keeps GlobalAlloc's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps GlobalAlloc's contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What `action` allocated on this thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Allocated {
    pub(crate) times: usize,
    /// Bytes of the largest allocation.
    pub(crate) largest: usize,
}

/// Runs `action`.
pub(crate) fn counted<T>(action: impl FnOnce() -> T) -> (T, Allocated) {
    ALLOCATIONS.set(0);
    LARGEST.set(0);
    let result = action();
    (result, Allocated { times: ALLOCATIONS.get(), largest: LARGEST.get() })
}
