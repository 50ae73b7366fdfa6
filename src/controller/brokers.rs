//! A broker's life: it registers, fenced; its heartbeats unfence it, fence it or lead it out; it is unregistered.
//!
//! Who missed its heartbeats is soft state of the shell, which asks for the fence.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Context, Decide, Decision, Reason, Refusal, partition_change};
use crate::metadata::features::METADATA_VERSION;
use crate::metadata::records::{
    self, BrokerRegistrationChange, ControlledShutdownChange, Endpoint, FencingChange, MetadataRecord, SupportedFeature,
};
use crate::metadata::{BrokerImage, MetadataImage};
use crate::types::{BrokerEpoch, DirectoryId, IncarnationId, NodeId, Offset};

/// A broker's process introduces itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RegisterBroker {
    pub broker_id: NodeId,
    /// Names this run of the process.
    pub incarnation_id: IncarnationId,
    pub endpoints: Vec<Endpoint>,
    pub features: Vec<SupportedFeature>,
    pub rack: Option<String>,
    /// Its log directories that are online, at least one.
    pub log_dirs: Vec<DirectoryId>,
    /// Whether the broker registered under this id still sends heartbeats: then another process may not take the id.
    pub has_session: bool,
}

impl Decide for RegisterBroker {
    type Reply = BrokerEpoch;

    /// A new run of the process gets a new epoch, the offset of its registration, and starts fenced and out of every ISR; the same
    /// run amends its registration and keeps epoch and state.
    fn decide(&self, context: &mut Context<'_>, image: &MetadataImage) -> Result<Decision<BrokerEpoch>, Refusal> {
        let existing = image.broker(self.broker_id);
        let same_run = existing.filter(|existing| existing.incarnation_id == self.incarnation_id);
        if existing.is_some() && same_run.is_none() && self.has_session {
            let message = format!("Another process is registered as broker {} and still alive.", self.broker_id);
            return Err(Refusal::new(Reason::DuplicateBrokerRegistration, message));
        }
        self.check_directories(image)?;
        self.check_features(image.features())?;
        let mut records = match same_run {
            Some(_) => Vec::new(),
            None => partition_change::leave(image, self.broker_id),
        };
        let ahead = i64::try_from(records.len()).expect("a batch has fewer than 2^31 records");
        let epoch = same_run.map_or(BrokerEpoch(context.next_offset.plus(ahead).0), |same_run| same_run.epoch);
        records.push(self.record(epoch, same_run).into());
        Ok(Decision { records, reply: epoch })
    }
}

impl RegisterBroker {
    fn record(&self, epoch: BrokerEpoch, same_run: Option<&Arc<BrokerImage>>) -> records::RegisterBroker {
        records::RegisterBroker {
            broker_id: self.broker_id,
            is_migrating_zk_broker: false,
            incarnation_id: self.incarnation_id,
            broker_epoch: epoch,
            end_points: self.endpoints.clone(),
            features: self.features.clone(),
            rack: self.rack.clone(),
            fenced: same_run.is_none_or(|same_run| same_run.fenced),
            in_controlled_shutdown: same_run.is_some_and(|same_run| same_run.in_controlled_shutdown),
            log_dirs: self.log_dirs.clone(),
            cordoned_log_dirs: same_run.and_then(|same_run| same_run.cordoned_log_dirs.clone()),
        }
    }

    fn check_directories(&self, image: &MetadataImage) -> Result<(), Refusal> {
        let refused = |message: String| Err(Refusal::new(Reason::InvalidRegistration, message));
        if self.log_dirs.is_empty() {
            return refused(format!("Broker {} names no log directory.", self.broker_id));
        }
        if let Some(reserved) = self.log_dirs.iter().find(|directory| directory.is_reserved()) {
            return refused(format!("{reserved} is a reserved directory id."));
        }
        if self.log_dirs.iter().collect::<BTreeSet<_>>().len() < self.log_dirs.len() {
            return refused(format!("Broker {} names a log directory twice.", self.broker_id));
        }
        for other in image.brokers().values().filter(|other| other.id != self.broker_id) {
            if let Some(shared) = other.log_dirs.iter().find(|directory| self.log_dirs.contains(directory)) {
                return refused(format!("Log directory {shared} belongs to broker {}.", other.id));
            }
        }
        Ok(())
    }

    /// The broker must support every finalised level; a feature it does not name it supports at level 0 only.
    fn check_features(&self, finalised: &BTreeMap<String, i16>) -> Result<(), Refusal> {
        if !self.features.iter().any(|feature| feature.name == METADATA_VERSION) {
            return Err(Refusal::new(
                Reason::InvalidRegistration,
                format!("Broker {} names no {METADATA_VERSION}.", self.broker_id),
            ));
        }
        for (name, level) in finalised {
            let supported = self.features.iter().find(|feature| feature.name == *name);
            let (low, high) = supported.map_or((0, 0), |feature| (feature.min_supported_version, feature.max_supported_version));
            if !(low..=high).contains(level) {
                let id = self.broker_id;
                let message =
                    format!("Feature {name} is finalised at level {level}; broker {id} supports levels {low} to {high}.");
                return Err(Refusal::new(Reason::UnsupportedVersion, message));
            }
        }
        Ok(())
    }
}

/// The registered broker, if the epoch is its own.
pub(super) fn registered(image: &MetadataImage, id: NodeId, epoch: BrokerEpoch) -> Result<&BrokerImage, Refusal> {
    let broker =
        image.broker(id).ok_or_else(|| Refusal::new(Reason::BrokerIdNotRegistered, format!("No broker {id} is registered.")))?;
    if broker.epoch == epoch {
        Ok(broker)
    } else {
        let message = format!("The epoch of broker {id} is {}, not {epoch}.", broker.epoch);
        Err(Refusal::new(Reason::StaleBrokerEpoch, message))
    }
}

