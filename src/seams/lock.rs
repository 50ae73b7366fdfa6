//! How a lock is taken everywhere.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Takes the lock, whatever became of a thread that held it: a panic ends the process, and in tests, where it does not, a test that panicked
/// has failed already.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
