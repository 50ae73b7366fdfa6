//! Requests by API and version, and how long they took.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

use super::durations::{Durations, DurationsSeen};
use crate::protocol::ApiKey;
use crate::seams::{Clock, lock};
use crate::types::Now;

/// Room for every number of a key, and for every version of one.
const KEYS: usize = 128;
const VERSIONS: usize = 32;

/// One entry for each API; it gets its memory (3 KB) when the API is first used.
#[derive(Debug)]
pub struct RequestMetrics {
    by_key: Box<[OnceLock<Box<OneApi>>]>,
}

#[derive(Debug)]
struct OneApi {
    key: ApiKey,
    begun: [AtomicU64; VERSIONS],
    durations: Durations,
    window: Mutex<Window>,
}

/// What had been counted when the last minute began, and the one before.
#[derive(Debug, Default)]
struct Window {
    last: Option<DurationsSeen>,
    before: Option<DurationsSeen>,
}

/// What was seen of one API.
#[derive(Debug)]
pub struct RequestsSeen {
    pub key: ApiKey,
    /// Requests by version, those that are being served included.
    pub versions: Vec<(i16, u64)>,
    /// From a request's whole frame to its answer, of all that were ever answered.
    pub durations: DurationsSeen,
    /// Of the last one to two minutes alone.
    pub recent: DurationsSeen,
}

impl Default for RequestMetrics {
    fn default() -> Self {
        Self { by_key: (0..KEYS).map(|_| OnceLock::new()).collect() }
    }
}

impl RequestMetrics {
    /// A request begins; it ends when what is returned is dropped. `None` for a number that is no key's.
    pub fn begin<'a>(&'a self, key: ApiKey, version: i16, clock: &'a dyn Clock) -> Option<Timed<'a>> {
        let entry = self.by_key.get(usize::try_from(key.number()).ok()?)?;
        let api = entry.get_or_init(|| {
            let begun = [const { AtomicU64::new(0) }; VERSIONS];
            Box::new(OneApi { key, begun, durations: Durations::default(), window: Mutex::default() })
        });
        api.begun.get(usize::try_from(version).ok()?)?.fetch_add(1, Ordering::Relaxed);
        Some(Timed { api, clock, began: clock.now() })
    }

    /// What was seen of each API that was used, by its number.
    #[must_use]
    pub fn seen(&self) -> Vec<RequestsSeen> {
        self.apis().map(OneApi::seen).collect()
    }

    /// A minute is over.
    pub fn turn_window(&self) {
        for api in self.apis() {
            let mut window = lock(&api.window);
            window.before = window.last.replace(api.durations.seen());
        }
    }

    fn apis(&self) -> impl Iterator<Item = &OneApi> {
        self.by_key.iter().filter_map(|entry| entry.get()).map(|api| &**api)
    }
}

impl OneApi {
    fn seen(&self) -> RequestsSeen {
        let begun = self.begun.iter().map(|count| count.load(Ordering::Relaxed));
        let versions = (0..).zip(begun).filter(|(_, count)| *count > 0).collect();
        let durations = self.durations.seen();
        let recent = match &lock(&self.window).before {
            Some(before) => durations.since(before),
            None => durations.clone(),
        };
        RequestsSeen { key: self.key, versions, durations, recent }
    }
}

impl RequestsSeen {
    /// Requests that have begun and not ended.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        let begun: u64 = self.versions.iter().map(|(_, count)| count).sum();
        begun.saturating_sub(self.durations.count())
    }
}

/// A request on its way; it counts as ended also when its connection breaks.
#[derive(Debug)]
pub struct Timed<'a> {
    api: &'a OneApi,
    clock: &'a dyn Clock,
    began: Now,
}

impl Drop for Timed<'_> {
    fn drop(&mut self) {
        self.api.durations.record(self.clock.now().since(self.began));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use std::time::Duration;

    use super::*;
    use crate::types::Timestamp;

    #[derive(Debug, Default)]
    struct Hands(Mutex<Duration>);

    impl Clock for Hands {
        fn now(&self) -> Now {
            Now(*lock(&self.0))
        }

        fn timestamp(&self) -> Timestamp {
            Timestamp(0)
        }

        fn random(&self) -> u64 {
            0
        }
    }

    fn serve(requests: &RequestMetrics, key: ApiKey, version: i16, time: Duration) {
        let clock = Hands::default();
        let timed = requests.begin(key, version, &clock);
        *lock(&clock.0) += time;
        drop(timed);
    }

    #[test]
    fn every_key_and_version_has_its_place() {
        let requests = RequestMetrics::default();
        for key in ApiKey::ALL {
            let newest = key.served().map_or(0, |served| served.max);
            assert!(requests.begin(*key, newest, &Hands::default()).is_some(), "{key}");
        }
        let seen: Vec<_> = requests.seen().iter().map(|seen| seen.key).collect();
        assert_eq!(seen, ApiKey::ALL);
    }

    #[test]
    fn what_has_begun_and_not_ended_is_in_flight() {
        let requests = RequestMetrics::default();
        serve(&requests, ApiKey::Fetch, 4, Duration::from_millis(5));
        let clock = Hands::default();
        let timed = requests.begin(ApiKey::Fetch, 18, &clock);
        let seen = requests.seen();
        assert_eq!((&*seen[0].versions, seen[0].in_flight()), (&[(4, 1), (18, 1)][..], 1));
        drop(timed);
        assert_eq!(requests.seen()[0].in_flight(), 0);
    }

    #[test]
    fn recent_durations_are_those_of_one_to_two_minutes() {
        let requests = RequestMetrics::default();
        let recent = |requests: &RequestMetrics| requests.seen()[0].recent.count();
        serve(&requests, ApiKey::Produce, 9, Duration::from_secs(1));
        assert_eq!(recent(&requests), 1);
        requests.turn_window();
        assert_eq!(recent(&requests), 1, "within the first minute nothing is forgotten");
        serve(&requests, ApiKey::Produce, 9, Duration::from_secs(1));
        requests.turn_window();
        assert_eq!(recent(&requests), 1, "the first is more than a minute old");
        requests.turn_window();
        assert_eq!(recent(&requests), 0);
        assert_eq!(requests.seen()[0].durations.count(), 2);
    }
}
