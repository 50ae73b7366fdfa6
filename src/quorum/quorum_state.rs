//! Two small files beside the log: the vote, as Kafka keeps it, and how far the log was known to be committed.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::QuorumFault;
use super::engine::{LogId, Vote, engine_id, epoch_of_term, node_id};
use crate::seams::{Disk, File, OpenMode, replace_file};
use crate::types::{DirectoryId, LeaderEpoch, NodeId};

const STATE_FILE: &str = "quorum-state";
const COMMITTED_FILE: &str = "klamm-committed";
/// Term, index, CRC-32C of the two.
const COMMITTED_LENGTH: usize = 20;

/// QuorumStateData.json, version 1; -1 and the nil id stand for nobody.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct QuorumStateData {
    leader_id: i32,
    leader_epoch: i32,
    voted_id: i32,
    voted_directory_id: String,
    #[serde(rename = "data_version")]
    data_version: i16,
}

/// Reads the vote; `None` before the first. A voter of Kafka's that knew an epoch but voted for nobody in it counts as
/// having voted for itself (`own_id`): it then gives that epoch to nobody else.
///
/// # Errors
/// What the disk reports; a file that is not Kafka's.
pub(super) fn read_vote(disk: &dyn Disk, directory: &Path, own_id: NodeId) -> Result<Option<Vote>, QuorumFault> {
    let path = directory.join(STATE_FILE);
    let read = || {
        let file = match disk.open(&path, OpenMode::Read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let length = usize::try_from(file.length()?).unwrap_or(usize::MAX).min(1 << 16);
        let mut bytes = Vec::new();
        file.read_at(0, length, &mut bytes)?;
        Ok(Some(bytes))
    };
    let Some(bytes) = read().map_err(|source| QuorumFault::Io { path: path.clone(), action: "read", source })? else {
        return Ok(None);
    };
    let corrupt = |problem: String| QuorumFault::Corrupt { path: path.clone(), problem };
    let state: QuorumStateData = serde_json::from_slice(&bytes).map_err(|error| corrupt(error.to_string()))?;
    let term = u64::try_from(state.leader_epoch).map_err(|_| corrupt(format!("epoch {} is negative", state.leader_epoch)))?;
    let known = [state.leader_id, state.voted_id].into_iter().find(|id| *id >= 0);
    let voted_for = engine_id(known.map_or(own_id, NodeId));
    let vote = if state.leader_id >= 0 { Vote::new_committed(term, voted_for) } else { Vote::new(term, voted_for) };
    Ok(Some(vote))
}

/// Writes the vote as one atomic, durable fact. `voted_directory` is the directory of the voter it is for, if known. Blocks.
///
/// # Errors
/// What the disk reports.
pub(super) fn write_vote(disk: &dyn Disk, directory: &Path, vote: &Vote, voted_directory: DirectoryId) -> io::Result<()> {
    let voted_for = node_id(vote.leader_id.voted_for).0;
    let LeaderEpoch(leader_epoch) = epoch_of_term(vote.leader_id.term);
    let state = QuorumStateData {
        leader_id: if vote.committed { voted_for } else { -1 },
        leader_epoch,
        voted_id: voted_for,
        voted_directory_id: voted_directory.to_string(),
        data_version: 1,
    };
    replace_file(disk, &directory.join(STATE_FILE), serde_json::to_string(&state).map_err(io::Error::other)?.as_bytes())
}

/// The file that says how far the log was committed, overwritten in place and never synced: after a crash it may say less.
#[derive(Debug)]
pub(super) struct CommittedFile(Arc<dyn File>);

impl CommittedFile {
    /// Opens or makes the file, and reads what it says, if that is whole.
    ///
    /// # Errors
    /// What the disk reports.
    pub(super) fn open(disk: &dyn Disk, directory: &Path) -> Result<(Self, Option<LogId>), QuorumFault> {
        let path: PathBuf = directory.join(COMMITTED_FILE);
        let mut bytes = Vec::with_capacity(COMMITTED_LENGTH);
        let file = disk
            .open(&path, OpenMode::CreateOrOpen)
            .and_then(|file| file.read_at(0, COMMITTED_LENGTH, &mut bytes).map(|_| file))
            .map_err(|source| QuorumFault::Io { path, action: "open", source })?;
        Ok((Self(file), Self::decode(&bytes)))
    }

    pub(super) fn write(&self, committed: LogId) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(COMMITTED_LENGTH);
        bytes.extend(committed.leader_id.to_be_bytes());
        bytes.extend(committed.index.to_be_bytes());
        bytes.extend(crc32c::crc32c(&bytes).to_be_bytes());
        self.0.write_at(0, &bytes)
    }

    fn decode(bytes: &[u8]) -> Option<LogId> {
        let (term, rest) = bytes.split_first_chunk::<8>()?;
        let (index, crc) = rest.split_first_chunk::<8>()?;
        let expected = crc32c::crc32c(&[*term, *index].concat()).to_be_bytes();
        (crc == expected).then(|| LogId { leader_id: u64::from_be_bytes(*term).into(), index: u64::from_be_bytes(*index) })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::disk::RealDisk;

    #[test]
    fn the_vote_is_written_as_kafka_writes_it() {
        let root = tempfile::tempdir().unwrap();
        let disk = RealDisk;
        let own = NodeId(3);
        assert_eq!(read_vote(&disk, root.path(), own).unwrap(), None);
        let directory = DirectoryId(uuid::Uuid::from_u128(1));
        for (vote, leader) in [(Vote::new(7, 2), -1), (Vote::new_committed(8, 2), 2)] {
            write_vote(&disk, root.path(), &vote, directory).unwrap();
            assert_eq!(read_vote(&disk, root.path(), own).unwrap(), Some(vote));
            let text = std::fs::read_to_string(root.path().join(STATE_FILE)).unwrap();
            let epoch = vote.leader_id.term;
            let expected = format!(
                r#"{{"leaderId":{leader},"leaderEpoch":{epoch},"votedId":2,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAQ","data_version":1}}"#
            );
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn kafkas_files_are_read_and_others_refused() {
        let root = tempfile::tempdir().unwrap();
        let disk = RealDisk;
        let read = |text: &str| {
            std::fs::write(root.path().join(STATE_FILE), text).unwrap();
            read_vote(&disk, root.path(), NodeId(3))
        };
        // As Kafka 4.3 wrote it for a follower, and for a voter that has seen an epoch and voted for nobody.
        let follower =
            r#"{"leaderId":1,"leaderEpoch":1,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1}"#;
        assert_eq!(read(follower).unwrap(), Some(Vote::new_committed(1, 1)));
        assert_eq!(read(&follower.replace("\"leaderId\":1", "\"leaderId\":-1")).unwrap(), Some(Vote::new(1, 3)));
        for text in ["", "{}", &follower.replace("\"leaderEpoch\":1", "\"leaderEpoch\":-1")] {
            assert!(matches!(read(text), Err(QuorumFault::Corrupt { .. })), "{text}");
        }
    }

    #[test]
    fn a_damaged_committed_file_says_nothing() {
        let root = tempfile::tempdir().unwrap();
        let disk = RealDisk;
        let (file, nothing) = CommittedFile::open(&disk, root.path()).unwrap();
        assert_eq!(nothing, None);
        let committed = LogId { leader_id: 3.into(), index: 17 };
        file.write(committed).unwrap();
        assert_eq!(CommittedFile::open(&disk, root.path()).unwrap().1, Some(committed));
        file.0.write_at(9, &[1]).unwrap();
        assert_eq!(CommittedFile::open(&disk, root.path()).unwrap().1, None);
    }
}
