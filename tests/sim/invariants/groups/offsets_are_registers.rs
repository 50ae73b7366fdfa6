//! G4: a group's offset of a partition is a register: what was acknowledged is what is fetched, until a later commit. A commit without an
//! answer may have taken effect at any time after it was sent, or never.

use crate::groups::history::{Commit, Fetched, History};

pub(crate) fn check(history: &History) -> Result<usize, String> {
    for fetched in &history.fetched {
        let commits: Vec<&Commit> = history.commits.iter().filter(|commit| commit.partition == fetched.partition).collect();
        if !is_possible(fetched, &commits) {
            return Err(format!("{fetched:?} with {commits:?}"));
        }
    }
    Ok(history.fetched.len())
}

fn is_possible(fetched: &Fetched, commits: &[&Commit]) -> bool {
    // Acknowledged before the fetch began: one of these or a later one is what is seen.
    let settled = |commit: &&&Commit| commit.acknowledged.is_some_and(|at| at < fetched.begun);
    if fetched.offset == -1 {
        return !commits.iter().any(|commit| settled(&commit));
    }
    let Some(seen) = commits.iter().find(|commit| commit.offset == fetched.offset) else { return false };
    let overwritten = |other: &&Commit| seen.acknowledged.is_some_and(|at| at < other.begun);
    seen.begun < fetched.ended && !commits.iter().filter(settled).any(overwritten)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(offset: i64) -> History {
        let commit = |begun, acknowledged, offset| Commit { begun, acknowledged, partition: 0, offset };
        History {
            commits: vec![commit(1, Some(2), 1), commit(3, Some(4), 2), commit(5, None, 3)],
            fetched: vec![Fetched { begun: 6, ended: 7, partition: 0, offset }],
            ..History::default()
        }
    }

    #[test]
    fn a_lost_and_an_invented_commit_are_found() {
        assert_eq!(check(&history(2)), Ok(1));
        assert_eq!(check(&history(3)), Ok(1), "it may have taken effect");
        assert!(check(&history(1)).is_err(), "it was overwritten");
        assert!(check(&history(-1)).is_err(), "there was one");
        assert!(check(&history(9)).is_err(), "nobody committed it");
    }
}
