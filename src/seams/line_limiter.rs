//! A bound on the log lines that others can provoke.

use std::sync::Mutex;
use std::time::Duration;

use super::lock;
use crate::types::Now;

/// Lets a number of lines through in each second; the next line after a second that had more says how many were held back. Takes no memory.
#[derive(Debug)]
pub struct LineLimiter {
    per_second: u32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When the second that runs began.
    since: Now,
    written: u32,
    held_back: u64,
}

impl LineLimiter {
    #[must_use]
    pub fn new(per_second: u32) -> Self {
        Self { per_second, state: Mutex::default() }
    }

    /// Calls `write` unless there were enough lines in this second. It is told how many like it were held back before, if any were.
    pub fn write(&self, now: Now, write: impl FnOnce(Option<u64>)) {
        if let Some(held_back) = self.admit(now) {
            write((held_back > 0).then_some(held_back));
        }
    }

    fn admit(&self, now: Now) -> Option<u64> {
        let mut state = lock(&self.state);
        if now.since(state.since) >= Duration::from_secs(1) {
            state.since = now;
            state.written = 0;
        }
        if state.written >= self.per_second {
            state.held_back += 1;
            return None;
        }
        state.written += 1;
        Some(std::mem::take(&mut state.held_back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_costs_so_many_lines_a_second_and_none_is_lost_count_of() {
        let limiter = LineLimiter::new(3);
        let (mut lines, mut told) = (0, 0);
        for millisecond in 0..10_000 {
            limiter.write(Now(Duration::from_millis(millisecond)), |held_back| {
                lines += 1;
                told += held_back.unwrap_or(0);
            });
        }
        assert_eq!((lines, told), (30, 9 * 997));
        assert_eq!(limiter.admit(Now(Duration::from_secs(20))), Some(997));
        assert_eq!(limiter.admit(Now(Duration::from_secs(20))), Some(0));
    }
}
