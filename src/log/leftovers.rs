//! What an interrupted deletion, cleaning or swap has left in a partition's directory (LogLoader.java).

use super::LogFault;
use super::files::{CLEANED, DELETED, FileKind, Place, SWAP, parse_file_name};
use crate::types::Offset;

/// Settles all leftovers, as Kafka does:
/// - what bears `.deleted` goes, but for the snapshots of the metadata log (`.checkpoint.deleted`), which their owner removes;
/// - what bears `.cleaned` was half made and goes, together with any `.swap` at or above the lowest of them: a split that was not done;
/// - any other `.swap` was whole: the segments in its range of offsets go, and it takes their place;
/// - a `.tmp` is a checkpoint that was not finished.
pub(super) fn settle_leftovers(place: &Place) -> Result<(), LogFault> {
    let entries = place.disk.read_directory(&place.directory).map_err(|error| LogFault::io(&place.directory, "list", error))?;
    let names: Vec<String> = entries.into_iter().filter(|entry| !entry.is_directory).map(|entry| entry.name).collect();
    let with =
        |suffix: &'static str| names.iter().filter_map(move |name| Some((name, parse_file_name(name.strip_suffix(suffix)?)?)));

    let lowest_cleaned = with(CLEANED).map(|(_, (offset, _))| offset).min();
    let is_undone = |offset: Offset| lowest_cleaned.is_some_and(|lowest| offset >= lowest);
    let swaps: Vec<_> = with(SWAP).filter(|(_, (offset, _))| !is_undone(*offset)).collect();

    let deleted = with(DELETED).map(|(name, _)| name);
    let cleaned = with(CLEANED).map(|(name, _)| name);
    let undone = with(SWAP).filter(|(_, (offset, _))| is_undone(*offset)).map(|(name, _)| name);
    let temporary = names.iter().filter(|name| name.ends_with(".tmp"));
    let mut changed = false;
    for name in deleted.chain(cleaned).chain(undone).chain(temporary) {
        remove(place, name)?;
        changed = true;
    }
    if !swaps.is_empty() {
        replace_swapped(place, &names, &swaps)?;
        changed = true;
    }
    if !changed {
        return Ok(());
    }
    place.disk.sync_directory(&place.directory).map_err(|error| LogFault::io(&place.directory, "sync", error))
}

/// Removes the segments that the finished ones stand for, then gives those their names.
fn replace_swapped(place: &Place, names: &[String], swaps: &[(&String, (Offset, FileKind))]) -> Result<(), LogFault> {
    let logs = swaps.iter().filter(|(_, (_, kind))| *kind == FileKind::Log);
    let mut range: Option<(Offset, Offset)> = None;
    for (name, (base_offset, _)) in logs {
        let end = end_of(place, name, *base_offset)?;
        range = Some(range.map_or((*base_offset, end), |(low, high)| (low.min(*base_offset), high.max(end))));
    }
    for (name, (offset, _)) in names.iter().filter_map(|name| Some((name, parse_file_name(name)?))) {
        if range.is_some_and(|(low, high)| (low..high).contains(&offset)) {
            remove(place, name)?;
        }
    }
    for (name, (offset, kind)) in swaps {
        let (from, to) = (place.directory.join(name), place.path(*offset, *kind));
        place.disk.rename(&from, &to).map_err(|error| LogFault::io(&from, "rename", error))?;
    }
    Ok(())
}

/// Offset after the last whole batch of a file.
fn end_of(place: &Place, name: &str, base_offset: Offset) -> Result<Offset, LogFault> {
    use super::scan::{Access, Scanner};
    use crate::seams::OpenMode;
    let path = place.directory.join(name);
    let failed = |error| LogFault::io(&path, "read", error);
    let file = place.disk.open(&path, OpenMode::Read).map_err(failed)?;
    let length = file.length().map_err(failed)?;
    let mut scanner = Scanner::new(file, 0, length, Access::MayWait);
    let mut end = base_offset;
    while let Some(Ok(located)) = scanner.next().map_err(failed)? {
        end = located.header.last_offset().next();
    }
    Ok(end)
}

fn remove(place: &Place, name: &str) -> Result<(), LogFault> {
    let path = place.directory.join(name);
    place.disk.remove_file(&path).map_err(|error| LogFault::io(&path, "remove", error))
}
