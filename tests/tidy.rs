//! The house rules that a compiler does not know: who imports whom, what is named only in its own room, sizes, headers, dead files.
//!
//! The rules stand below as data, each exception with its reason. The checks read source text line by line, as rustfmt lays it out;
//! the last test shows each of them something that it must find.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[path = "support/files.rs"]
mod support;

use std::collections::BTreeMap;

use support::{files, root};

/// Lines of a function, from its signature to its closing brace: one screen.
const FUNCTION_LINES_MAX: usize = 70;
const FILE_LINES_MAX: usize = 700;
/// What the header of every room's mod.rs says.
const ROOM_HEADER: [&str; 3] = ["Owns:", "Never does:", "Invariants:"];

/// Words that product code may not contain, but for the files (or folders, ending in a slash) that are named with a reason.
struct Ban {
    words: &'static [&'static str],
    instead: &'static str,
    /// The ban holds only in the pure rooms and the cores.
    cores_only: bool,
    except: &'static [(&'static str, &'static str)],
}

const BANS: [Ban; 9] = [
    Ban {
        words: &["std::fs"],
        instead: "files are reached through the Disk seam",
        cores_only: false,
        except: &[("disk/", "the seam's implementation")],
    },
    Ban {
        words: &["TcpListener", "TcpStream", "UdpSocket", "UnixStream", "tokio::net", "socket2"],
        instead: "sockets are reached through the Net seam",
        cores_only: false,
        except: &[("net/", "the seam's implementation"), ("seams/net.rs", "the seam's enum wraps tokio's stream")],
    },
    Ban {
        words: &["std::thread", "thread::spawn", "thread::sleep", "thread::Builder"],
        instead: "threads come from the Execution seam",
        cores_only: false,
        except: &[("broker/execution.rs", "the seam's implementation")],
    },
    Ban {
        words: &["tokio::runtime", "tokio::spawn", "tokio::task::spawn", "task::spawn_blocking", "task::spawn_local"],
        instead: "runtimes, tasks and blocking jobs come from the Execution seam",
        cores_only: false,
        except: &[
            ("broker/execution.rs", "the seam's implementation"),
            ("quorum/runtime.rs", "the engine spawns through a trait of its own, inside the control runtime that the seam made"),
        ],
    },
    Ban {
        words: &["Instant::now", "SystemTime::now", "UNIX_EPOCH"],
        instead: "time comes from the Clock seam",
        cores_only: false,
        except: &[
            ("broker/clock.rs", "the seam's implementation"),
            ("quorum/", "the engine's timers run on tokio's clock, which the simulator makes virtual"),
        ],
    },
    Ban {
        words: &["thread_rng", "rand::", "getrandom", "new_v4", "RandomState"],
        instead: "random numbers come from the Clock seam",
        cores_only: false,
        except: &[
            ("broker/clock.rs", "the seam's implementation"),
            ("quorum/runtime.rs", "hands the engine a generator seeded by the seam"),
        ],
    },
    Ban {
        words: &["static mut", "thread_local!", "lazy_static"],
        instead: "a mutable static would survive a simulated crash",
        cores_only: false,
        except: &[],
    },
    Ban {
        words: &["async fn", "async move", "async {", ".await", "tokio::"],
        instead: "a core is called, it does not wait",
        cores_only: true,
        except: &[],
    },
    Ban {
        words: &["HashMap", "HashSet"],
        instead: "hash order may decide nothing: IndexMap or BTreeMap",
        cores_only: true,
        except: &[("log/directory.rs", "the properties library answers with one; it is only looked into by key")],
    },
];

/// The rooms as `src/lib.rs` names them, in the order in which they may be imported.
struct Rooms {
    order: Vec<String>,
    /// The pure rooms and the cores: no tasks, no waiting, no order that a hasher makes up. The seams alone may name such things.
    deterministic: Vec<String>,
}

impl Rooms {
    fn read(library: &str) -> Self {
        let (cores, shells) = library.split_once("// Devices and shells").unwrap();
        let names = |text: &str| declared_modules(text).into_iter().map(|(name, ..)| name).collect::<Vec<_>>();
        let deterministic = names(cores).into_iter().filter(|room| room != "seams").collect();
        Self { order: [names(cores), names(shells)].concat(), deterministic }
    }

