//! A disk in memory that can be full, fail, and lose any subset of what was not synced.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::seams::{DirectoryEntry, DirectoryLock, Disk, File, OpenMode};

const SECTOR: usize = 512;

#[derive(Debug, Default)]
pub(crate) struct TestDisk {
    state: Mutex<State>,
    pub(crate) controls: Arc<Controls>,
}

#[derive(Debug)]
pub(crate) struct Controls {
    /// Bytes by which files may still grow.
    pub(crate) free: AtomicI64,
    pub(crate) fail_writes: AtomicBool,
    pub(crate) fail_syncs: AtomicBool,
    pub(crate) nothing_cached: AtomicBool,
    pub(crate) opened: AtomicU64,
    pub(crate) open_now: AtomicI64,
    pub(crate) syncs: AtomicU64,
    /// Calls that change something until the power fails: from then on all of them do.
    pub(crate) calls_left: AtomicI64,
}

impl Controls {
    fn change(&self) -> io::Result<()> {
        let is_on = self.calls_left.fetch_sub(1, Ordering::SeqCst) > 0;
        if is_on { Ok(()) } else { Err(io::Error::other("the power has failed")) }
    }
}

impl Default for Controls {
    fn default() -> Self {
        Self {
            free: AtomicI64::new(1 << 40),
            fail_writes: AtomicBool::new(false),
            fail_syncs: AtomicBool::new(false),
            nothing_cached: AtomicBool::new(false),
            opened: AtomicU64::new(0),
            open_now: AtomicI64::new(0),
            syncs: AtomicU64::new(0),
            calls_left: AtomicI64::new(i64::MAX),
        }
    }
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<PathBuf, Arc<Content>>,
    durable: BTreeMap<PathBuf, Arc<Content>>,
    directories: BTreeSet<PathBuf>,
    durable_directories: BTreeSet<PathBuf>,
}

#[derive(Debug, Default)]
struct Content {
    bytes: Mutex<Vec<u8>>,
    durable: Mutex<Vec<u8>>,
}

#[derive(Debug)]
struct TestFile {
    content: Arc<Content>,
    controls: Arc<Controls>,
}

/// A small generator: enough to choose what a crash loses.
pub(crate) struct Choices(pub(crate) u64);

impl Choices {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn coin(&mut self) -> bool {
        self.next() & 1 == 0
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

impl Content {
    /// Per sector either what was synced or what was written since; the length likewise.
    fn after_crash(&self, choices: &mut Choices) -> Vec<u8> {
        let (new, old) = (self.bytes.lock().unwrap(), self.durable.lock().unwrap());
        let length = if choices.coin() { new.len() } else { old.len() };
        let mut bytes = vec![0; length];
        for start in (0..length).step_by(SECTOR) {
            let from: &[u8] = if choices.coin() { &new } else { &old };
            let end = (start + SECTOR).min(length).min(from.len());
            if start < end {
                bytes[start..end].copy_from_slice(&from[start..end]);
            }
        }
        bytes
    }
}

impl TestDisk {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// What stands on the disk after the power failed.
    pub(crate) fn crash(&self, choices: &mut Choices) -> Arc<Self> {
        let state = self.state.lock().unwrap();
        let mut after = State::default();
        for directory in state.directories.union(&state.durable_directories) {
            if state.durable_directories.contains(directory) || choices.coin() {
                after.directories.insert(directory.clone());
            }
        }
        let paths: BTreeSet<_> = state.files.keys().chain(state.durable.keys()).collect();
        for path in paths {
            let (new, old) = (state.files.get(path), state.durable.get(path));
            let chosen = if choices.coin() { new } else { old };
            if let Some(content) = chosen.filter(|_| path.parent().is_some_and(|parent| after.directories.contains(parent))) {
                let bytes = content.after_crash(choices);
                let content = Arc::new(Content { durable: Mutex::new(bytes.clone()), bytes: Mutex::new(bytes) });
                after.files.insert(path.clone(), content);
            }
        }
        after.durable = after.files.clone();
        after.durable_directories = after.directories.clone();
        Arc::new(Self { state: Mutex::new(after), controls: Arc::default() })
    }

