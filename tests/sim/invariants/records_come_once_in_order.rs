//! What an idempotent producer sent is read once, in its order, however often it had to send it.

use bytes::Bytes;

use crate::ledger::Ledger;

pub(crate) fn check(ledger: &Ledger) -> Result<usize, String> {
    let mut evaluated = 0;
    for (producer, sent) in &ledger.sent {
        let prefix = format!("{producer}-");
        for (partition, records) in &ledger.read {
            let is_own = |value: &&Bytes| value.starts_with(prefix.as_bytes());
            let read: Vec<&Bytes> = records.values().filter(is_own).collect();
            if read.is_empty() {
                continue;
            }
            // A producer keeps to one partition and does not give up: all that it sent is there.
            if read != sent.iter().collect::<Vec<_>>() {
                return Err(format!("producer {producer} sent {sent:?}, partition {partition} has {read:?}"));
            }
            evaluated += read.len();
        }
    }
    Ok(evaluated)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(read: &[&'static str]) -> Ledger {
        let mut ledger = Ledger::default();
        ledger.sent.insert(0, vec![Bytes::from_static(b"0-0"), Bytes::from_static(b"0-1")]);
        let records = (0..).zip(read.iter().map(|value| Bytes::from_static(value.as_bytes())));
        ledger.read.insert(0, records.collect());
        ledger
    }

    #[test]
    fn duplicates_and_disorder_are_found() {
        assert_eq!(check(&ledger(&["0-0", "0-1"])), Ok(2));
        assert!(check(&ledger(&["0-0", "0-0", "0-1"])).is_err());
        assert!(check(&ledger(&["0-1", "0-0"])).is_err());
    }
}