    fn of_this_crate() -> Self {
        Self::read(&std::fs::read_to_string(root().join("src/lib.rs")).unwrap())
    }
}

/// Types whose presence makes a static mutable.
const INTERIOR_MUTABILITY: [&str; 8] = ["Atomic", "Mutex", "RwLock", "RefCell", "Cell<", "OnceLock", "OnceCell", "ArcSwap"];

/// Marks of work that is not done. In pieces, so that this file may be searched as well.
const UNFINISHED: [&str; 4] = [concat!("to", "do!("), concat!("unimpl", "emented!("), concat!("FIX", "ME"), concat!("TO", "DO")];

/// The roots of the crates below `src/`: the library, the program, and what no room declares because cargo builds it by itself.
const ROOTS: [&str; 3] = ["lib.rs", "main.rs", "quorum/engine_statistics/lib.rs"];

/// What building and running make; a page may name them though they are not there yet.
const MADE_BY_RUNNING: [&str; 4] = ["build/", "target/release/klamm", "target/fuzz/", "target/fuzz/corpus/"];

/// A source file as the checks see it.
struct Source {
    /// Relative to `src/`, with slashes.
    path: String,
    text: String,
    /// The file is compiled for tests only.
    test: bool,
}

impl Source {
    /// The folder or file right under `src/`.
    fn room(&self) -> &str {
        self.path.split('/').next().unwrap().trim_end_matches(".rs")
    }

    /// Product code line by line with its number: no comments, nothing from the first inline test module on.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().collect::<Vec<_>>();
        let end = (0..lines.len()).find(|&index| is_inline_test_module(&lines[index..])).unwrap_or(lines.len());
        let end = if self.test { 0 } else { end };
        lines.into_iter().take(end).enumerate().map(|(index, line)| (index + 1, without_comment(line)))
    }

    fn at(&self, line: usize, problem: &str) -> String {
        format!("src/{}:{line}: {problem}", self.path)
    }
}

/// Whether `#[cfg(test)]` stands on the first line, and a module with a body follows (other attributes may stand between).
fn is_inline_test_module(lines: &[&str]) -> bool {
    lines[0].trim() == "#[cfg(test)]"
        && lines[1..]
            .iter()
            .find(|line| !line.trim().starts_with("#["))
            .is_some_and(|line| line.contains("mod ") && line.ends_with('{'))
}

fn without_comment(line: &str) -> &str {
    match line.find("//") {
        Some(0) => "",
        // Inside a string, as in an address, the slashes follow a colon.
        Some(at) if line[..at].ends_with(char::is_whitespace) => &line[..at],
        _ => line,
    }
}

/// Whether `word` stands in `line` without being part of a longer one on its left or, for a name, on its right.
fn contains_word(line: &str, word: &str) -> bool {
    let part_of_name = |character: char| character.is_alphanumeric() || character == '_';
    line.match_indices(word).any(|(at, _)| {
        let right_open = word.ends_with(part_of_name) && line[at + word.len()..].starts_with(part_of_name);
        let left_open = word.starts_with(part_of_name) && line[..at].ends_with(part_of_name);
        !left_open && !right_open
    })
}

/// The modules that a line names right behind `crate::`, also in braces.
fn imports(line: &str) -> Vec<&str> {
    let mut rooms = Vec::new();
    for (at, prefix) in line.match_indices("crate::") {
        let rest = &line[at + prefix.len()..];
        let parts = match rest.strip_prefix('{') {
            // Only the parts at the first level name rooms.
            Some(group) => {
                let mut depth = 0;
                group
                    .split(|character| {
                        depth += i32::from(character == '{') - i32::from(character == '}');
                        depth == 0 && character == ','
                    })
                    .collect()
            }
            None => vec![rest],
        };
        for part in parts {
            let part = part.trim_start();
            rooms.push(part.split(|character: char| !character.is_alphanumeric() && character != '_').next().unwrap());
        }
    }
    rooms
}