    /// A copy: what a process finds that starts after another was killed.
    pub(crate) fn kill(&self) -> Arc<Self> {
        let state = self.state.lock().unwrap();
        let mut copies: BTreeMap<*const Content, Arc<Content>> = BTreeMap::new();
        let mut copy = |files: &BTreeMap<PathBuf, Arc<Content>>| -> BTreeMap<PathBuf, Arc<Content>> {
            let copied = files.iter().map(|(path, content)| {
                let bytes = Mutex::new(content.bytes.lock().unwrap().clone());
                let durable = Mutex::new(content.durable.lock().unwrap().clone());
                let copied = copies.entry(Arc::as_ptr(content)).or_insert_with(|| Arc::new(Content { bytes, durable }));
                (path.clone(), copied.clone())
            });
            copied.collect()
        };
        let copy = State {
            files: copy(&state.files),
            durable: copy(&state.durable),
            directories: state.directories.clone(),
            durable_directories: state.durable_directories.clone(),
        };
        Arc::new(Self { state: Mutex::new(copy), controls: Arc::default() })
    }

    pub(crate) fn names(&self, directory: &Path) -> Vec<String> {
        self.read_directory(directory).unwrap().into_iter().map(|entry| entry.name).collect()
    }

    pub(crate) fn contents(&self, path: &Path) -> Vec<u8> {
        let state = self.state.lock().unwrap();
        state.files.get(path).unwrap_or_else(|| panic!("{} is missing", path.display())).bytes.lock().unwrap().clone()
    }

    /// Puts a durable file there.
    pub(crate) fn put(&self, path: &Path, bytes: &[u8]) {
        let mut state = self.state.lock().unwrap();
        let content = Arc::new(Content { bytes: Mutex::new(bytes.to_vec()), durable: Mutex::new(bytes.to_vec()) });
        state.directories.extend(path.parent().unwrap().ancestors().map(Path::to_owned));
        state.durable_directories = state.directories.clone();
        state.files.insert(path.to_owned(), content.clone());
        state.durable.insert(path.to_owned(), content);
    }
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl Disk for TestDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let mut state = self.state.lock().unwrap();
        let content = match (mode, state.files.get(path)) {
            (OpenMode::CreateNew, Some(_)) => return Err(io::ErrorKind::AlreadyExists.into()),
            (_, Some(content)) => content.clone(),
            (OpenMode::Read | OpenMode::ReadWrite, None) => return Err(not_found()),
            (OpenMode::CreateNew | OpenMode::CreateOrOpen, None) => {
                self.controls.change()?;
                if self.controls.free.load(Ordering::SeqCst) <= 0 {
                    return Err(io::ErrorKind::StorageFull.into());
                }
                let content = Arc::new(Content::default());
                state.files.insert(path.to_owned(), content.clone());
                content
            }
        };
        self.controls.opened.fetch_add(1, Ordering::SeqCst);
        self.controls.open_now.fetch_add(1, Ordering::SeqCst);
        Ok(Arc::new(TestFile { content, controls: self.controls.clone() }))
    }

