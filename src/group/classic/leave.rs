//! LeaveGroup: members go, or an administrator removes them.

use super::group::{ClassicGroup, Phase};
use super::{Context, GroupCoordinator, Refusal};
use crate::group::{Departure, LeaveGroup, Leaving};

impl GroupCoordinator {
    /// Removes members, and says of each in the request's order why it was not.
    ///
    /// # Errors
    /// There is no such group.
    pub fn leave(&mut self, context: &mut Context<'_>, request: &LeaveGroup) -> Result<Vec<Option<Refusal>>, Refusal> {
        let Self { config, groups, timers, .. } = self;
        let group = groups.get_mut(&request.group).ok_or(Refusal::UnknownMemberId)?;
        let results: Vec<_> = request.members.iter().map(|leaving| group.leave(context, leaving).err()).collect();
        if results.contains(&None) {
            match group.phase {
                Phase::Empty => {}
                Phase::Preparing { .. } | Phase::Completing | Phase::Stable => group.rebalance(context, config),
            }
            timers.follow(group);
        }
        Ok(results)
    }
}

impl ClassicGroup {
    fn leave(&mut self, context: &mut Context<'_>, leaving: &Leaving) -> Result<(), Refusal> {
        let instance = leaving.instance.as_deref();
        let member = if leaving.member.as_str().is_empty() {
            // How tools remove static members: whoever holds the instance.
            let holder = instance.and_then(|instance| self.instances.get(instance));
            holder.cloned().ok_or(Refusal::UnknownMemberId)?
        } else {
            if !self.pending.contains_key(&leaving.member) {
                self.validate(&leaving.member, instance)?;
            }
            leaving.member.clone()
        };
        self.remove(context, &member, Departure::Left);
        Ok(())
    }
}
