//! What the Disk seam promises, put to every disk.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::ErrorKind;
use std::path::Path;

use crate::seams::{Disk, OpenMode, replace_file};

/// Puts every promise to `disk`, below the directory `root`, which need not exist.
pub(crate) fn conformance(disk: &dyn Disk, root: &Path) {
    directories(disk, &root.join("directories"));
    modes(disk, &root.join("modes"));
    content(disk, &root.join("content"));
    lengths(disk, &root.join("lengths"));
    renames(disk, &root.join("renames"));
    open_files_outlive_their_names(disk, &root.join("unlinked"));
    locks(disk, &root.join("locks"));
    replacement(disk, &root.join("replacement"));
}

fn kind<T: std::fmt::Debug>(result: std::io::Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}

fn names(disk: &dyn Disk, path: &Path) -> Vec<String> {
    disk.read_directory(path).unwrap().into_iter().map(|entry| entry.name).collect()
}

fn read_all(disk: &dyn Disk, path: &Path) -> Vec<u8> {
    let file = disk.open(path, OpenMode::Read).unwrap();
    let mut bytes = Vec::new();
    file.read_at(0, usize::try_from(file.length().unwrap()).unwrap() + 10, &mut bytes).unwrap();
    bytes
}

fn write_file(disk: &dyn Disk, path: &Path, bytes: &[u8]) {
    disk.open(path, OpenMode::CreateNew).unwrap().write_at(0, bytes).unwrap();
}

fn directories(disk: &dyn Disk, root: &Path) {
    let deep = root.join("one/two/three");
    assert!(!disk.exists(&deep).unwrap());
    assert_eq!(kind(disk.read_directory(&deep)), ErrorKind::NotFound);
    assert_eq!(kind(disk.sync_directory(&deep)), ErrorKind::NotFound);
    disk.create_directory(&deep).unwrap();
    disk.create_directory(&deep).unwrap();
    assert!(disk.exists(&deep).unwrap());
    write_file(disk, &deep.join("b"), b"12345");
    write_file(disk, &deep.join("a"), b"");
    disk.create_directory(&deep.join("c")).unwrap();
    let entries = disk.read_directory(&deep).unwrap();
    let seen: Vec<_> = entries.iter().map(|entry| (entry.name.as_str(), entry.is_directory, entry.length)).collect();
    assert_eq!(seen, [("a", false, 0), ("b", false, 5), ("c", true, 0)]);
    disk.sync_directory(&deep).unwrap();
    assert!(disk.create_directory(&deep.join("a")).is_err());
    assert_eq!(kind(disk.read_directory(&deep.join("a"))), ErrorKind::NotADirectory);
    assert_eq!(kind(disk.remove_file(&deep.join("c"))), ErrorKind::IsADirectory);
    assert_eq!(kind(disk.remove_file(&deep.join("d"))), ErrorKind::NotFound);
    assert_eq!(kind(disk.remove_directory(&deep.join("d"))), ErrorKind::NotFound);
    disk.remove_file(&deep.join("a")).unwrap();
    assert_eq!(names(disk, &deep), ["b", "c"]);
    disk.remove_directory(&root.join("one")).unwrap();
    assert!(names(disk, root).is_empty());
    let available = disk.available_bytes(root).unwrap();
    assert!(available > 0 && available <= disk.total_bytes(root).unwrap());
    assert_eq!(kind(disk.total_bytes(&root.join("missing"))), ErrorKind::NotFound);
}

fn modes(disk: &dyn Disk, root: &Path) {
    disk.create_directory(root).unwrap();
    let path = root.join("file");
    assert_eq!(kind(disk.open(&path, OpenMode::Read)), ErrorKind::NotFound);
    assert_eq!(kind(disk.open(&path, OpenMode::ReadWrite)), ErrorKind::NotFound);
    assert_eq!(kind(disk.open(&root.join("none/file"), OpenMode::CreateNew)), ErrorKind::NotFound);
    disk.open(&path, OpenMode::CreateNew).unwrap().write_at(0, b"kept").unwrap();
    assert_eq!(kind(disk.open(&path, OpenMode::CreateNew)), ErrorKind::AlreadyExists);
    assert_eq!(disk.open(&path, OpenMode::CreateOrOpen).unwrap().length().unwrap(), 4);
    disk.open(&path, OpenMode::ReadWrite).unwrap().write_at(1, b"i").unwrap();
    assert_eq!(read_all(disk, &path), b"kipt");
    let reader = disk.open(&path, OpenMode::Read).unwrap();
    assert!(reader.write_at(0, b"x").is_err());
    assert!(reader.set_length(0).is_err());
    assert_eq!(read_all(disk, &path), b"kipt");
    assert_eq!(kind(disk.open(root, OpenMode::Read)), ErrorKind::IsADirectory);
    assert_eq!(kind(disk.open(root, OpenMode::CreateOrOpen)), ErrorKind::IsADirectory);
    assert_eq!(kind(disk.open(&path.join("below"), OpenMode::Read)), ErrorKind::NotADirectory);
}

