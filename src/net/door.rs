//! How many connections there may be, from where, and how fast they may come (Kafka's ConnectionQuotas).
//!
//! A connection that finds no room waits, and so do those behind it in the kernel's queue; one from an address that has its share already is
//! closed. All limits can be changed while connections are open: those that are open stay.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::seams::Clock;
use crate::types::Now;

/// A connection waits for no longer than this because of the rate: Kafka's window of 11 samples of a second.
const LONGEST_PAUSE: Duration = Duration::from_secs(11);
/// How much of the rate may come at once.
const BURST: Duration = Duration::from_secs(1);

/// Limits of the whole node or of one listener.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Room {
    /// `max.connections`.
    pub max: usize,
    /// `max.connection.creation.rate`: new connections a second.
    pub rate: u32,
}

impl Default for Room {
    fn default() -> Self {
        Self { max: usize::MAX, rate: u32::MAX }
    }
}

/// Which connections are let in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConnectionLimits {
    pub node: Room,
    /// By listener, in capitals; others have no limits of their own.
    pub listeners: BTreeMap<String, Room>,
    /// `max.connections.per.ip`.
    pub max_per_ip: usize,
    /// `max.connections.per.ip.overrides`.
    pub overrides: BTreeMap<IpAddr, usize>,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        let (node, listeners, overrides) = (Room::default(), BTreeMap::new(), BTreeMap::new());
        Self { node, listeners, max_per_ip: usize::MAX, overrides }
    }
}

impl ConnectionLimits {
    fn per_address(&self, address: IpAddr) -> usize {
        self.overrides.get(&address).copied().unwrap_or(self.max_per_ip)
    }
}

/// The address has as many connections as it may.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the address has its most of {0} connections already")]
pub(super) struct TooMany(usize);

#[derive(Debug)]
pub(super) struct Door {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default, Debug)]
struct State {
    limits: ConnectionLimits,
    /// Of the node.
    inside: Count,
    listeners: BTreeMap<Arc<str>, Count>,
    addresses: BTreeMap<IpAddr, usize>,
}

#[derive(Default, Debug)]
struct Count {
    connections: usize,
    /// When everything that came in so far would have come at an even pace.
    paced_until: Now,
}

impl Count {
    /// How long it takes until one more may come in; `None` until one leaves.
    fn wait(&self, room: Room, now: Now) -> Option<Duration> {
        let interval = interval(room.rate);
        let allowed = now.plus(BURST.max(interval));
        (self.connections < room.max).then(|| self.paced_until.max(now).plus(interval).since(allowed))
    }

    fn enter(&mut self, room: Room, now: Now) {
        self.connections += 1;
        self.paced_until = self.paced_until.max(now).plus(interval(room.rate));
    }
}

fn interval(rate: u32) -> Duration {
    Duration::from_secs(1).checked_div(rate).unwrap_or(LONGEST_PAUSE)
}

impl Door {
    pub(super) fn new(limits: ConnectionLimits) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State { limits, ..State::default() }), changed: Notify::new() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on these hold.
    pub(super) fn update(&self, limits: ConnectionLimits) {
        self.lock().limits = limits;
        self.changed.notify_waiters();
    }

    /// Waits until there is room; the place is kept until it is dropped.
    pub(super) async fn enter(
        self: &Arc<Self>,
        listener: &Arc<str>,
        address: IpAddr,
        clock: &dyn Clock,
    ) -> Result<Place, TooMany> {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // Before the look, so that no change is missed.
            changed.as_mut().enable();
            let wait = self.lock().try_enter(listener, address, clock.now())?;
            match wait {
                Some(Duration::ZERO) => return Ok(Place { door: Arc::clone(self), listener: Arc::clone(listener), address }),
                Some(pause) => drop(tokio::time::timeout(pause, changed).await),
                None => changed.await,
            }
        }
    }
}

impl State {
    /// Zero when the connection is in; else how long to wait before the next try, `None` for until something changes.
    fn try_enter(&mut self, listener: &Arc<str>, address: IpAddr, now: Now) -> Result<Option<Duration>, TooMany> {
        let most = self.limits.per_address(address);
        if self.addresses.get(&address).is_some_and(|connections| *connections >= most) || most == 0 {
            return Err(TooMany(most));
        }
        let room = self.limits.listeners.get(&**listener).copied().unwrap_or_default();
        let here = self.listeners.entry(Arc::clone(listener)).or_default();
        let (Some(node), Some(own)) = (self.inside.wait(self.limits.node, now), here.wait(room, now)) else { return Ok(None) };
        let pause = node.max(own);
        if pause.is_zero() {
            self.inside.enter(self.limits.node, now);
            here.enter(room, now);
            *self.addresses.entry(address).or_default() += 1;
        }
        Ok(Some(pause))
    }