    fn read_directory(&self, path: &Path) -> io::Result<Vec<DirectoryEntry>> {
        let state = self.state.lock().unwrap();
        if !state.directories.contains(path) {
            return Err(not_found());
        }
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        let files = state.files.iter().filter(|(file, _)| file.parent() == Some(path));
        let length = |content: &Content| content.bytes.lock().unwrap().len() as u64;
        let files = files.map(|(at, file)| DirectoryEntry { name: name(at), is_directory: false, length: length(file) });
        let directories = state.directories.iter().filter(|directory| directory.parent() == Some(path));
        let directories = directories.map(|at| DirectoryEntry { name: name(at), is_directory: true, length: 0 });
        let mut entries: Vec<_> = files.chain(directories).collect();
        entries.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(entries)
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        self.controls.change()?;
        self.state.lock().unwrap().directories.extend(path.ancestors().map(Path::to_owned));
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.controls.change()?;
        let mut state = self.state.lock().unwrap();
        let file = state.files.remove(from).ok_or_else(not_found)?;
        state.files.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.controls.change()?;
        self.state.lock().unwrap().files.remove(path).map(drop).ok_or_else(not_found)
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        state.files.retain(|file, _| !file.starts_with(path));
        state.directories.retain(|directory| !directory.starts_with(path));
        Ok(())
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.controls.change()?;
        if self.controls.fail_syncs.load(Ordering::SeqCst) {
            return Err(io::Error::other("the disk failed to sync"));
        }
        let mut state = self.state.lock().unwrap();
        let State { files, durable, directories, durable_directories } = &mut *state;
        durable.retain(|file, _| file.parent() != Some(path));
        durable.extend(files.iter().filter(|(file, _)| file.parent() == Some(path)).map(|(at, file)| (at.clone(), file.clone())));
        durable_directories.extend(path.ancestors().map(Path::to_owned));
        durable_directories.extend(directories.iter().filter(|directory| directory.parent() == Some(path)).cloned());
        Ok(())
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        let state = self.state.lock().unwrap();
        Ok(state.files.contains_key(path) || state.directories.contains(path))
    }

    fn lock(&self, _: &Path) -> io::Result<Box<dyn DirectoryLock>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn available_bytes(&self, _: &Path) -> io::Result<u64> {
        Ok(1 << 40)
    }
}

impl Drop for TestFile {
    fn drop(&mut self) {
        self.controls.open_now.fetch_sub(1, Ordering::SeqCst);
    }
}

impl File for TestFile {
    fn read_at(&self, position: u64, length: usize, into: &mut Vec<u8>) -> io::Result<usize> {
        let bytes = self.content.bytes.lock().unwrap();
        let start = (position as usize).min(bytes.len());
        let end = start.saturating_add(length).min(bytes.len());
        into.extend_from_slice(&bytes[start..end]);
        Ok(end - start)
    }

    fn read_if_cached(&self, position: u64, length: usize, into: &mut Vec<u8>) -> io::Result<Option<usize>> {
        if self.controls.nothing_cached.load(Ordering::SeqCst) {
            return Ok(None);
        }
        self.read_at(position, length, into).map(Some)
    }

    fn write_at(&self, position: u64, new: &[u8]) -> io::Result<()> {
        if self.controls.fail_writes.load(Ordering::SeqCst) {
            return Err(io::Error::other("the disk failed to write"));
        }
        // Of a write during which the power fails a part may come through: it is made in full and never synced.
        let powered = self.controls.change();
        let mut bytes = self.content.bytes.lock().unwrap();
        let position = position as usize;
        let growth = (position + new.len()).saturating_sub(bytes.len());
        let free = self.controls.free.load(Ordering::SeqCst).max(0) as usize;
        let fitting = new.len() - growth.saturating_sub(free).min(new.len());
        let end = position + fitting;
        if bytes.len() < end {
            self.controls.free.fetch_sub((end - bytes.len()) as i64, Ordering::SeqCst);
            bytes.resize(end, 0);
        }
        bytes[position..end].copy_from_slice(&new[..fitting]);
        if fitting < new.len() { Err(io::ErrorKind::StorageFull.into()) } else { powered }
    }

    fn sync(&self) -> io::Result<()> {
        self.controls.change()?;
        if self.controls.fail_syncs.load(Ordering::SeqCst) {
            return Err(io::Error::other("the disk failed to sync"));
        }
        self.controls.syncs.fetch_add(1, Ordering::SeqCst);
        *self.content.durable.lock().unwrap() = self.content.bytes.lock().unwrap().clone();
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.content.bytes.lock().unwrap().len() as u64)
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.controls.change()?;
        let mut bytes = self.content.bytes.lock().unwrap();
        self.controls.free.fetch_add(bytes.len() as i64 - length as i64, Ordering::SeqCst);
        bytes.resize(length as usize, 0);
        Ok(())
    }

    fn preallocate(&self, _: u64) -> io::Result<()> {
        Ok(())
    }
}
