//! Directories and the files in them, as programs see them and as the device has them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::{Component, Path};

use super::content::Content;
use crate::seams::Random;

pub(super) type InodeId = u64;

const ROOT: InodeId = 0;

/// A name in a directory.
type Place = (InodeId, String);

#[derive(Clone, Debug)]
enum Inode {
    File(Content),
    Directory(Directory),
}

#[derive(Clone, Default, Debug)]
struct Directory {
    current: BTreeMap<String, InodeId>,
    device: BTreeMap<String, InodeId>,
}

/// A change of directories that no directory sync has brought to the device yet.
#[derive(Clone, Debug)]
enum Change {
    Link {
        place: Place,
        inode: InodeId,
    },
    Unlink {
        place: Place,
        inode: InodeId,
    },
    /// Atomic: after a crash the inode has its old name or its new one, and what it replaced is there or replaced.
    Rename {
        from: Place,
        to: Place,
        inode: InodeId,
    },
}

/// The whole tree.
///
/// A crash keeps any set of pending changes that holds, with a change, every earlier change of the same names: changes of
/// unrelated names may pass each other, which is less than POSIX allows and more than journaling file systems do. A sync of a
/// directory brings that directory's changes to the device, and the earlier changes that they build on. Syncing a file does
/// not make its name durable, and a directory whose own name is lost takes its files with it.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    inodes: BTreeMap<InodeId, Inode>,
    pending: Vec<Change>,
    next_inode: InodeId,
    /// How many handles each open file has; its content outlives its name.
    handles: BTreeMap<InodeId, usize>,
}

impl Change {
    fn places(&self) -> impl Iterator<Item = &Place> {
        match self {
            Self::Link { place, .. } | Self::Unlink { place, .. } => [Some(place), None],
            Self::Rename { from, to, .. } => [Some(from), Some(to)],
        }
        .into_iter()
        .flatten()
    }

    fn inode(&self) -> InodeId {
        match self {
            Self::Link { inode, .. } | Self::Unlink { inode, .. } | Self::Rename { inode, .. } => *inode,
        }
    }
}

impl Tree {
    pub(super) fn new() -> Self {
        let inodes = BTreeMap::from([(ROOT, Inode::Directory(Directory::default()))]);
        Self { inodes, pending: Vec::new(), next_inode: ROOT + 1, handles: BTreeMap::new() }
    }

    /// The inode that a path names.
    pub(super) fn resolve(&self, path: &Path) -> io::Result<InodeId> {
        names(path)?.into_iter().try_fold(ROOT, |inode, name| {
            self.directory(inode)?.current.get(name).copied().ok_or_else(|| ErrorKind::NotFound.into())
        })
    }

    pub(super) fn is_directory(&self, inode: InodeId) -> bool {
        self.directory(inode).is_ok()
    }

    /// `IsADirectory` if it is one.
    pub(super) fn content(&mut self, inode: InodeId) -> io::Result<&mut Content> {
        match self.inodes.get_mut(&inode) {
            Some(Inode::File(content)) => Ok(content),
            Some(Inode::Directory(_)) => Err(ErrorKind::IsADirectory.into()),
            None => Err(ErrorKind::NotFound.into()),
        }
    }

    /// Name, whether a directory, and length, sorted by name.
    pub(super) fn list(&self, directory: InodeId) -> io::Result<Vec<(String, bool, usize)>> {
        let entries = self.directory(directory)?.current.iter();
        let describe = |(name, inode): (&String, &InodeId)| match self.inodes.get(inode) {
            Some(Inode::File(content)) => (name.clone(), false, content.length()),
            Some(Inode::Directory(_)) | None => (name.clone(), true, 0),
        };
        Ok(entries.map(describe).collect())
    }

    pub(super) fn create_file(&mut self, path: &Path) -> io::Result<InodeId> {
        let place = self.place(path)?;
        if self.at(&place).is_some() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        Ok(self.link(place, Inode::File(Content::default())))
    }

