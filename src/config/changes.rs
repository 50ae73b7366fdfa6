//! Changes of settings while brokers run: what an operation makes of a value, as Kafka's AlterConfigOp defines it.

use std::collections::{BTreeMap, BTreeSet};

use super::topic::ConfigMap;

/// Why a change is refused, by Kafka's error code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConfigRefusal {
    /// INVALID_CONFIG
    InvalidConfig(String),
    /// INVALID_REQUEST
    InvalidRequest(String),
}

/// What is done to one setting (AlterConfigOp.OpType).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConfigOperation {
    Set(String),
    /// Back to what holds without it.
    Delete,
    /// Entries that a list is to have too.
    Append(String),
    /// Entries that a list is not to have any more.
    Subtract(String),
}

impl ConfigOperation {
    /// By Kafka's code. Deleting needs no value.
    ///
    /// # Errors
    /// When there is no such operation.
    pub fn from_wire(code: i8, value: Option<&str>) -> Result<Self, UnknownOperation> {
        let value = value.unwrap_or_default().to_owned();
        match code {
            0 => Ok(Self::Set(value)),
            1 => Ok(Self::Delete),
            2 => Ok(Self::Append(value)),
            3 => Ok(Self::Subtract(value)),
            unknown => Err(UnknownOperation(unknown)),
        }
    }

    /// The operation makes sense for lists only; its name in Kafka's messages.
    #[must_use]
    pub const fn of_lists(&self) -> Option<&'static str> {
        match self {
            Self::Append(_) => Some("append"),
            Self::Subtract(_) => Some("subtract"),
            Self::Set(_) | Self::Delete => None,
        }
    }
}

/// No operation has this code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnknownOperation(pub i8);

/// How the settings of one resource are to change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConfigChanges {
    /// Some of them; each name stands once (KIP-339).
    Some(Vec<(String, ConfigOperation)>),
    /// These are all; whatever is not named goes.
    All(ConfigMap),
}

impl ConfigChanges {
    /// How many settings are named.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Some(operations) => operations.len(),
            Self::All(configs) => configs.len(),
        }
    }

    /// Whether nothing is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What `current` becomes. `default_of` gives the default of a list, which counts where nothing is set yet.
    #[must_use]
    pub fn applied_to(&self, current: &ConfigMap, default_of: impl Fn(&str) -> Option<&'static str>) -> ConfigMap {
        let operations = match self {
            Self::Some(operations) => operations,
            Self::All(configs) => return configs.clone(),
        };
        let mut after = current.clone();
        for (name, operation) in operations {
            match changed(current.get(name).map(String::as_str).or_else(|| default_of(name)), operation) {
                Some(value) => drop(after.insert(name.clone(), value)),
                None => drop(after.remove(name)),
            }
        }
        after
    }
}

/// The new value, unread: what is wrong with it shows when it is judged.
fn changed(value: Option<&str>, operation: &ConfigOperation) -> Option<String> {
    let entries = || value.into_iter().flat_map(java_split).filter(|entry| !entry.is_empty());
    match operation {
        ConfigOperation::Set(value) => Some(value.clone()),
        ConfigOperation::Delete => None,
        ConfigOperation::Append(added) => {
            let mut all: Vec<&str> = entries().collect();
            let mut seen: BTreeSet<&str> = all.iter().copied().collect();
            all.extend(java_split(added).into_iter().filter(|entry| seen.insert(entry)));
            Some(all.join(","))
        }
        ConfigOperation::Subtract(removed) => {
            // Each mention takes one entry away.
            let mut left: BTreeMap<&str, usize> = BTreeMap::new();
            java_split(removed).into_iter().for_each(|entry| *left.entry(entry).or_default() += 1);
            let stays = |entry: &&str| match left.get_mut(*entry).filter(|count| **count > 0) {
                Some(count) => {
                    *count -= 1;
                    false
                }
                None => true,
            };
            Some(entries().filter(stays).collect::<Vec<_>>().join(","))
        }
    }
}

/// Java's `String.split(",")`: empty entries at the end do not count, but a text without a comma is one entry even if it is empty.
fn java_split(text: &str) -> Vec<&str> {
    let mut entries: Vec<&str> = text.split(',').collect();
    while entries.len() > 1 && entries.last().is_some_and(|last| last.is_empty()) {
        entries.pop();
    }
    if text.contains(',') && entries.len() == 1 && entries.first().is_some_and(|first| first.is_empty()) {
        entries.clear();
    }
    entries
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn append(value: Option<&str>, added: &str) -> String {
        changed(value, &ConfigOperation::Append(added.to_owned())).unwrap()
    }

    fn subtract(value: Option<&str>, removed: &str) -> String {
        changed(value, &ConfigOperation::Subtract(removed.to_owned())).unwrap()
    }

    /// As Apache Kafka 4.3.0 answered, step by step.
    #[test]
    fn entries_are_appended_once_and_subtracted_one_by_one() {
        assert_eq!(append(None, "0:1"), "0:1");
        assert_eq!(append(Some("0:1"), "1:1,2:1"), "0:1,1:1,2:1");
        assert_eq!(append(Some("delete,compact"), "compact"), "delete,compact");
        assert_eq!(append(Some("delete"), "a,a"), "delete,a");
        assert_eq!(append(Some("delete"), ""), "delete,", "an entry without letters, refused when the list is judged");
        assert_eq!(append(Some("delete"), ","), "delete", "no entry at all");
        assert_eq!(append(Some("compact"), " compact"), "compact, compact", "compared as they stand");
        assert_eq!(subtract(Some("0:1,1:1,2:1"), "0:1,2:1"), "1:1");
        assert_eq!(subtract(Some("1:1"), "1:1"), "");
        assert_eq!(subtract(None, "a"), "");
        assert_eq!(subtract(Some("a,b,a"), "a"), "b,a");
        assert_eq!(subtract(Some("a,,b"), "nothing,of,it"), "a,b");
    }

    #[test]
    fn lists_with_a_million_entries_take_no_more_than_their_length() {
        let entries: Vec<String> = (0..300_000).map(|number| number.to_string()).collect();
        let list = entries.join(",");
        assert_eq!(append(Some(&list), &list), list);
        assert_eq!(subtract(Some(&list), &list), "");
    }

    #[test]
    fn some_settings_change_or_all_are_replaced() {
        let map = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<ConfigMap>()
        };
        let current = map(&[("a", "1"), ("b", "2")]);
        let some = ConfigChanges::Some(vec![
            ("a".to_owned(), ConfigOperation::Delete),
            ("c".to_owned(), ConfigOperation::Append("x".to_owned())),
            ("d".to_owned(), ConfigOperation::Set("4".to_owned())),
        ]);
        assert_eq!(some.applied_to(&current, |_| Some("w")), map(&[("b", "2"), ("c", "w,x"), ("d", "4")]));
        assert_eq!(ConfigChanges::All(map(&[("a", "9")])).applied_to(&current, |_| None), map(&[("a", "9")]));
    }

    #[test]
    fn operations_have_kafkas_codes() {
        assert_eq!(ConfigOperation::from_wire(1, None), Ok(ConfigOperation::Delete));
        assert_eq!(ConfigOperation::from_wire(0, Some("x")), Ok(ConfigOperation::Set("x".to_owned())));
        assert_eq!(ConfigOperation::from_wire(3, Some("x")).unwrap().of_lists(), Some("subtract"));
        assert_eq!([-1, 4].map(|code| ConfigOperation::from_wire(code, None).is_err()), [true, true]);
    }
}
