//! `partition.metadata` (PartitionMetadataFile.java): the topic id, written before any data, so that a directory left behind by a
//! deleted topic is never taken for one of the same name.

use std::path::Path;

use super::LogFault;
use super::checkpoint::read_file;
use crate::seams::{Disk, put_file};
use crate::types::TopicId;

const FILE_NAME: &str = "partition.metadata";

/// The topic id that a partition's directory bears; `None` if the file is not there, or has no bytes because a crash came first.
///
/// # Errors
/// A fault of the disk, or a file that is not Kafka's.
pub fn read_topic_id(disk: &dyn Disk, directory: &Path) -> Result<Option<TopicId>, LogFault> {
    let path = directory.join(FILE_NAME);
    let Some(bytes) = read_file(disk, &path)?.filter(|bytes| !bytes.is_empty()) else { return Ok(None) };
    let text = std::str::from_utf8(&bytes).map_err(|_| LogFault::corrupt(&path, "not a text file"))?;
    let mut lines = text.lines().map(str::trim);
    let is_known = lines.next() == Some("version: 0");
    let id = lines.next().and_then(|line| line.strip_prefix("topic_id: ")).and_then(|id| id.parse().ok());
    match id {
        Some(id) if is_known => Ok(Some(id)),
        _ => Err(LogFault::corrupt(&path, "expected the lines 'version: 0' and 'topic_id: <22 base64 characters>'")),
    }
}

/// Writes the id if there is none, and refuses another one. True if the directory is to be synced before anything is written to the log.
pub(super) fn settle(disk: &dyn Disk, directory: &Path, topic_id: TopicId) -> Result<bool, LogFault> {
    let path = directory.join(FILE_NAME);
    match read_topic_id(disk, directory)? {
        Some(found) if found == topic_id => Ok(false),
        Some(found) => Err(LogFault::corrupt(&path, format!("the directory belongs to topic id {found}, expected {topic_id}"))),
        None => {
            let text = format!("version: 0\ntopic_id: {topic_id}");
            put_file(disk, &path, text.as_bytes()).map(|()| true).map_err(|error| LogFault::io(&path, "write", error))
        }
    }
}
