//! What happens to groups, as log lines. A client that joins and leaves in a loop gets no more of them than anybody else.

use std::sync::Arc;

use crate::group::GroupEvent;
use crate::seams::{Clock, LineLimiter};

/// Lines about groups in a second.
const LINES: u32 = 50;

#[derive(Debug)]
pub(super) struct GroupReport {
    lines: LineLimiter,
}

impl Default for GroupReport {
    fn default() -> Self {
        Self { lines: LineLimiter::new(LINES) }
    }
}

impl GroupReport {
    /// What a shard tells its events to.
    pub(super) fn listener(self: &Arc<Self>, clock: &Arc<dyn Clock>) -> Box<dyn Fn(Vec<GroupEvent>) + Send + Sync> {
        let (report, clock) = (Arc::clone(self), Arc::clone(clock));
        Box::new(move |events| {
            let now = clock.now();
            events.iter().for_each(|event| report.lines.write(now, |held_back| tell(event, held_back)));
        })
    }
}

fn tell(event: &GroupEvent, held_back: Option<u64>) {
    match event {
        GroupEvent::RebalanceStarted { group, generation, members } => {
            tracing::info!(%group, generation, members, held_back, "rebalance started");
        }
        GroupEvent::RebalanceFinished { group, generation, members, protocol } => {
            let protocol = protocol.as_deref().unwrap_or_default();
            tracing::info!(%group, generation, members, protocol, held_back, "rebalance finished");
        }
        GroupEvent::Emptied { group, generation } => tracing::info!(%group, generation, held_back, "the group is empty"),
        GroupEvent::MemberGone { group, member, why } => {
            tracing::info!(%group, %member, reason = why.reason(), held_back, "a member is gone");
        }
    }
}
