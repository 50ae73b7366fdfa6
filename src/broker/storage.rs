//! The log directories at start: whose they are, what the last run left in them.
//!
//! Everything is looked at before anything is written, so that a start that is refused leaves all as it was.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use super::Found;
use super::partitions::METADATA_TOPIC;
use crate::config::ServerConfig;
use crate::log::LogFault;
use crate::log::checkpoint::{LOG_START_OFFSET, RECOVERY_POINT, read_offsets};
use crate::log::directory::{
    MetaProperties, PartitionDirectory, PartitionState, check_owner, list_partitions, lock, read_clean_shutdown,
    read_meta_properties, remove_clean_shutdown, write_meta_properties,
};
use crate::seams::{Clock, DirectoryLock, Disk};
use crate::types::{ClusterId, DirectoryId, NodeId};

/// One directory, formatted and locked.
#[derive(Debug)]
pub(super) struct OpenDirectory {
    pub(super) path: PathBuf,
    pub(super) id: DirectoryId,
    pub(super) found: Found,
}

/// All directories of the node.
#[derive(Debug)]
pub(super) struct Storage {
    pub(super) cluster_id: ClusterId,
    /// In the order of `log.dirs`.
    pub(super) log_directories: Vec<OpenDirectory>,
    pub(super) metadata_directory: PathBuf,
    pub(super) metadata_directory_id: DirectoryId,
    /// Held for as long as the node runs.
    pub(super) locks: Vec<Box<dyn DirectoryLock>>,
}

impl Storage {
    /// Opens all directories, and formats those that are empty. The cluster's id is theirs; with nothing in any of them, a new one.
    ///
    /// # Errors
    /// A directory that cannot be read, is in use, belongs to another cluster or node, or holds what is not Kafka's.
    pub(super) fn open(config: &ServerConfig, disk: &dyn Disk, clock: &dyn Clock) -> Result<Self, LogFault> {
        let mut paths = config.log_dirs.clone();
        if !paths.contains(&config.metadata_log_dir) {
            paths.push(config.metadata_log_dir.clone());
        }
        let looked = paths.iter().map(|path| look(disk, path)).collect::<Result<Vec<_>, LogFault>>()?;
        let identity = |looked: &Option<Looked>| looked.as_ref().and_then(|looked| looked.identity.clone());
        let cluster_id = match looked.iter().find_map(identity) {
            Some(found) => found.cluster_id,
            None => new_cluster_id(config, clock),
        };
        if let Some(asked) = config.cluster_id.as_deref().filter(|asked| **asked != *cluster_id.0) {
            tracing::warn!(%asked, kept = %cluster_id, "klamm.cluster.id is for empty log directories: these keep the id they have");
        }
        for (path, looked) in paths.iter().zip(&looked) {
            if let Some(found) = identity(looked) {
                check_owner(path, &found, &cluster_id, config.node_id)?;
            }
        }
        check_metadata(&config.metadata_log_dir, paths.iter().zip(&looked))?;
        let mut ids: HashMap<PathBuf, DirectoryId> = HashMap::new();
        let mut locks = Vec::with_capacity(paths.len());
        for (path, looked) in paths.iter().zip(looked) {
            let Looked { identity, lock, .. } = match looked {
                Some(looked) => looked,
                None => make(disk, path)?,
            };
            locks.push(lock);
            let id = match identity.and_then(|identity| identity.directory_id) {
                Some(id) => id,
                None => format(disk, clock, path, &cluster_id, config.node_id)?,
            };
            ids.insert(path.clone(), id);
        }
        let log_directories = config.log_dirs.iter().map(|path| {
            let id = ids.get(path.as_path()).copied().unwrap_or_default();
            Ok(OpenDirectory { path: path.clone(), id, found: last_run(disk, path)? })
        });
        Ok(Self {
            log_directories: log_directories.collect::<Result<_, LogFault>>()?,
            cluster_id,
            metadata_directory: config.metadata_log_dir.clone(),
            metadata_directory_id: ids.get(config.metadata_log_dir.as_path()).copied().unwrap_or_default(),
            locks,
        })
    }
}

fn new_cluster_id(config: &ServerConfig, clock: &dyn Clock) -> ClusterId {
    let random = || DirectoryId::from_random(|| clock.random()).to_string();
    ClusterId(config.cluster_id.clone().unwrap_or_else(random).into())
}

/// A directory that is there, and locked.
struct Looked {
    /// `None` if it has not been formatted.
    identity: Option<MetaProperties>,
    partitions: Vec<PartitionDirectory>,
    lock: Box<dyn DirectoryLock>,
}

