//! Every key that acts names the test that sees it (`src/config/keys/`, docs/CONFIG.md): that test exists.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "support/files.rs"]
mod support;

use support::{files, root};

/// The tests that the tables of keys name: what stands in `.acts("...")`.
fn named_tests(table: &str) -> Vec<&str> {
    table.split(".acts(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

/// Whether a test of this name exists. `log::tests::append::NAME` is a test function in a file below `src/log` whose path has `append` in
/// it, `it::storage::NAME` one below `tests/it`; `compat SUITE NAME` is a case in `compat/SUITE/`. `sources` are paths with texts.
fn test_exists(name: &str, sources: &[(String, String)]) -> bool {
    if let Some((suite, case)) = name.strip_prefix("compat ").and_then(|rest| rest.split_once(' ')) {
        let is_case = |text: &str| {
            let before = text.split(&format!("\ndef {case}(")).next().unwrap_or_default();
            before.len() < text.len() && before.lines().last().is_some_and(|line| line.starts_with("@case"))
        };
        return sources.iter().any(|(path, text)| path.starts_with(&format!("compat/{suite}/")) && is_case(text));
    }
    let Some((modules, function)) = name.rsplit_once("::") else { return false };
    let modules: Vec<&str> = modules.split("::").collect();
    let is_there = |path: &str| {
        let rest = path.strip_prefix("src/").or_else(|| path.strip_prefix("tests/"));
        let parts: Vec<&str> = rest.unwrap_or_default().trim_end_matches(".rs").split('/').collect();
        let stands = |module: &&str| *module == "tests" || parts.iter().any(|part| part.trim_end_matches("_tests") == *module);
        parts.first() == modules.first() && modules.iter().all(stands)
    };
    let is_test = |text: &str| {
        let mut lines = text.lines();
        let signature = |line: &str| line.trim_start().trim_start_matches("async ").starts_with(&format!("fn {function}("));
        let mut attributes = false;
        lines.any(|line| {
            let found = attributes && signature(line);
            let opens = line.trim_start().starts_with("#[test") || line.trim_start().starts_with("#[tokio::test");
            attributes = opens || attributes && line.trim_start().starts_with("#[");
            found
        })
    };
    sources.iter().any(|(path, text)| is_there(path) && is_test(text))
}

#[test]
fn every_key_that_acts_names_a_test_that_exists() {
    let sources: Vec<(String, String)> = [("src", "rs"), ("tests", "rs"), ("compat", "py")]
        .iter()
        .flat_map(|(folder, ending)| {
            files(&root().join(folder), ending).into_iter().map(move |(path, text)| (format!("{folder}/{path}"), text))
        })
        .collect();
    let tables: Vec<&(String, String)> = sources.iter().filter(|(path, _)| path.starts_with("src/config/keys/")).collect();
    let named: Vec<(&str, &str)> =
        tables.iter().flat_map(|(path, text)| named_tests(text).into_iter().map(move |name| (path.as_str(), name))).collect();
    assert!(named.len() > 80, "the tables are read: {}", named.len());
    let missing = named.into_iter().filter(|(_, name)| !test_exists(name, &sources));
    let missing: Vec<String> = missing.map(|(path, name)| format!("{path}: there is no test {name}")).collect();
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn tests_of_keys() {
    assert_eq!(named_tests("a.acts(\"x::y\").doc(\"z\")\nb\n.acts(\"compat p c\")"), ["x::y", "compat p c"]);
    let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    let sources = [
        file("src/log/tests/append.rs", "#[test]\nfn a() {}\nfn no_test() {}\n"),
        file("src/record/validate_tests.rs", "#[test]\n#[ignore]\nfn b() {}\n"),
        file("tests/it/storage.rs", "#[tokio::test]\nasync fn c() {}\n"),
        file("compat/process/cases.py", "\n@case(seconds=1)\ndef d(fresh):\n    pass\n\ndef helper(x):\n    pass\n"),
    ];
    for name in ["log::tests::append::a", "record::validate::tests::b", "it::storage::c", "compat process d"] {
        assert!(test_exists(name, &sources), "{name}");
    }
    for name in [
        "log::append::no_test",
        "log::reads::a",
        "record::tests::a",
        "it::fetching::c",
        "compat hostile d",
        "compat process helper",
        "a",
    ] {
        assert!(!test_exists(name, &sources), "{name}");
    }
}
