//! G5: the coordinator's state is what its records say: after a power cut tools see the group as they saw it before.

use crate::groups::history::History;

pub(crate) fn check(history: &History) -> Result<usize, String> {
    match (&history.before_restart, &history.after_restart) {
        (Some(before), Some(after)) if before == after => Ok(1 + before.members.len() + before.offsets.len()),
        (before, after) => Err(format!("before the restart {before:?}, after it {after:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::groups::history::Seen;

    #[test]
    fn a_state_that_differs_after_the_restart_is_found() {
        let seen = |state: &str| Seen {
            state: state.to_owned(),
            protocol: "range".to_owned(),
            members: [("a".to_owned(), vec![1])].into(),
            offsets: [(0, 5)].into(),
        };
        let history = |before: &str, after: &str| History {
            before_restart: Some(seen(before)),
            after_restart: Some(seen(after)),
            ..History::default()
        };
        assert_eq!(check(&history("Stable", "Stable")), Ok(3));
        assert!(check(&history("Stable", "Empty")).is_err());
    }
}
