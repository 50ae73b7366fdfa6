//! A topic that was acknowledged is there with its id and partitions, a deleted one is not; and what the disk alone says after a power cut
//! is the image that the node had published.

use crate::ledger::{Ledger, TopicPromise};

pub(crate) fn check(ledger: &Ledger) -> Result<usize, String> {
    let mut evaluated = 1;
    if ledger.image_hash != ledger.recovered_hash {
        return Err(format!(
            "the published image has hash {:x}, the recovered one {:x}",
            ledger.image_hash, ledger.recovered_hash
        ));
    }
    for (name, promise) in &ledger.topics {
        let described = ledger.described.get(name);
        let kept = match promise {
            TopicPromise::Deleted => described.is_none(),
            TopicPromise::Exists { id, partitions } => {
                described.is_some_and(|(found, count)| id.is_none_or(|id| id == *found) && count == partitions)
            }
        };
        if !kept {
            return Err(format!("topic {name}: promised {promise:?}, the metadata says {described:?}"));
        }
        evaluated += 1;
    }
    Ok(evaluated)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_lost_topic_a_returned_one_and_another_image_are_found() {
        let mut ledger = Ledger::default();
        assert_eq!(check(&ledger), Ok(1));
        ledger.topics.insert("a".to_owned(), TopicPromise::Exists { id: None, partitions: 2 });
        assert!(check(&ledger).is_err());
        ledger.described.insert("a".to_owned(), (Uuid::max(), 2));
        assert_eq!(check(&ledger), Ok(2));
        ledger.topics.insert("a".to_owned(), TopicPromise::Deleted);
        assert!(check(&ledger).is_err());
        ledger.topics.clear();
        ledger.recovered_hash = 1;
        assert!(check(&ledger).is_err());
    }
}