/// A broker says that it is alive and what it wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BrokerHeartbeat {
    pub broker_id: NodeId,
    pub broker_epoch: BrokerEpoch,
    /// The last offset of the metadata log that the broker has folded.
    pub current_metadata_offset: Option<Offset>,
    pub want_fence: bool,
    pub want_shut_down: bool,
    /// Directories that are to take no new replicas; `None` from brokers that do not know of it.
    pub cordoned_log_dirs: Option<Vec<DirectoryId>>,
    /// Whether every active broker has folded the offset at which this broker's controlled shutdown began, as the shell's session
    /// table knows: then its leaderships have moved.
    pub is_drained: bool,
}

/// Kafka's answer to a heartbeat.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BrokerHeartbeatReply {
    /// The broker has folded its own registration.
    pub is_caught_up: bool,
    pub is_fenced: bool,
    /// The process may end now.
    pub should_shut_down: bool,
}

/// What a heartbeat does to the broker's state.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Stay,
    Fence,
    Unfence,
    BeginShutdown,
}

impl BrokerHeartbeat {
    /// As Kafka's BrokerHeartbeatManager.calculateNextBrokerState.
    fn step(&self, broker: &BrokerImage, is_caught_up: bool, leads_any: bool) -> Step {
        match (broker.fenced, broker.in_controlled_shutdown) {
            // Who began to shut down comes back only as a new run.
            (true, true) => Step::Stay,
            (true, false) if self.want_shut_down || self.want_fence || !is_caught_up => Step::Stay,
            (true, false) => Step::Unfence,
            (false, true) if self.is_drained => Step::Fence,
            (false, true) => Step::Stay,
            (false, false) if self.want_fence || (self.want_shut_down && !leads_any) => Step::Fence,
            (false, false) if self.want_shut_down => Step::BeginShutdown,
            (false, false) => Step::Stay,
        }
    }

    fn change(&self, step: Step, broker: &BrokerImage) -> BrokerRegistrationChange {
        let mut change = BrokerRegistrationChange::nothing(self.broker_id, self.broker_epoch);
        match step {
            Step::Stay => {}
            Step::Fence => change.fenced = FencingChange::Fence,
            Step::Unfence => change.fenced = FencingChange::Unfence,
            Step::BeginShutdown => change.in_controlled_shutdown = ControlledShutdownChange::Begin,
        }
        let mut cordoned = self.cordoned_log_dirs.clone();
        cordoned.iter_mut().for_each(|directories| directories.sort_unstable());
        if cordoned.is_some() && cordoned != broker.cordoned_log_dirs {
            change.cordoned_log_dirs = cordoned;
        }
        change
    }
}

impl Decide for BrokerHeartbeat {
    type Reply = BrokerHeartbeatReply;

    fn decide(&self, _: &mut Context<'_>, image: &MetadataImage) -> Result<Decision<BrokerHeartbeatReply>, Refusal> {
        let broker = registered(image, self.broker_id, self.broker_epoch)?;
        let is_caught_up = self.current_metadata_offset.is_some_and(|offset| offset.0 >= broker.epoch.0);
        let leads_any = self.want_shut_down && partition_change::leads_any(image, self.broker_id);
        let step = self.step(broker, is_caught_up, leads_any);
        let change = self.change(step, broker);
        let nothing = BrokerRegistrationChange::nothing(self.broker_id, self.broker_epoch);
        let mut records: Vec<MetadataRecord> = (change != nothing).then(|| change.into()).into_iter().collect();
        match step {
            Step::Stay => {}
            Step::Fence | Step::BeginShutdown => records.extend(partition_change::leave(image, self.broker_id)),
            Step::Unfence => records.extend(partition_change::join(image, self.broker_id)),
        }
        let is_fenced = match step {
            Step::Stay => broker.fenced,
            Step::Fence => true,
            Step::Unfence | Step::BeginShutdown => false,
        };
        Ok(Decision {
            records,
            reply: BrokerHeartbeatReply { is_caught_up, is_fenced, should_shut_down: self.want_shut_down && is_fenced },
        })
    }
}

/// The shell found the broker's heartbeats missing. Refused when it has registered anew meanwhile; nothing if it is fenced already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FenceBroker {
    pub broker_id: NodeId,
    pub broker_epoch: BrokerEpoch,
}

impl Decide for FenceBroker {
    type Reply = ();

    fn decide(&self, _: &mut Context<'_>, image: &MetadataImage) -> Result<Decision<()>, Refusal> {
        let broker = registered(image, self.broker_id, self.broker_epoch)?;
        if broker.fenced {
            return Ok(Decision { records: Vec::new(), reply: () });
        }
        let nothing = BrokerRegistrationChange::nothing(self.broker_id, self.broker_epoch);
        let mut records = vec![BrokerRegistrationChange { fenced: FencingChange::Fence, ..nothing }.into()];
        records.extend(partition_change::leave(image, self.broker_id));
        Ok(Decision { records, reply: () })
    }
}

/// An administrator removes a broker for good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnregisterBroker {
    pub broker_id: NodeId,
}

impl Decide for UnregisterBroker {
    type Reply = ();

    fn decide(&self, _: &mut Context<'_>, image: &MetadataImage) -> Result<Decision<()>, Refusal> {
        let broker = image
            .broker(self.broker_id)
            .ok_or_else(|| Refusal::new(Reason::BrokerIdNotRegistered, format!("No broker {} is registered.", self.broker_id)))?;
        let gone = records::UnregisterBroker { broker_id: self.broker_id, broker_epoch: broker.epoch };
        let mut records = partition_change::leave(image, self.broker_id);
        records.push(gone.into());
        Ok(Decision { records, reply: () })
    }
}