fn check_imports(source: &Source, rooms: &Rooms) -> Vec<String> {
    let rank = |room: &str| rooms.order.iter().position(|other| other == room);
    let Some(own) = rank(source.room()) else { return Vec::new() };
    let mut problems = Vec::new();
    for (number, line) in source.code() {
        for room in imports(line) {
            if rank(room).is_some_and(|rank| rank > own) {
                problems.push(source.at(number, &format!("{} stands above {room} and may not import it", source.room())));
            }
        }
    }
    problems
}

fn check_bans(source: &Source, rooms: &Rooms) -> Vec<String> {
    let mut problems = Vec::new();
    for ban in &BANS {
        let excepted =
            ban.except.iter().any(|(path, _)| source.path == *path || path.ends_with('/') && source.path.starts_with(path));
        let is_core = rooms.deterministic.iter().any(|room| room == source.room());
        if excepted || ban.cores_only && !is_core {
            continue;
        }
        for (number, line) in source.code() {
            for word in ban.words.iter().filter(|word| contains_word(line, word)) {
                problems.push(source.at(number, &format!("`{word}` is not for this room: {}", ban.instead)));
            }
        }
    }
    problems
}

fn check_statics(source: &Source) -> Vec<String> {
    let is_static = |line: &str| line.starts_with("static ") || line.starts_with("pub") && line.contains(" static ");
    let code = source.code().filter(|(_, line)| is_static(line.trim_start()));
    let mutable = code.filter(|(_, line)| INTERIOR_MUTABILITY.iter().any(|mark| line.contains(mark)));
    mutable.map(|(number, _)| source.at(number, "a mutable static would survive a simulated crash")).collect()
}

/// Functions that are longer than a screen. Tests too.
fn check_functions(path: &str, text: &str) -> Vec<String> {
    let lines = text.lines().collect::<Vec<_>>();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut problems = Vec::new();
    for (start, line) in lines.iter().enumerate().filter(|(_, line)| is_function(line)) {
        let closes = |other: &str| indent(other) == indent(line) && (other.ends_with('}') || other.ends_with(';'));
        let length = lines[start..].iter().position(|other| closes(other)).map_or(usize::MAX, |end| end + 1);
        if length > FUNCTION_LINES_MAX {
            problems.push(format!("{path}:{}: a function of {length} lines, {FUNCTION_LINES_MAX} are a screen", start + 1));
        }
    }
    problems
}

fn is_function(line: &str) -> bool {
    const BEFORE: [&str; 8] = ["pub", "pub(super)", "pub(crate)", "const", "async", "unsafe", "extern", "default"];
    let mut words = line.split_whitespace().skip_while(|word| BEFORE.contains(word) || word.starts_with("pub(in"));
    words.next() == Some("fn")
}

fn check_length(path: &str, text: &str) -> Option<String> {
    let length = text.lines().count();
    (length > FILE_LINES_MAX).then(|| format!("{path}: {length} lines, {FILE_LINES_MAX} are the limit"))
}

fn check_header(source: &Source) -> Vec<String> {
    // A test file is named after what it tests; a file of one line holds nothing yet.
    if source.test || source.text.lines().count() <= 1 {
        return Vec::new();
    }
    let header = source.text.lines().take_while(|line| line.starts_with("//!")).collect::<String>();
    if header.is_empty() {
        return vec![source.at(1, "the file does not say what it is: it opens without `//!`")];
    }
    let is_room = source.path.split('/').collect::<Vec<_>>()[1..] == ["mod.rs"];
    let missing = ROOM_HEADER.iter().filter(|part| is_room && !header.contains(**part));
    missing.map(|part| source.at(1, &format!("the room's header has no `{part}`"))).collect()
}

fn check_finished(source: &Source) -> Vec<String> {
    let mut problems = Vec::new();
    for (number, line) in source.text.lines().enumerate() {
        for mark in UNFINISHED.iter().filter(|mark| contains_word(line, mark)) {
            problems.push(source.at(number + 1, &format!("`{mark}` marks work that is not done")));
        }
    }
    problems
}