    pub(super) fn create_directories(&mut self, path: &Path) -> io::Result<()> {
        let mut directory = ROOT;
        for name in names(path)? {
            directory = match self.directory(directory)?.current.get(name) {
                Some(there) => *there,
                None => self.link((directory, name.to_owned()), Inode::Directory(Directory::default())),
            };
        }
        self.directory(directory).map(drop)
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let inode = self.resolve(from)?;
        let (from_place, to_place) = (self.place(from)?, self.place(to)?);
        if from_place == to_place {
            return Ok(());
        }
        if names(to)?.starts_with(&names(from)?) {
            return Err(ErrorKind::InvalidInput.into());
        }
        if let Some(replaced) = self.at(&to_place) {
            match (self.is_directory(inode), self.is_directory(replaced)) {
                (false, false) => {}
                (false, true) => return Err(ErrorKind::IsADirectory.into()),
                (true, false) => return Err(ErrorKind::NotADirectory.into()),
                (true, true) => return Err(ErrorKind::DirectoryNotEmpty.into()),
            }
        }
        self.current(from_place.0).remove(&from_place.1);
        self.current(to_place.0).insert(to_place.1.clone(), inode);
        self.pending.push(Change::Rename { from: from_place, to: to_place, inode });
        Ok(())
    }

    pub(super) fn remove_file(&mut self, path: &Path) -> io::Result<()> {
        let inode = self.resolve(path)?;
        self.content(inode)?;
        let place = self.place(path)?;
        self.unlink(place, inode);
        Ok(())
    }

    /// File by file, as a program does it, so that a crash may leave a part.
    pub(super) fn remove_directory(&mut self, path: &Path) -> io::Result<()> {
        let inode = self.resolve(path)?;
        self.directory(inode)?;
        let place = self.place(path)?;
        self.unlink_all_below(inode);
        self.unlink(place, inode);
        Ok(())
    }

    pub(super) fn sync_directory(&mut self, directory: InodeId) -> io::Result<()> {
        self.directory(directory)?;
        self.persist(|change| change.places().any(|place| place.0 == directory));
        self.forget_unreachable();
        Ok(())
    }

    pub(super) fn opened(&mut self, inode: InodeId) {
        *self.handles.entry(inode).or_default() += 1;
    }

    pub(super) fn closed(&mut self, inode: InodeId) {
        if let Some(count) = self.handles.get_mut(&inode) {
            *count -= 1;
        }
        self.handles.retain(|_, count| *count > 0);
    }

    /// How many handles there are.
    pub(super) fn open_handles(&self) -> usize {
        self.handles.values().sum()
    }

    /// A copy without the handles, which stay with the original.
    pub(super) fn fork(&self) -> Self {
        Self { handles: BTreeMap::new(), ..self.clone() }
    }

    /// Sum of the lengths of all files that have a name.
    pub(super) fn used(&self) -> u64 {
        let directories = self.inodes.values().filter_map(|inode| match inode {
            Inode::Directory(directory) => Some(directory),
            Inode::File(_) => None,
        });
        let linked = directories.flat_map(|directory| directory.current.values());
        linked
            .map(|inode| if let Some(Inode::File(content)) = self.inodes.get(inode) { content.length() as u64 } else { 0 })
            .sum()
    }

    /// The power is gone. How much of what was not synced survives is drawn for files and for directories apart, with nothing
    /// and everything among the likely draws.
    pub(super) fn crash(&mut self, random: &mut Random) {
        let kept = share(random);
        if random.chance(50) {
            let prefix = random.below(self.pending.len() as u64 + 1);
            let mut position = 0;
            self.persist(|_| (position < prefix, position += 1).0);
        } else {
            self.persist(|_| random.chance(kept));
        }
        self.pending.clear();
        self.handles.clear();
        let kept = share(random);
        for inode in self.inodes.values_mut() {
            match inode {
                Inode::File(content) => content.crash(kept, random),
                Inode::Directory(directory) => directory.current.clone_from(&directory.device),
            }
        }
        self.forget_unreachable();
    }

    /// Brings to the device the pending changes that are `chosen`, and the earlier ones that they build on.
    fn persist(&mut self, mut chosen: impl FnMut(&Change) -> bool) {
        let mut wanted: Vec<bool> = self.pending.iter().map(&mut chosen).collect();
        let mut touched = BTreeSet::new();
        for (change, wanted) in self.pending.iter().zip(&mut wanted).rev() {
            *wanted |= change.places().any(|place| touched.contains(place));
            if *wanted {
                touched.extend(change.places());
            }
        }
        let mut wanted = wanted.into_iter();
        let changes = std::mem::take(&mut self.pending);
        let (now, later): (Vec<_>, Vec<_>) = changes.into_iter().partition(|_| wanted.next().unwrap_or(false));
        self.pending = later;
        for change in now {
            match change {
                Change::Link { place, inode } => drop(self.device(place.0).insert(place.1, inode)),
                Change::Unlink { place, .. } => drop(self.device(place.0).remove(&place.1)),
                Change::Rename { from, to, inode } => {
                    self.device(from.0).remove(&from.1);
                    self.device(to.0).insert(to.1, inode);
                }
            }
        }
    }

