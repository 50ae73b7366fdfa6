//! What must be true of every run with a group (G1 to G6 of the reliability study). A file each.

mod group_converges;
mod offsets_are_registers;
mod one_coordinator_writes;
mod one_owner_per_partition;
mod only_the_generation_is_served;
mod state_is_the_replay;

use super::Evaluated;
use crate::groups::history::History;

/// Checks all of them.
pub(crate) fn check(history: &History) -> Result<Evaluated, String> {
    let mut evaluated = Evaluated::new();
    evaluated.insert("G1: one coordinator writes", one_coordinator_writes::check(history)?);
    evaluated.insert("G2: a partition has one owner", one_owner_per_partition::check(history)?);
    evaluated.insert("G3: only the generation is served", only_the_generation_is_served::check(history)?);
    evaluated.insert("G4: offsets are registers", offsets_are_registers::check(history)?);
    evaluated.insert("G5: the state is the replay", state_is_the_replay::check(history)?);
    evaluated.insert("G6: the group converges", group_converges::check(history)?);
    Ok(evaluated)
}
