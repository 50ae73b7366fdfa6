//! Control batches: markers inside the log that clients skip.

use bytes::Buf;

use super::{BatchBuilder, BatchOptions, NewRecord};
use crate::types::Timestamp;

/// Version of a control record's key; the type follows it.
const KEY_VERSION: i16 = 0;

/// Type of a control record (ControlRecordType.java). Unknown types must be skipped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ControlType {
    Abort,
    Commit,
    LeaderChange,
    SnapshotHeader,
    SnapshotFooter,
    KraftVersion,
    KraftVoters,
    Unknown(i16),
}

impl ControlType {
    fn from_number(number: i16) -> Self {
        match number {
            0 => Self::Abort,
            1 => Self::Commit,
            2 => Self::LeaderChange,
            3 => Self::SnapshotHeader,
            4 => Self::SnapshotFooter,
            5 => Self::KraftVersion,
            6 => Self::KraftVoters,
            other => Self::Unknown(other),
        }
    }

    fn number(self) -> i16 {
        match self {
            Self::Abort => 0,
            Self::Commit => 1,
            Self::LeaderChange => 2,
            Self::SnapshotHeader => 3,
            Self::SnapshotFooter => 4,
            Self::KraftVersion => 5,
            Self::KraftVoters => 6,
            Self::Unknown(number) => number,
        }
    }
}

/// One control batch of the given records (type, value), its control bit set whatever `options` says.
///
/// # Panics
/// When there are no records.
#[must_use]
pub fn control_batch(options: BatchOptions, timestamp: Timestamp, records: &[(ControlType, &[u8])]) -> Vec<u8> {
    let mut builder = BatchBuilder::new(BatchOptions { control: true, ..options });
    for (control_type, value) in records {
        let [version_high, version_low] = KEY_VERSION.to_be_bytes();
        let [type_high, type_low] = control_type.number().to_be_bytes();
        let key = [version_high, version_low, type_high, type_low];
        builder.push(&NewRecord { timestamp, key: Some(&key), value: Some(value), headers: Vec::new() });
    }
    builder.finish()
}

/// The type that a control record's key names; `None` when the key is too short. A newer version of the key starts with the same
/// two fields, so the version is not looked at (as Kafka does not).
#[must_use]
pub fn control_type(key: &[u8]) -> Option<ControlType> {
    let mut fields = key.get(..4)?;
    fields.advance(2);
    Some(ControlType::from_number(fields.get_i16()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::record::{BatchHeader, OutputBudget, Records};

    #[test]
    fn types_survive_the_batch() {
        let types = (-1..=8).map(ControlType::from_number).collect::<Vec<_>>();
        let records = types.iter().map(|control_type| (*control_type, &b"value"[..])).collect::<Vec<_>>();
        let batch = control_batch(BatchOptions::default(), Timestamp(7), &records);
        assert!(BatchHeader::parse(&batch).unwrap().attributes.is_control());
        let read = Records::read(&batch, OutputBudget(0)).unwrap();
        assert_eq!(read.iter().map(|record| control_type(record.key.unwrap()).unwrap()).collect::<Vec<_>>(), types);
        assert!(matches!(types[0], ControlType::Unknown(-1)));
    }

    #[test]
    fn a_short_key_has_no_type() {
        assert_eq!(control_type(&[0, 0, 0]), None);
        assert_eq!(control_type(&[0, 1, 0, 1, 9]), Some(ControlType::Commit));
    }
}