fn content(disk: &dyn Disk, root: &Path) {
    disk.create_directory(root).unwrap();
    let file = disk.open(&root.join("file"), OpenMode::CreateNew).unwrap();
    let pattern: Vec<u8> = (0..3_000u32).flat_map(u32::to_le_bytes).collect();
    file.write_at(0, &pattern).unwrap();
    for (position, length) in [(0, 12_000), (511, 2), (512, 512), (11_999, 1), (3, 0), (11_990, 500), (12_000, 5), (20_000, 5)] {
        let end = (position + length).min(pattern.len());
        let expected = pattern.get(position..end).unwrap_or_default();
        let mut bytes = b"before".to_vec();
        assert_eq!(file.read_at(position as u64, length, &mut bytes).unwrap(), expected.len());
        assert_eq!(bytes.strip_prefix(b"before").unwrap(), expected);
        let mut bytes = b"before".to_vec();
        if let Some(read) = file.read_if_cached(position as u64, length, &mut bytes).unwrap() {
            assert_eq!(read, expected.len());
            assert_eq!(bytes.strip_prefix(b"before").unwrap(), expected);
        } else {
            assert_eq!(bytes, b"before");
        }
    }
    file.write_at(1_000, b"overwritten").unwrap();
    file.write_at(5, b"").unwrap();
    file.sync().unwrap();
    let mut expected = pattern;
    expected.splice(1_000..1_011, *b"overwritten");
    assert_eq!(read_all(disk, &root.join("file")), expected);
}

fn lengths(disk: &dyn Disk, root: &Path) {
    disk.create_directory(root).unwrap();
    let path = root.join("file");
    let file = disk.open(&path, OpenMode::CreateNew).unwrap();
    file.preallocate(10_000).unwrap();
    file.preallocate(0).unwrap();
    assert_eq!(file.length().unwrap(), 0);
    file.write_at(600, b"end").unwrap();
    assert_eq!(file.length().unwrap(), 603);
    let mut expected = vec![0; 600];
    expected.extend_from_slice(b"end");
    assert_eq!(read_all(disk, &path), expected);
    file.set_length(601).unwrap();
    file.set_length(604).unwrap();
    expected.splice(601.., *b"\0\0\0");
    assert_eq!(read_all(disk, &path), expected);
    file.set_length(0).unwrap();
    file.sync().unwrap();
    assert_eq!(file.length().unwrap(), 0);
}

fn renames(disk: &dyn Disk, root: &Path) {
    disk.create_directory(&root.join("other")).unwrap();
    assert_eq!(kind(disk.rename(&root.join("a"), &root.join("b"))), ErrorKind::NotFound);
    write_file(disk, &root.join("a"), b"a");
    write_file(disk, &root.join("b"), b"b");
    let replaced = disk.open(&root.join("b"), OpenMode::Read).unwrap();
    disk.rename(&root.join("a"), &root.join("b")).unwrap();
    assert_eq!(names(disk, root), ["b", "other"]);
    assert_eq!(read_all(disk, &root.join("b")), b"a");
    let mut bytes = Vec::new();
    replaced.read_at(0, 1, &mut bytes).unwrap();
    assert_eq!(bytes, b"b");
    disk.rename(&root.join("b"), &root.join("other/c")).unwrap();
    disk.rename(&root.join("other"), &root.join("moved")).unwrap();
    assert_eq!(names(disk, root), ["moved"]);
    assert_eq!(read_all(disk, &root.join("moved/c")), b"a");
    assert!(disk.rename(&root.join("moved/c"), root).is_err());
    assert!(disk.rename(&root.join("moved"), &root.join("moved/c")).is_err());
    disk.rename(&root.join("moved/c"), &root.join("moved/c")).unwrap();
    assert_eq!(read_all(disk, &root.join("moved/c")), b"a");
}

fn open_files_outlive_their_names(disk: &dyn Disk, root: &Path) {
    disk.create_directory(root).unwrap();
    let path = root.join("file");
    let file = disk.open(&path, OpenMode::CreateNew).unwrap();
    file.write_at(0, b"old").unwrap();
    disk.rename(&path, &root.join("file.deleted")).unwrap();
    disk.remove_file(&root.join("file.deleted")).unwrap();
    disk.sync_directory(root).unwrap();
    write_file(disk, &path, b"new");
    let mut bytes = Vec::new();
    assert_eq!(file.read_at(0, 10, &mut bytes).unwrap(), 3);
    file.sync().unwrap();
    assert_eq!(bytes, b"old");
    assert_eq!(read_all(disk, &path), b"new");
}

fn locks(disk: &dyn Disk, root: &Path) {
    disk.create_directory(root).unwrap();
    let path = root.join(".lock");
    let lock = disk.lock(&path).unwrap();
    assert!(disk.exists(&path).unwrap());
    assert_eq!(kind(disk.lock(&path)), ErrorKind::WouldBlock);
    drop(lock);
    drop(disk.lock(&path).unwrap());
}

fn replacement(disk: &dyn Disk, root: &Path) {
    disk.create_directory(root).unwrap();
    let path = root.join("checkpoint");
    replace_file(disk, &path, b"a first, longer text").unwrap();
    replace_file(disk, &path, b"second").unwrap();
    assert_eq!(read_all(disk, &path), b"second");
    assert_eq!(names(disk, root), ["checkpoint"]);
}
