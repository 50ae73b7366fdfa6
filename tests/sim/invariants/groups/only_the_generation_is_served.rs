//! G3: heartbeats and commits of another generation are refused: once a member has its assignment of a later generation, nothing that is sent
//! in an earlier one is accepted.

use crate::groups::history::History;

pub(crate) fn check(history: &History) -> Result<usize, String> {
    for accepted in &history.accepted {
        let later = history.synced.iter().find(|synced| synced.at < accepted.sent && synced.generation > accepted.generation);
        if let Some(later) = later {
            return Err(format!("{accepted:?} came after {later:?}"));
        }
    }
    Ok(history.accepted.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::groups::history::{Accepted, Synced};

    #[test]
    fn a_heartbeat_of_an_earlier_generation_that_is_accepted_is_found() {
        let history = |generation| History {
            synced: vec![Synced { at: 5, member: "b".to_owned(), generation: 2, partitions: Vec::new() }],
            accepted: vec![Accepted { sent: 6, generation }],
            ..History::default()
        };
        assert_eq!(check(&history(2)), Ok(1));
        assert!(check(&history(1)).is_err());
    }
}
