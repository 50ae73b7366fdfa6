//! A record that was acknowledged with acks=all is there, at the offset that was named.

use crate::ledger::Ledger;

pub(crate) fn check(ledger: &Ledger) -> Result<usize, String> {
    let mut evaluated = 0;
    for batch in &ledger.acknowledged {
        for (offset, value) in (batch.base_offset..).zip(&batch.values) {
            let found = ledger.read.get(&batch.partition).and_then(|records| records.get(&offset));
            if found != Some(value) {
                return Err(format!("acknowledged {value:?} at {offset} of partition {}, found {found:?}", batch.partition));
            }
            evaluated += 1;
        }
    }
    Ok(evaluated)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::ledger::Acknowledged;

    #[test]
    fn a_lost_record_is_found() {
        let mut ledger = Ledger::default();
        ledger.acknowledged.push(Acknowledged { partition: 0, base_offset: 4, values: vec![Bytes::from_static(b"a")] });
        assert!(check(&ledger).is_err());
        ledger.read.entry(0).or_default().insert(4, Bytes::from_static(b"a"));
        assert_eq!(check(&ledger), Ok(1));
    }
}