    fn leave(&mut self, listener: &Arc<str>, address: IpAddr) {
        self.inside.connections -= 1;
        if let Some(here) = self.listeners.get_mut(listener) {
            here.connections -= 1;
        }
        if let Some(connections) = self.addresses.get_mut(&address) {
            *connections -= 1;
            if *connections == 0 {
                self.addresses.remove(&address);
            }
        }
    }
}

/// An open connection's; dropping it makes room.
pub(super) struct Place {
    door: Arc<Door>,
    listener: Arc<str>,
    address: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.door.lock().leave(&self.listener, self.address);
        self.door.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const A: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const B: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

    fn state(limits: ConnectionLimits) -> State {
        State { limits, ..State::default() }
    }

    fn at(milliseconds: u64) -> Now {
        Now(Duration::from_millis(milliseconds))
    }

    const IN: Result<Option<Duration>, TooMany> = Ok(Some(Duration::ZERO));

    #[test]
    fn an_address_has_its_share_and_others_theirs() {
        let limits = ConnectionLimits { max_per_ip: 1, overrides: BTreeMap::from([(B, 2)]), ..ConnectionLimits::default() };
        let (mut state, listener) = (state(limits), Arc::from("L"));
        assert_eq!(state.try_enter(&listener, A, at(0)), IN);
        assert_eq!(state.try_enter(&listener, A, at(0)), Err(TooMany(1)));
        assert_eq!([state.try_enter(&listener, B, at(0)), state.try_enter(&listener, B, at(0))], [IN, IN]);
        assert_eq!(state.try_enter(&listener, B, at(0)), Err(TooMany(2)));
        state.leave(&listener, A);
        assert_eq!(state.try_enter(&listener, A, at(0)), IN);
        state.limits.overrides.insert(B, 0);
        assert_eq!(state.try_enter(&listener, B, at(0)), Err(TooMany(0)), "open connections stay, new ones are not taken");
    }

    #[test]
    fn a_full_node_or_listener_waits_until_one_leaves() {
        let small = BTreeMap::from([("SMALL".to_owned(), Room { max: 1, ..Room::default() })]);
        let limits =
            ConnectionLimits { node: Room { max: 2, ..Room::default() }, listeners: small, ..ConnectionLimits::default() };
        let (mut state, small, other) = (state(limits), Arc::from("SMALL"), Arc::from("OTHER"));
        assert_eq!(state.try_enter(&small, A, at(0)), IN);
        assert_eq!(state.try_enter(&small, A, at(0)), Ok(None));
        assert_eq!(state.try_enter(&other, A, at(0)), IN);
        assert_eq!(state.try_enter(&other, A, at(0)), Ok(None));
        state.leave(&small, A);
        assert_eq!(state.try_enter(&small, A, at(0)), IN);
    }

    #[test]
    fn connections_come_no_faster_than_the_rate() {
        let limits = ConnectionLimits { node: Room { rate: 10, ..Room::default() }, ..ConnectionLimits::default() };
        let (mut state, listener) = (state(limits), Arc::from("L"));
        let mut come = |at: Now| state.try_enter(&listener, A, at);
        assert!((0..10).all(|_| come(at(0)) == IN), "a second's worth at once");
        assert_eq!(come(at(0)), Ok(Some(Duration::from_millis(100))));
        assert_eq!((come(at(100)), come(at(150))), (IN, Ok(Some(Duration::from_millis(50)))));
        state.limits.node.rate = 0;
        let mut come = |at: Now| state.try_enter(&listener, A, at);
        assert_eq!(come(at(20_000)), IN);
        assert_eq!(come(at(20_000)), Ok(Some(LONGEST_PAUSE)), "none at all would be a node that nobody can tell from a dead one");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_comes_in_when_one_leaves_or_the_limit_is_raised() {
        #[derive(Debug)]
        struct Still;
        impl Clock for Still {
            fn now(&self) -> Now {
                Now::default()
            }
            fn timestamp(&self) -> crate::types::Timestamp {
                crate::types::Timestamp(0)
            }
            fn random(&self) -> u64 {
                0
            }
        }
        let limits = |max| ConnectionLimits { node: Room { max, ..Room::default() }, ..ConnectionLimits::default() };
        let (door, listener) = (Door::new(limits(1)), Arc::from("L"));
        let first = door.enter(&listener, A, &Still).await.unwrap();
        let enter = || door.enter(&listener, B, &Still);
        let (second, ()) = tokio::join!(enter(), async {
            tokio::task::yield_now().await;
            drop(first);
        });
        let (third, ()) = tokio::join!(enter(), async {
            tokio::task::yield_now().await;
            door.update(limits(2));
        });
        assert!(second.is_ok() && third.is_ok());
        assert_eq!(door.lock().inside.connections, 2);
    }
}