/// Files and folders that a page names in backticks: relative to the package, to `src/` or to the page's own folder. What has neither
/// a slash nor the ending of a text file is a name of something else; a name with a placeholder is none of a file.
fn named_files(page: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_file = |name: &&str| {
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        let is_plain = name.chars().all(|character| character.is_ascii_alphanumeric() || "._-/".contains(character));
        is_plain && (["rs", "md", "py", "toml", "json", "xml"].contains(&ending) || name.contains('/') && !name.starts_with('/'))
    };
    let quoted = |line| str::split(line, '`').skip(1).step_by(2).collect::<Vec<_>>();
    let linked = |line: &str| line.match_indices("](").map(|(at, _)| at + 2).collect::<Vec<_>>();
    page.lines().enumerate().flat_map(move |(index, line)| {
        let links = linked(line).into_iter().filter_map(move |at| line[at..].split([')', '#']).next());
        let links = links.filter(|link| !link.contains("://") && !link.is_empty());
        quoted(line).into_iter().filter(is_file).chain(links).map(move |name| (index + 1, name))
    })
}

fn check_page(path: &str, page: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let folder = path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let is_there = |name: &str| ["", "src/", &folder].iter().any(|base| exists(&format!("{base}{name}")));
    let missing = named_files(page).filter(|(_, name)| !is_there(name) && !MADE_BY_RUNNING.contains(name));
    missing.map(|(line, name)| format!("{path}:{line}: there is no {name}")).collect()
}

/// The public fields of structs named `...Config` or `...Settings`: what `config/` hands to those who act on it.
fn typed_settings(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if let Some((name, _)) = line.strip_prefix("pub struct ").and_then(|rest| rest.split_once(" {")) {
            inside = name.ends_with("Config") || name.ends_with("Settings");
        } else if line == "}" {
            inside = false;
        } else if let Some((name, _)) = line.strip_prefix("    pub ").and_then(|rest| rest.split_once(": ")).filter(|_| inside) {
            names.push(name);
        }
    }
    names
}

/// Typed settings that nothing outside `config/` reads: their keys would be taken and do nothing.
fn check_settings(sources: &[Source]) -> Vec<String> {
    let code = |source: &Source| source.code().map(|(_, line)| line.to_owned()).collect::<Vec<_>>();
    let readers = sources.iter().filter(|source| source.room() != "config").flat_map(code).collect::<Vec<_>>();
    let is_read = |name: &str| readers.iter().any(|line| contains_word(line, &format!(".{name}")));
    let mut problems = Vec::new();
    for source in sources.iter().filter(|source| ["config/server.rs", "config/topic.rs"].contains(&source.path.as_str())) {
        let idle = typed_settings(&source.text).into_iter().filter(|name| !is_read(name));
        problems.extend(idle.map(|name| format!("src/{}: nothing acts on {name}; its key is not effective", source.path)));
    }
    problems
}

/// A module that a file declares: its name, its `#[path]` if it has one, and whether it is for tests only.
fn declared_modules(text: &str) -> Vec<(String, Option<String>, bool)> {
    let (mut path, mut test) = (None, false);
    let mut modules = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("#[path = \"") {
            path = Some(rest.trim_end_matches("\"]").to_owned());
        } else if line == "#[cfg(test)]" {
            test = true;
        } else if !line.starts_with("#[") {
            let name = line.strip_suffix(';').and_then(|line| line.rsplit_once("mod ")).filter(|(before, _)| {
                let before = before.trim();
                before.is_empty() || before.starts_with("pub")
            });
            if let Some((_, name)) = name {
                modules.push((name.to_owned(), path.take(), test));
            }
            (path, test) = (None, false);
        }
    }
    modules
}

