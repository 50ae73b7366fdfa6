//! G6: once the churn has stopped, all members are in one generation and share all partitions.

use crate::groups::history::History;

pub(crate) fn check(history: &History) -> Result<usize, String> {
    let settled: Option<Vec<&(i32, Vec<i32>)>> = history.settled.iter().map(Option::as_ref).collect();
    let one_generation = |settled: &[&(i32, Vec<i32>)]| settled.windows(2).all(|pair| pair[0].0 == pair[1].0);
    let shared = |settled: &[&(i32, Vec<i32>)]| {
        let mut all: Vec<i32> = settled.iter().flat_map(|(_, partitions)| partitions).copied().collect();
        all.sort_unstable();
        all == history.partitions
    };
    match settled {
        Some(settled) if one_generation(&settled) && shared(&settled) => Ok(settled.len()),
        _ => Err(format!("the members ended with {:?}", history.settled)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_does_not_come_to_rest_is_found() {
        let history = |settled: Vec<Option<(i32, Vec<i32>)>>| History { settled, partitions: vec![0, 1], ..History::default() };
        assert_eq!(check(&history(vec![Some((3, vec![1])), Some((3, vec![0]))])), Ok(2));
        assert!(check(&history(vec![Some((3, vec![1])), None])).is_err());
        assert!(check(&history(vec![Some((3, vec![1])), Some((2, vec![0]))])).is_err());
        assert!(check(&history(vec![Some((3, vec![1])), Some((3, vec![]))])).is_err());
    }
}
