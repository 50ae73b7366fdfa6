//! Nothing that was deleted shows again, and nothing goes that was not deleted: the log starts where the answer said.

use crate::ledger::Ledger;

pub(crate) fn check(ledger: &Ledger) -> Result<usize, String> {
    let Some(deletion) = &ledger.deletion else { return Ok(0) };
    if deletion.found_start != Some(deletion.below) {
        return Err(format!("deleted below {}, the log starts at {:?}", deletion.below, deletion.found_start));
    }
    for (offset, value) in &deletion.kept {
        if deletion.found.get(offset) != Some(value) {
            return Err(format!("offset {offset} was kept as {value:?}, found {:?}", deletion.found.get(offset)));
        }
    }
    Ok(1 + deletion.kept.len())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bytes::Bytes;

    use super::*;
    use crate::ledger::Deletion;

    #[test]
    fn what_comes_back_and_what_is_gone_are_found() {
        let mut ledger = Ledger::default();
        assert_eq!(check(&ledger), Ok(0));
        let records = BTreeMap::from([(3, Bytes::from_static(b"x")), (4, Bytes::from_static(b"y"))]);
        let good = Deletion { below: 3, kept: records.clone(), found_start: Some(3), found: records };
        ledger.deletion = Some(good.clone());
        assert_eq!(check(&ledger), Ok(3));
        for start in [None, Some(2), Some(4)] {
            ledger.deletion = Some(Deletion { found_start: start, ..good.clone() });
            assert!(check(&ledger).is_err());
        }
        let mut lost = good;
        lost.found.remove(&4);
        ledger.deletion = Some(lost);
        assert!(check(&ledger).is_err());
    }
}
