//! A log directory, that is, one of `log.dirs`: its identity, its lock, the mark of a clean stop, the partitions in it.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use super::LogFault;
use super::checkpoint::read_file;
use crate::seams::{DirectoryLock, Disk, replace_file};
use crate::types::{BrokerEpoch, ClusterId, DirectoryId, NodeId, PartitionIndex, TopicName, TopicPartition};

const META_PROPERTIES: &str = "meta.properties";
const CLEAN_SHUTDOWN: &str = ".kafka_cleanshutdown";
const LOCK: &str = ".lock";
/// What this build writes under `klamm.format`, and the newest it reads.
const FORMAT: u32 = 1;
/// Directories that are no partitions: the file system's, and the cache of tiered indexes.
const NOT_PARTITIONS: [&str; 2] = ["lost+found", "remote-log-index-cache"];
/// Longest file name that file systems take.
const LONGEST_NAME: usize = 255;

/// Who a log directory belongs to (MetaProperties.java, version 1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MetaProperties {
    pub cluster_id: ClusterId,
    pub node_id: NodeId,
    /// `None` in a directory of an Apache Kafka before 3.7.
    pub directory_id: Option<DirectoryId>,
}

/// Reads meta.properties; `None` if the directory has not been formatted.
///
/// # Errors
/// A fault of the disk; a file that is not Kafka's; a format newer than this build.
pub fn read_meta_properties(disk: &dyn Disk, directory: &Path) -> Result<Option<MetaProperties>, LogFault> {
    let path = directory.join(META_PROPERTIES);
    let Some(bytes) = read_file(disk, &path)? else { return Ok(None) };
    let properties: HashMap<String, String> =
        java_properties::read(&*bytes).map_err(|error| LogFault::corrupt(&path, format!("not a properties file: {error}")))?;
    let get = |key: &str| properties.get(key).map(|value| value.trim());
    let number = |key: &str| {
        let value = get(key).ok_or_else(|| LogFault::corrupt(&path, format!("{key} is missing")))?;
        value.parse::<i32>().map_err(|_| LogFault::corrupt(&path, format!("{key}={value} is not a number")))
    };
    // Version 0, of brokers before KRaft, calls the node broker.id.
    let node_id = match number("version")? {
        0 => number("broker.id")?,
        1 => number("node.id")?,
        version => return Err(LogFault::corrupt(&path, format!("version={version} is not known, expected 0 or 1"))),
    };
    if let Some(format) = get("klamm.format") {
        let known = format.parse::<u32>().is_ok_and(|format| format <= FORMAT);
        if !known {
            let problem = format!("klamm.format={format} is newer than this build, which knows up to {FORMAT}");
            return Err(LogFault::corrupt(&path, problem));
        }
    }
    let cluster_id = get("cluster.id").ok_or_else(|| LogFault::corrupt(&path, "cluster.id is missing"))?;
    let directory_id = get("directory.id")
        .map(|id| id.parse().map_err(|_| LogFault::corrupt(&path, format!("directory.id={id} is not 22 base64 characters"))))
        .transpose()?;
    Ok(Some(MetaProperties { cluster_id: ClusterId(cluster_id.into()), node_id: NodeId(node_id), directory_id }))
}

/// Formats a directory: the file that makes it one of this cluster and node.
///
/// # Errors
/// A fault of the disk.
pub fn write_meta_properties(disk: &dyn Disk, directory: &Path, properties: &MetaProperties) -> Result<(), LogFault> {
    let MetaProperties { cluster_id, node_id, directory_id } = properties;
    let directory_id = directory_id.map(|id| format!("directory.id={id}\n")).unwrap_or_default();
    let text = format!("version=1\ncluster.id={cluster_id}\nnode.id={node_id}\n{directory_id}klamm.format={FORMAT}\n");
    let path = directory.join(META_PROPERTIES);
    replace_file(disk, &path, text.as_bytes()).map_err(|error| LogFault::io(&path, "write", error))
}

/// Refuses a directory that belongs to another cluster or node.
///
/// # Errors
/// `Corrupt`, with the path and both sides.
pub fn check_owner(directory: &Path, found: &MetaProperties, cluster_id: &ClusterId, node_id: NodeId) -> Result<(), LogFault> {
    let path = directory.join(META_PROPERTIES);
    if found.cluster_id != *cluster_id {
        let problem = format!("the directory belongs to cluster {}, this node to cluster {cluster_id}", found.cluster_id);
        return Err(LogFault::corrupt(&path, problem));
    }
    if found.node_id != node_id {
        return Err(LogFault::corrupt(&path, format!("the directory belongs to node {}, this is node {node_id}", found.node_id)));
    }
    Ok(())
}

/// Takes the directory for this process.
///
/// # Errors
/// `Corrupt` when another process has it; a fault of the disk.
pub fn lock(disk: &dyn Disk, directory: &Path) -> Result<Box<dyn DirectoryLock>, LogFault> {
    let path = directory.join(LOCK);
    disk.lock(&path).map_err(|error| {
        if error.kind() == io::ErrorKind::WouldBlock {
            LogFault::corrupt(&path, "another process is using this directory")
        } else {
            LogFault::io(&path, "lock", error)
        }
    })
}

