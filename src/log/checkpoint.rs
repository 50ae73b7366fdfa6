//! The checkpoint files of a log directory (CheckpointFile.java, OffsetCheckpointFile.java): a number per partition, as text.

use std::io;
use std::path::Path;

use super::LogFault;
use crate::seams::{Disk, OpenMode, replace_file};
use crate::types::{Offset, PartitionIndex, TopicName, TopicPartition};

/// Bytes below are durable; recovery starts there.
pub const RECOVERY_POINT: &str = "recovery-point-offset-checkpoint";
/// Records below have been deleted.
pub const LOG_START_OFFSET: &str = "log-start-offset-checkpoint";
/// High watermarks.
pub const REPLICATION_OFFSET: &str = "replication-offset-checkpoint";

/// Reads a checkpoint file; empty if there is none, as before the first checkpoint.
///
/// # Errors
/// A fault of the disk, or `Corrupt`. Kafka takes a file of no bytes for an empty one, as a crash of its own may leave it; so do we.
pub fn read_offsets(disk: &dyn Disk, directory: &Path, name: &str) -> Result<Vec<(TopicPartition, Offset)>, LogFault> {
    let path = directory.join(name);
    let Some(text) = read_file(disk, &path)? else { return Ok(Vec::new()) };
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let rows = parse_table::<3>(&text).map_err(|problem| LogFault::corrupt(&path, problem))?;
    rows.iter()
        .map(|[topic, partition, offset]| {
            let partition = PartitionIndex(partition.parse().ok()?);
            Some((TopicPartition { topic: TopicName::new(topic), partition }, Offset(offset.parse().ok()?)))
        })
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| LogFault::corrupt(&path, "a line is not 'topic partition offset'"))
}

/// Replaces a checkpoint file as one durable fact.
///
/// # Errors
/// A fault of the disk; then the old file stands.
pub fn write_offsets<'a>(
    disk: &dyn Disk,
    directory: &Path,
    name: &str,
    offsets: impl IntoIterator<Item = (&'a TopicPartition, Offset)>,
) -> Result<(), LogFault> {
    let path = directory.join(name);
    let rows = offsets.into_iter().map(|(at, offset)| format!("{} {} {offset}", at.topic, at.partition));
    replace_file(disk, &path, format_table(rows).as_bytes()).map_err(|error| LogFault::io(&path, "write checkpoint", error))
}

/// The whole of a small file; `None` if it is not there.
pub(super) fn read_file(disk: &dyn Disk, path: &Path) -> Result<Option<Vec<u8>>, LogFault> {
    let read = || {
        let file = match disk.open(path, OpenMode::Read) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let length = usize::try_from(file.length()?).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let mut bytes = Vec::new();
        file.read_at(0, length, &mut bytes)?;
        Ok(Some(bytes))
    };
    read().map_err(|error| LogFault::io(path, "read", error))
}

/// Version 0, the number of lines, the lines.
pub(super) fn format_table(rows: impl Iterator<Item = String>) -> String {
    let (mut count, mut lines) = (0, String::new());
    for row in rows {
        count += 1;
        lines.push_str(&row);
        lines.push('\n');
    }
    format!("0\n{count}\n{lines}")
}

/// Takes such a text apart; each line has `N` words. The problem, if it is not one.
pub(super) fn parse_table<const N: usize>(text: &[u8]) -> Result<Vec<[&str; N]>, String> {
    let text = std::str::from_utf8(text).map_err(|_| "not a text file".to_owned())?;
    let mut lines = text.lines();
    match lines.next() {
        Some("0") => {}
        Some(version) => return Err(format!("version '{version}' is not known, expected 0")),
        None => return Err("the file is empty".to_owned()),
    }
    let count = lines.next().ok_or("the number of lines is missing")?;
    let expected: usize = count.parse().map_err(|_| format!("'{count}' is not a number of lines"))?;
    let rows = lines
        .map(|line| {
            let mut words = line.split_whitespace();
            let row = std::array::from_fn(|_| words.next().unwrap_or(""));
            if row.contains(&"") || words.next().is_some() { Err(format!("malformed line '{line}'")) } else { Ok(row) }
        })
        .collect::<Result<Vec<_>, _>>()?;
    if rows.len() == expected { Ok(rows) } else { Err(format!("{expected} lines were announced, {} are there", rows.len())) }
}
