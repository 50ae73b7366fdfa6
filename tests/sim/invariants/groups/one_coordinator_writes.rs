//! G1: one coordinator acts per group. The log of its records shows it: leader epochs never fall.

use crate::groups::history::History;

pub(crate) fn check(history: &History) -> Result<usize, String> {
    match history.leader_epochs.windows(2).find(|pair| pair[1] < pair[0]) {
        Some(pair) => Err(format!("a batch of epoch {} stands behind one of epoch {}", pair[1], pair[0])),
        None => Ok(history.leader_epochs.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_by_an_older_coordinator_is_found() {
        let history = |leader_epochs: &[i32]| History { leader_epochs: leader_epochs.to_vec(), ..History::default() };
        assert_eq!(check(&history(&[0, 0, 1])), Ok(3));
        assert!(check(&history(&[0, 1, 0])).is_err());
    }
}
