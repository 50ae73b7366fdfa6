//! Where the replicas of new partitions go: striped over racks and over the brokers of a rack, as Kafka's StripedReplicaPlacer.
//!
//! Each next partition begins one rack further on, and a rack that leads again begins one broker further on, so leaders spread
//! evenly; the replicas of one partition go to different racks as far as there are racks. After one round over all brokers the
//! order is shuffled, so that the same brokers do not follow each other forever. Fenced brokers come last and never lead.
//!
//! Kafka moves every rack on by a broker with every partition. Where the racks are as many as the brokers of a rack, the same
//! broker of each rack then leads until the shuffle; here a rack moves on when it leads.

use std::collections::BTreeMap;

use super::{Reason, Refusal};
use crate::metadata::MetadataImage;
use crate::types::{DirectoryId, NodeId};

/// Brokers in a ring.
#[derive(Default)]
struct Ring {
    brokers: Vec<NodeId>,
    start: usize,
    /// How many were taken for the current partition.
    taken: usize,
}

impl Ring {
    /// The next broker from `start` on, until each was taken once.
    fn next(&mut self) -> Option<NodeId> {
        if self.taken == self.brokers.len() {
            return None;
        }
        self.taken += 1;
        self.brokers.get((self.start + self.taken - 1) % self.brokers.len()).copied()
    }
}

#[derive(Default)]
struct Rack {
    active: Ring,
    fenced: Ring,
}

impl Rack {
    fn rings(&mut self) -> [&mut Ring; 2] {
        [&mut self.active, &mut self.fenced]
    }

    /// The broker that leads, if one is active.
    fn lead(&mut self) -> Option<NodeId> {
        self.active.start += 1;
        self.fenced.start += 1;
        self.active.next()
    }

    fn follow(&mut self) -> Option<NodeId> {
        self.active.next().or_else(|| self.fenced.next())
    }
}

/// Places the partitions of one topic.
pub(super) struct Placer<'a> {
    /// The next partition begins at the first.
    racks: Vec<Rack>,
    random: &'a mut dyn FnMut() -> u64,
    active_brokers: usize,
    placed_since_shuffle: usize,
}

impl<'a> Placer<'a> {
    /// # Errors
    /// When no broker is active, or there are fewer brokers than replicas are asked for.
    pub(super) fn new(
        image: &MetadataImage,
        random: &'a mut dyn FnMut() -> u64,
        replication_factor: usize,
    ) -> Result<Self, Refusal> {
        let mut racks: BTreeMap<Option<&str>, Rack> = BTreeMap::new();
        let (mut active_brokers, mut fenced_brokers) = (0, 0);
        for broker in
            image.brokers().values().filter(|broker| !broker.in_controlled_shutdown && broker.open_log_dirs().next().is_some())
        {
            let rack = racks.entry(broker.rack.as_deref()).or_default();
            let (ring, count) =
                if broker.fenced { (&mut rack.fenced, &mut fenced_brokers) } else { (&mut rack.active, &mut active_brokers) };
            ring.brokers.push(broker.id);
            *count += 1;
        }
        let refused = |why: String| {
            let message = format!("A partition cannot have {replication_factor} replica(s): {why}");
            Err(Refusal::new(Reason::InvalidReplicationFactor, message))
        };
        if active_brokers == 0 {
            return refused("no broker is active, all are fenced or shutting down.".to_owned());
        }
        if replication_factor > active_brokers + fenced_brokers {
            return refused(format!("only {} broker(s) are registered.", active_brokers + fenced_brokers));
        }
        let mut racks: Vec<Rack> = racks.into_values().collect();
        for ring in racks.iter_mut().flat_map(Rack::rings) {
            ring.start = below(random, ring.brokers.len());
        }
        let first = below(random, racks.len());
        racks.rotate_left(first);
        Ok(Self { racks, random, active_brokers, placed_since_shuffle: 0 })
    }

    /// The replicas of the next partition, the leader first. As many as the placer was made for.
    pub(super) fn next_partition(&mut self, replication_factor: usize) -> Vec<NodeId> {
        if self.placed_since_shuffle == self.active_brokers {
            self.shuffle();
        }
        self.placed_since_shuffle += 1;
        for ring in self.racks.iter_mut().flat_map(Rack::rings) {
            ring.taken = 0;
        }
        let leader = self.racks.iter_mut().enumerate().find_map(|(index, rack)| Some((index, rack.lead()?)));
        let (leader_rack, leader) = leader.expect("a placer is made only where a broker is active");
        let mut replicas = vec![leader];
        // A tour gives each rack one replica; the first passes over the leader's.
        for tour in 0..replication_factor {
            for (index, rack) in self.racks.iter_mut().enumerate() {
                if replicas.len() < replication_factor && (tour > 0 || index != leader_rack) {
                    replicas.extend(rack.follow());
                }
            }
        }
        self.racks.rotate_left(1);
        replicas
    }

    fn shuffle(&mut self) {
        shuffle(&mut self.racks, self.random);
        for ring in self.racks.iter_mut().flat_map(Rack::rings) {
            shuffle(&mut ring.brokers, self.random);
        }
        self.placed_since_shuffle = 0;
    }
}

/// A number from 0 to `bound` exclusive; 0 when the bound is 0.
fn below(random: &mut dyn FnMut() -> u64, bound: usize) -> usize {
    let bound = u64::try_from(bound).expect("a count fits 64 bits").max(1);
    usize::try_from(random() % bound).expect("it is below a usize")
}

fn shuffle<T>(items: &mut [T], random: &mut dyn FnMut() -> u64) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(random, last + 1));
    }
}

/// How many replicas each log directory holds, so that a new one goes to the emptiest.
pub(super) struct DirectoryLoad {
    replicas: BTreeMap<DirectoryId, usize>,
}

impl DirectoryLoad {
    pub(super) fn of(image: &MetadataImage) -> Self {
        let mut load = Self { replicas: BTreeMap::new() };
        let has_choice = image.brokers().values().any(|broker| broker.open_log_dirs().nth(1).is_some());
        if has_choice {
            for directory in
                image.topics().iter().flat_map(|topic| topic.partitions.values()).flat_map(|partition| &partition.directories)
            {
                *load.replicas.entry(*directory).or_default() += 1;
            }
        }
        load
    }

    /// The open directory of the broker that holds fewest replicas, in the order of their ids among equals, counting the
    /// new replica. A broker that told none will choose one itself.
    pub(super) fn choose(&mut self, image: &MetadataImage, broker: NodeId) -> DirectoryId {
        let open = image.broker(broker).into_iter().flat_map(|broker| broker.open_log_dirs());
        let Some(emptiest) = open.min_by_key(|directory| self.replicas.get(directory).copied().unwrap_or(0)) else {
            return DirectoryId::UNASSIGNED;
        };
        *self.replicas.entry(emptiest).or_default() += 1;
        emptiest
    }
}

#[cfg(test)]
#[path = "placement_tests.rs"]
mod tests;