/// Looks at a directory without changing it, but for its lock file; `None` if there is none. One with foreign contents is refused.
fn look(disk: &dyn Disk, path: &Path) -> Result<Option<Looked>, LogFault> {
    let exists = disk.exists(path).map_err(|error| LogFault::io(path, "open", error))?;
    if !exists {
        return Ok(None);
    }
    let partitions = list_partitions(disk, path)?;
    let identity = read_meta_properties(disk, path)?;
    if identity.is_none() && !partitions.is_empty() {
        let problem = format!(
            "the directory holds {} partitions and no meta.properties: somebody's data, not a new node's",
            partitions.len()
        );
        return Err(LogFault::corrupt(path, problem));
    }
    Ok(Some(Looked { identity, partitions, lock: lock(disk, path)? }))
}

/// Refuses partitions without the metadata that knows them: the node would take itself for new, and set them aside.
fn check_metadata<'a>(
    metadata_directory: &Path,
    directories: impl Iterator<Item = (&'a PathBuf, &'a Option<Looked>)> + Clone,
) -> Result<(), LogFault> {
    let holding = |metadata: bool| {
        let is_wanted = move |found: &PartitionDirectory| {
            found.state == PartitionState::Live && (found.partition.topic.as_str() == METADATA_TOPIC) == metadata
        };
        let looked = directories.clone().filter_map(|(path, looked)| Some((path, looked.as_ref()?)));
        looked.filter(move |(_, looked)| looked.partitions.iter().any(is_wanted)).map(|(path, _)| path)
    };
    let has_metadata = holding(true).any(|path| path == metadata_directory);
    match holding(false).next().filter(|_| !has_metadata) {
        None => Ok(()),
        Some(path) => {
            let problem = format!("the metadata log is not here, and {} holds partitions that only it knows", path.display());
            Err(LogFault::corrupt(&metadata_directory.join(format!("{METADATA_TOPIC}-0")), problem))
        }
    }
}

/// Makes a directory that is not there yet.
fn make(disk: &dyn Disk, path: &Path) -> Result<Looked, LogFault> {
    make_durably(disk, path).map_err(|error| LogFault::io(path, "create", error))?;
    Ok(Looked { identity: None, partitions: Vec::new(), lock: lock(disk, path)? })
}

/// Makes a directory and its missing parents, the entry of each durable before anything is made below it. The entry of one that is there
/// may still be at risk: a crash can have come between making it and this.
fn make_durably(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    let Some(parent) = path.parent() else { return Ok(()) };
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    let was_there = disk.exists(path)?;
    if !was_there {
        make_durably(disk, parent)?;
        disk.create_directory(path)?;
    }
    match disk.sync_directory(parent) {
        // A directory that we may not read is one that somebody else prepares for us.
        Err(error) if was_there && error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        synced => synced,
    }
}

/// Makes the directory one of this cluster and node.
fn format(
    disk: &dyn Disk,
    clock: &dyn Clock,
    path: &Path,
    cluster_id: &ClusterId,
    node_id: NodeId,
) -> Result<DirectoryId, LogFault> {
    make_durably(disk, path).map_err(|error| LogFault::io(path, "sync the entry of", error))?;
    let directory_id = DirectoryId::from_random(|| clock.random());
    let properties = MetaProperties { cluster_id: cluster_id.clone(), node_id, directory_id: Some(directory_id) };
    write_meta_properties(disk, path, &properties)?;
    Ok(directory_id)
}

/// What the last run left; takes away its mark of a clean stop, and what waited to be removed.
fn last_run(disk: &dyn Disk, path: &Path) -> Result<Found, LogFault> {
    let found = Found {
        clean_shutdown: read_clean_shutdown(disk, path)?.is_some(),
        recovery_points: read_offsets(disk, path, RECOVERY_POINT)?.into_iter().collect(),
        log_starts: read_offsets(disk, path, LOG_START_OFFSET)?.into_iter().collect(),
    };
    remove_clean_shutdown(disk, path)?;
    for directory in list_partitions(disk, path)? {
        if directory.state == PartitionState::Deleted {
            let gone = path.join(&directory.name);
            disk.remove_directory(&gone).map_err(|error| LogFault::io(&gone, "remove", error))?;
        }
    }
    Ok(found)
}

/// Renames a partition's directory that is not this topic's (any more): kept for a person to look at, as `-stray`.
pub(super) fn set_aside(disk: &dyn Disk, directory: &Path, name: &str, unique: u64) -> Result<(), LogFault> {
    let from = directory.join(name);
    let to = directory.join(format!("{name}.{unique:032x}-stray"));
    tracing::warn!(from = %from.display(), to = %to.display(), "set aside: the cluster's metadata does not know this partition");
    disk.rename(&from, &to).and_then(|()| disk.sync_directory(directory)).map_err(|error| LogFault::io(&from, "set aside", error))
}