/// Follows `mod` from the roots; the files that were reached, and those that were not.
fn reach(files: BTreeMap<String, String>) -> (Vec<Source>, Vec<String>) {
    let mut left = files;
    let mut next = ROOTS.map(|root| (root.to_owned(), false)).to_vec();
    let mut reached = Vec::new();
    while let Some((path, test)) = next.pop() {
        let Some(text) = left.remove(&path) else { continue };
        let folder = path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
        let is_folder_root = ["lib.rs", "main.rs", "mod.rs"].iter().any(|name| path.strip_prefix(&folder) == Some(name));
        let children = if is_folder_root { folder.clone() } else { path.trim_end_matches(".rs").to_owned() + "/" };
        for (name, at, module_test) in declared_modules(&text) {
            let candidates = match at {
                Some(at) => vec![format!("{folder}{at}")],
                None => vec![format!("{children}{name}.rs"), format!("{children}{name}/mod.rs")],
            };
            next.extend(candidates.into_iter().map(|path| (path, test || module_test)));
        }
        reached.push(Source { path, text, test });
    }
    (reached, left.into_keys().collect())
}

fn sources() -> Vec<Source> {
    let (reached, _) = reach(files(&root().join("src"), "rs"));
    assert!(reached.len() > 50, "the walk found only {} files", reached.len());
    reached
}

#[track_caller]
fn assert_none(problems: impl IntoIterator<Item = String>) {
    let problems = problems.into_iter().collect::<Vec<_>>();
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn rooms_import_only_rooms_above_them() {
    let rooms = Rooms::of_this_crate();
    assert!(rooms.order.len() > 15 && rooms.deterministic.len() > 5, "src/lib.rs is read");
    assert_none(sources().iter().flat_map(|source| check_imports(source, &rooms)));
}

#[test]
fn what_has_a_room_of_its_own_is_named_nowhere_else() {
    let rooms = Rooms::of_this_crate();
    assert_none(sources().iter().flat_map(|source| check_bans(source, &rooms)));
}

#[test]
fn no_static_is_mutable() {
    assert_none(sources().iter().flat_map(check_statics));
}

#[test]
fn functions_fit_a_screen_and_files_a_sitting() {
    for folder in ["src", "tests", "benches"] {
        for (name, text) in files(&root().join(folder), "rs") {
            let path = format!("{folder}/{name}");
            assert_none(check_functions(&path, &text).into_iter().chain(check_length(&path, &text)));
        }
    }
}

#[test]
fn every_file_says_what_it_is() {
    assert_none(sources().iter().flat_map(check_header));
}

#[test]
fn every_file_is_part_of_the_crate() {
    let (_, unreached) = reach(files(&root().join("src"), "rs"));
    assert_none(unreached.iter().map(|path| format!("src/{path} is not named by any `mod`")));
}

#[test]
fn nothing_is_left_unfinished() {
    assert_none(sources().iter().flat_map(check_finished));
}

#[test]
fn files_that_the_documentation_names_exist() {
    let pages = ["README.md", "CONTRIBUTING.md", "docs/ARCHITECTURE.md", "compat/README.md"].map(str::to_owned);
    let records = std::fs::read_dir(root().join("docs/adr")).unwrap();
    let records = records.map(|entry| format!("docs/adr/{}", entry.unwrap().file_name().to_str().unwrap()));
    for path in pages.into_iter().chain(records) {
        let page = std::fs::read_to_string(root().join(&path)).unwrap();
        assert_none(check_page(&path, &page, |name| root().join(name).exists()));
    }
}

/// The rows of docs/TRAPS.md: number, and the names of the tests.
fn traps(page: &str) -> Vec<(u32, Vec<&str>)> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| "));
    rows.filter_map(|row| Some((row.split(' ').next()?.parse().ok()?, row.split('`').skip(1).step_by(2).collect()))).collect()
}

#[test]
fn every_trap_is_shown_by_tests_that_exist() {
    let page = std::fs::read_to_string(root().join("docs/TRAPS.md")).unwrap();
    let numbers: Vec<u32> = traps(&page).iter().map(|(number, _)| *number).collect();
    let expected: Vec<u32> = (1..=34).chain(39..=50).chain([53, 54]).chain(58..=60).collect();
    assert_eq!(numbers, expected);
    let kept = [("src", "rs"), ("tests", "rs"), ("compat", "py")];
    let sources: Vec<String> =
        kept.iter().flat_map(|(folder, ending)| files(&root().join(folder), ending).into_values()).collect();
    let exists = |name: &str| {
        let definitions = [format!("fn {name}("), format!("def {name}(")];
        sources.iter().any(|text| definitions.iter().any(|definition| text.contains(definition)))
    };
    for (number, tests) in traps(&page) {
        assert!(tests.iter().all(|name| exists(name)), "trap {number}: {tests:?}");
    }
    assert!(!exists("a_test_that_nobody_wrote"), "the check finds what is missing");
}

