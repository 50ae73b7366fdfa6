use super::*;

const NONE: [&str; 0] = [];

fn parsed(bytes: &[u8]) -> RawConfig {
    RawConfig::parse("f", bytes).expect("well formed")
}

fn value<'a>(config: &'a RawConfig, key: &str) -> Option<&'a str> {
    config.entries.get(key).map(|written| written.value.as_str())
}

fn line(config: &RawConfig, key: &str) -> Option<usize> {
    match &config.entries.get(key)?.origin {
        Origin::File { line, .. } => Some(*line),
        Origin::Environment { .. } | Origin::CommandLine => None,
    }
}

#[test]
fn separators_blanks_and_comments_are_javas() {
    let config = parsed(b"# note\n! note\na=1\n  b : 2 \nc 3\nd\n\ne==x\r\nf\\ g\\:\\= = h\n");
    let pairs: Vec<(&str, &str)> = config.entries.iter().map(|(key, written)| (key.as_str(), written.value.as_str())).collect();
    assert_eq!(pairs, [("a", "1"), ("b", "2 "), ("c", "3"), ("d", ""), ("e", "=x"), ("f g:=", "h")]);
}

#[test]
fn escapes_latin_1_and_unicode_are_javas() {
    let config = parsed(b"a=\\u00fc\\t\\\\ \\q\nb=\xfc\n\\u0063=d\n");
    assert_eq!(value(&config, "a"), Some("\u{fc}\t\\ q"));
    assert_eq!(value(&config, "b"), Some("\u{fc}"), "a byte is a Latin-1 character");
    assert_eq!(value(&config, "c"), Some("d"));
}

#[test]
fn a_backslash_joins_lines_and_the_key_keeps_its_line() {
    let config = parsed(b"\na=1,\\\n   2,\\\n   3\nb=4\n");
    assert_eq!(value(&config, "a"), Some("1,2,3"));
    assert_eq!((line(&config, "a"), line(&config, "b")), (Some(2), Some(5)));
}

#[test]
fn a_malformed_escape_names_its_line() {
    let problem = RawConfig::parse("f", b"a=1\nb=\\u12x4\n").expect_err("malformed");
    assert!(problem.to_string().starts_with("f line 2: not a properties file"), "{problem}");
}

#[test]
fn the_last_of_equal_keys_holds_and_is_worth_a_warning() {
    let config = parsed(b"a=1\nb=2\na=3\n");
    assert_eq!(value(&config, "a"), Some("3"));
    assert_eq!(config.warnings, ["f line 3: a stands in for f line 1, which also sets it"]);
}

#[test]
fn the_command_line_holds_against_the_file() {
    let mut config = parsed(b"a=1\n");
    config.set("a=2=3").expect("well formed");
    assert_eq!(value(&config, "a"), Some("2=3"));
    assert_eq!(config.warnings, NONE);
    assert_eq!(config.set("a").expect_err("no =").to_string(), "--set: 'a' is not of the form key=value");
    assert!(config.set("=1").is_err());
}