/// The mark that a clean stop leaves (CleanShutdownFileHandler.java).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CleanShutdown {
    /// The epoch that the broker had; `None` if the file does not tell, as with Kafka before 3.8.
    pub broker_epoch: Option<BrokerEpoch>,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct CleanShutdownFile {
    version: i32,
    #[serde(rename = "brokerEpoch")]
    broker_epoch: i64,
}

/// Reads the mark; `None` if the last stop was not clean.
///
/// # Errors
/// A fault of the disk.
pub fn read_clean_shutdown(disk: &dyn Disk, directory: &Path) -> Result<Option<CleanShutdown>, LogFault> {
    let Some(bytes) = read_file(disk, &directory.join(CLEAN_SHUTDOWN))? else { return Ok(None) };
    let parsed = serde_json::from_slice::<CleanShutdownFile>(&bytes);
    Ok(Some(CleanShutdown { broker_epoch: parsed.ok().map(|file| BrokerEpoch(file.broker_epoch)) }))
}

/// Leaves the mark, the last thing that a clean stop does.
///
/// # Errors
/// A fault of the disk.
pub fn write_clean_shutdown(disk: &dyn Disk, directory: &Path, broker_epoch: BrokerEpoch) -> Result<(), LogFault> {
    let path = directory.join(CLEAN_SHUTDOWN);
    let file = CleanShutdownFile { version: 0, broker_epoch: broker_epoch.0 };
    let text = serde_json::to_vec(&file).map_err(|error| LogFault::io(&path, "write", error.into()))?;
    replace_file(disk, &path, &text).map_err(|error| LogFault::io(&path, "write", error))
}

/// Takes the mark away, durably: before any log of the directory is changed.
///
/// # Errors
/// A fault of the disk.
pub fn remove_clean_shutdown(disk: &dyn Disk, directory: &Path) -> Result<(), LogFault> {
    let path = directory.join(CLEAN_SHUTDOWN);
    match disk.remove_file(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.and_then(|()| disk.sync_directory(directory)).map_err(|error| LogFault::io(&path, "remove", error)),
    }
}

/// What a partition's directory is there for (LocalLog.java).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PartitionState {
    Live,
    /// `-delete`: the partition was deleted, its files wait for removal.
    Deleted,
    /// `-stray`: the node was not to have the partition; kept for a person to look at.
    Stray,
    /// `-future`: a move between directories of one node that was not finished.
    Future,
}

/// A directory of a partition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartitionDirectory {
    pub name: String,
    pub partition: TopicPartition,
    pub state: PartitionState,
}

/// The partitions in a log directory, sorted by directory name; the metadata log's among them.
///
/// # Errors
/// A fault of the disk; a directory that is neither a partition's nor one that Kafka makes.
pub fn list_partitions(disk: &dyn Disk, directory: &Path) -> Result<Vec<PartitionDirectory>, LogFault> {
    let entries = disk.read_directory(directory).map_err(|error| LogFault::io(directory, "list", error))?;
    let directories = entries.into_iter().filter(|entry| entry.is_directory && !NOT_PARTITIONS.contains(&entry.name.as_str()));
    directories
        .map(|entry| match parse_partition_name(&entry.name) {
            Some((partition, state)) => Ok(PartitionDirectory { name: entry.name, partition, state }),
            None => Err(LogFault::corrupt(
                &directory.join(&entry.name),
                "this directory is not named topic-partition: it is not Kafka's and must not be in a log directory",
            )),
        })
        .collect()
}

/// The name under which a deleted partition's directory waits: topic, partition, something unique, `-delete`; the topic is cut where
/// the name would be too long for a file system.
#[must_use]
pub fn deleted_name(partition: &TopicPartition, unique: u128) -> String {
    let suffix = format!("-{}.{unique:032x}-delete", partition.partition);
    let topic = partition.topic.as_str();
    // Topic names are ASCII.
    let kept = topic.get(..LONGEST_NAME - suffix.len()).unwrap_or(topic);
    format!("{kept}{suffix}")
}

fn parse_partition_name(name: &str) -> Option<(TopicPartition, PartitionState)> {
    let suffixes = [("-delete", PartitionState::Deleted), ("-stray", PartitionState::Stray), ("-future", PartitionState::Future)];
    let marked = suffixes.into_iter().find_map(|(suffix, state)| {
        let (name, unique) = name.strip_suffix(suffix)?.rsplit_once('.')?;
        (!unique.is_empty() && !unique.contains('-')).then_some((name, state))
    });
    let (name, state) = marked.unwrap_or((name, PartitionState::Live));
    let (topic, partition) = name.rsplit_once('-')?;
    let partition = partition.parse().ok().filter(|partition| *partition >= 0)?;
    if topic.is_empty() {
        return None;
    }
    Some((TopicPartition { topic: TopicName::new(topic), partition: PartitionIndex(partition) }, state))
}

#[cfg(test)]
#[path = "directory_tests.rs"]
mod tests;