#[test]
fn every_typed_setting_is_acted_upon() {
    assert_none(check_settings(&sources()));
}

/// The checks find what they look for, and not what only looks like it.
mod the_checks {
    use super::*;

    const LIBRARY: &str = "pub mod types;\npub mod seams;\npub mod record;\npub mod log;\npub mod controller;\n\
                           // Devices and shells.\npub mod disk;\npub mod net;\npub mod broker;\npub mod api;\n";

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned(), test: false }
    }

    #[test]
    fn imports() {
        let rooms = Rooms::read(LIBRARY);
        let found = |path, text| check_imports(&source(path, text), &rooms).len();
        assert_eq!(found("log/x.rs", "use crate::broker::Partition;"), 1);
        assert_eq!(found("log/x.rs", "    let x = crate::disk::open(); // see"), 1);
        assert_eq!(found("log/x.rs", "use crate::{types::{A, B}, net::C, api};"), 2);
        assert_eq!(found("log/x.rs", "use crate::{types::{A, net}, record};"), 0);
        assert_eq!(found("log/x.rs", "use crate::record::BatchHeader;\n//! see crate::broker\n    // crate::api"), 0);
        assert_eq!(found("log/x.rs", "use crate::types::A;\n#[cfg(test)]\nmod tests {\n    use crate::disk::D;\n}"), 0);
        assert_eq!(found("main.rs", "use crate::cli;"), 0);
    }

    #[test]
    fn bans() {
        let rooms = Rooms::read(LIBRARY);
        let found = |path, text| check_bans(&source(path, text), &rooms).len();
        assert_eq!(found("log/x.rs", "use std::fs;"), 1);
        assert_eq!(found("log/x.rs", "    let now = std::time::Instant::now();"), 1);
        assert_eq!(found("broker/x.rs", "    tokio::spawn(task);"), 1);
        assert_eq!(found("broker/x.rs", "    job.await;"), 0);
        assert_eq!(found("controller/x.rs", "    job.await;"), 1);
        assert_eq!(found("controller/x.rs", "async fn wait() {}"), 1);
        assert_eq!(found("controller/x.rs", "use std::collections::HashMap;"), 1);
        assert_eq!(found("disk/real.rs", "use std::fs;"), 0);
        assert_eq!(found("diskette/x.rs", "use std::fs;"), 1);
        assert_eq!(found("seams/net.rs", "    Tcp(tokio::net::TcpStream),"), 0);
        assert_eq!(found("log/x.rs", "// std::fs is not for here\nlet operand::x = MyHashMap::new();"), 0);
        let test = Source { test: true, ..source("log/tests.rs", "use std::fs;") };
        assert!(check_bans(&test, &rooms).is_empty());
    }

    #[test]
    fn statics() {
        let found = |text| check_statics(&source("log/x.rs", text)).len();
        assert_eq!(found("static COUNT: AtomicU64 = AtomicU64::new(0);"), 1);
        assert_eq!(found("    pub(super) static STATE: Mutex<u8> = Mutex::new(0);"), 1);
        assert_eq!(found("static NONE: Settings = BTreeMap::new();\nname: &'static str, // Mutex"), 0);
    }

    #[test]
    fn sizes() {
        let body = |lines: usize| {
            format!("impl A {{\n    pub(super) fn f(\n        a: u8,\n    ) {{\n{}    }}\n}}\n", "        g();\n".repeat(lines))
        };
        assert_eq!(check_functions("x", &body(FUNCTION_LINES_MAX - 4)).len(), 0);
        assert_eq!(check_functions("x", &body(FUNCTION_LINES_MAX - 3)).len(), 1);
        let declarations =
            "trait T {\n    fn f();\n    fn g(\n        a: u8,\n    );\n}\n".to_owned() + &"const A: u8 = 1;\n".repeat(80);
        assert_eq!(check_functions("x", &declarations).len(), 0);
        assert_eq!(check_length("x", &"\n".repeat(FILE_LINES_MAX)), None);
        assert!(check_length("x", &"\n".repeat(FILE_LINES_MAX + 1)).is_some());
    }

    #[test]
    fn headers() {
        let found = |path, text| check_header(&source(path, text)).len();
        assert_eq!(found("log/x.rs", "use a;\nuse b;"), 1);
        assert_eq!(found("log/x.rs", "//! What it is.\nuse a;"), 0);
        assert_eq!(found("log/mod.rs", "//! What it is.\n//!\n//! Owns: a.\nmod a;"), 2);
        assert_eq!(found("log/mod.rs", "//! Nothing yet."), 0);
        assert_eq!(found("log/mod.rs", "//! What.\n//! Owns: a.\n//! Never does: b.\n//! Invariants: c.\nmod a;"), 0);
        assert_eq!(found("log/index/mod.rs", "//! What it is.\nmod a;"), 0);
    }

    #[test]
    fn unfinished_work() {
        let found = |text: &str| check_finished(&source("log/x.rs", text)).len();
        assert_eq!(found(concat!("    to", "do!()\n// FIX", "ME: later")), 2);
        assert_eq!(found("a_todo_list()"), 0);
    }

    #[test]
    fn pages() {
        let exists = |name: &str| ["docs/adr/1.md", "src/log/mod.rs", "src/log/", "src/main.rs"].contains(&name);
        let found = |page: &str| check_page("docs/PAGE.md", page, exists);
        assert_eq!(found("`log/mod.rs`, `log/` and `src/main.rs`; [a](adr/1.md#b), [c](https://x/y.md)"), Vec::<String>::new());
        assert_eq!(found("as `log.dirs`, `FILE.txt`, `-P`, `/healthz`, `log/x.rs::f()`"), Vec::<String>::new());
        assert_eq!(found("one\n**`log/gone.rs`** [d](gone.md)").len(), 2);
        assert_eq!(found("`nowhere/`"), ["docs/PAGE.md:1: there is no nowhere/"]);
    }

    #[test]
    fn settings() {
        let config =
            "pub struct LogConfig {\n    pub used: u8,\n    pub idle: u8,\n}\npub struct Loaded {\n    pub other: u8,\n}\n";
        let found = |reader: &str| check_settings(&[source("config/server.rs", config), source("log/x.rs", reader)]);
        assert_eq!(found("config.used + config.idle").len(), 0);
        assert_eq!(found("config.used + config.idleness").len(), 1);
        assert_eq!(found("config.used; // config.idle").len(), 1);
    }

    #[test]
    fn modules() {
        let text = |text: &str| text.to_owned();
        let files = BTreeMap::from([
            (text("lib.rs"), text("pub mod log;\n")),
            (text("log/mod.rs"), text("mod index;\n#[cfg(test)]\nmod testing;\nmod gone;")),
            (text("log/index.rs"), text("mod deep;\n#[cfg(test)]\n#[path = \"index_tests.rs\"]\nmod tests;\n")),
            (text("log/index/deep.rs"), text("")),
            (text("log/index_tests.rs"), text("")),
            (text("log/testing.rs"), text("mod helpers;")),
            (text("log/testing/helpers/mod.rs"), text("// mod lost;")),
            (text("log/lost.rs"), text("")),
        ]);
        let (reached, unreached) = reach(files);
        assert_eq!(unreached, ["log/lost.rs"]);
        let tests = reached.iter().filter(|source| source.test).map(|source| source.path.as_str()).collect::<Vec<_>>();
        assert_eq!(tests.len(), 3);
        assert!(tests.contains(&"log/index_tests.rs") && tests.contains(&"log/testing/helpers/mod.rs"));
        assert_eq!(reached.len(), 7);
    }
}
