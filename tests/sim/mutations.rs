//! The simulation finds what it is there for: with a safeguard taken out, it fails within 50 seeds.

use crate::seeds::CALLS;
use crate::story::Story;

const SEEDS: u64 = 50;

/// The first seed whose story fails under the mutation.
fn found_by(mutate: impl Fn(&mut Story)) -> Option<(u64, String)> {
    (0..SEEDS).find_map(|seed| {
        let mut story = Story::with_cuts(seed, CALLS);
        mutate(&mut story);
        std::panic::catch_unwind(|| story.run())
            .map_or_else(|_| Some((seed, "panicked".to_owned())), |run| Some((seed, run.err()?)))
    })
}

fn assert_found(what: &str, mutate: impl Fn(&mut Story)) {
    let (seed, violation) = found_by(mutate).unwrap_or_else(|| panic!("{what}: not found in {SEEDS} seeds"));
    println!("{what}: found with seed {seed}: {violation}");
}

#[test]
fn without_the_sync_of_files_it_fails() {
    assert_found("file sync taken out", |story| story.ignore_file_sync = true);
}

#[test]
fn without_the_sync_of_directories_it_fails() {
    assert_found("directory sync taken out", |story| story.ignore_directory_sync = true);
}

#[test]
fn without_the_wait_for_the_sync_it_fails() {
    assert_found("wait for the sync taken out", |story| story.settings = "klamm.flush.mode=page-cache");
}