    /// Frees what neither a name, nor a pending change, nor a handle can bring back.
    fn forget_unreachable(&mut self) {
        let mut reachable = BTreeSet::new();
        let mut unvisited: Vec<InodeId> = vec![ROOT];
        unvisited.extend(self.handles.keys());
        unvisited.extend(self.pending.iter().map(Change::inode));
        unvisited.extend(self.pending.iter().flat_map(Change::places).map(|place| place.0));
        while let Some(inode) = unvisited.pop() {
            if reachable.insert(inode)
                && let Some(Inode::Directory(directory)) = self.inodes.get(&inode)
            {
                unvisited.extend(directory.current.values().chain(directory.device.values()));
            }
        }
        self.inodes.retain(|inode, _| reachable.contains(inode));
    }

    fn unlink_all_below(&mut self, directory: InodeId) {
        let entries: Vec<_> = self.current(directory).iter().map(|(name, inode)| (name.clone(), *inode)).collect();
        for (name, inode) in entries {
            if self.is_directory(inode) {
                self.unlink_all_below(inode);
            }
            self.unlink((directory, name), inode);
        }
    }

    fn link(&mut self, place: Place, inode: Inode) -> InodeId {
        let id = self.next_inode;
        self.next_inode += 1;
        self.inodes.insert(id, inode);
        self.current(place.0).insert(place.1.clone(), id);
        self.pending.push(Change::Link { place, inode: id });
        id
    }

    fn unlink(&mut self, place: Place, inode: InodeId) {
        self.current(place.0).remove(&place.1);
        self.pending.push(Change::Unlink { place, inode });
    }

    fn at(&self, place: &Place) -> Option<InodeId> {
        self.directory(place.0).ok()?.current.get(&place.1).copied()
    }

    /// The directory that holds a path's last name, and that name.
    fn place(&self, path: &Path) -> io::Result<Place> {
        let name = *names(path)?.last().ok_or(ErrorKind::InvalidInput)?;
        let directory = self.resolve(path.parent().unwrap_or(Path::new("")))?;
        self.directory(directory)?;
        Ok((directory, name.to_owned()))
    }

    fn directory(&self, inode: InodeId) -> io::Result<&Directory> {
        match self.inodes.get(&inode) {
            Some(Inode::Directory(directory)) => Ok(directory),
            Some(Inode::File(_)) => Err(ErrorKind::NotADirectory.into()),
            None => Err(ErrorKind::NotFound.into()),
        }
    }

    fn current(&mut self, inode: InodeId) -> &mut BTreeMap<String, InodeId> {
        &mut self.directory_mut(inode).current
    }

    fn device(&mut self, inode: InodeId) -> &mut BTreeMap<String, InodeId> {
        &mut self.directory_mut(inode).device
    }

    fn directory_mut(&mut self, inode: InodeId) -> &mut Directory {
        match self.inodes.get_mut(&inode) {
            Some(Inode::Directory(directory)) => directory,
            Some(Inode::File(_)) | None => unreachable!("a place is in a directory, and pending changes keep theirs alive"),
        }
    }
}

/// The names from the root to a path; relative paths start there too.
fn names(path: &Path) -> io::Result<Vec<&str>> {
    let mut names = Vec::new();
    for component in path.components() {
        match component {
            Component::RootDir | Component::CurDir => {}
            Component::Normal(name) => names.push(name.to_str().ok_or(ErrorKind::InvalidInput)?),
            Component::ParentDir | Component::Prefix(_) => return Err(ErrorKind::InvalidInput.into()),
        }
    }
    Ok(names)
}

/// Per cent of what may be lost that is kept.
fn share(random: &mut Random) -> u64 {
    match random.below(4) {
        0 => 0,
        1 => 100,
        2 => 50,
        _ => random.below(101),
    }
}
