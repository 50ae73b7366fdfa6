//! G2: a partition is owned by at most one member of a group in a generation.

use std::collections::BTreeMap;

use crate::groups::history::History;

pub(crate) fn check(history: &History) -> Result<usize, String> {
    let mut owners: BTreeMap<(i32, i32), &str> = BTreeMap::new();
    for synced in &history.synced {
        for partition in &synced.partitions {
            let owner = owners.entry((synced.generation, *partition)).or_insert(&synced.member);
            if *owner != synced.member {
                return Err(format!(
                    "partition {partition} belongs to {owner} and {} in generation {}",
                    synced.member, synced.generation
                ));
            }
        }
    }
    Ok(owners.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::groups::history::Synced;

    fn synced(member: &str, generation: i32, partitions: &[i32]) -> Synced {
        Synced { at: 0, member: member.to_owned(), generation, partitions: partitions.to_vec() }
    }

    #[test]
    fn two_owners_in_one_generation_are_found() {
        let history = |synced| History { synced, ..History::default() };
        assert_eq!(check(&history(vec![synced("a", 1, &[0]), synced("b", 1, &[1]), synced("b", 2, &[0])])), Ok(3));
        assert!(check(&history(vec![synced("a", 1, &[0]), synced("b", 1, &[0, 1])])).is_err());
    }
}
