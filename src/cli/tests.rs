use std::io;
use std::sync::Arc;

use clap::CommandFactory;

use super::*;
use crate::config::Effect;
use crate::seams::{DirectoryEntry, DirectoryLock, File};
use crate::types::NodeId;

const NONE: [&str; 0] = [];

/// A disk that holds one file, at `f`.
#[derive(Debug, Clone)]
struct OneFile(Vec<u8>);

impl Disk for OneFile {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        assert_eq!(mode, OpenMode::Read, "a configuration is only read");
        if path == Path::new("f") { Ok(Arc::new(self.clone())) } else { Err(io::ErrorKind::NotFound.into()) }
    }
    fn read_directory(&self, _: &Path) -> io::Result<Vec<DirectoryEntry>> {
        unreachable!("a configuration is one file")
    }
    fn create_directory(&self, _: &Path) -> io::Result<()> {
        unreachable!("nothing is touched")
    }
    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        unreachable!("nothing is touched")
    }
    fn remove_file(&self, _: &Path) -> io::Result<()> {
        unreachable!("nothing is touched")
    }
    fn remove_directory(&self, _: &Path) -> io::Result<()> {
        unreachable!("nothing is touched")
    }
    fn sync_directory(&self, _: &Path) -> io::Result<()> {
        unreachable!("nothing is touched")
    }
    fn exists(&self, _: &Path) -> io::Result<bool> {
        unreachable!("opening tells")
    }
    fn lock(&self, _: &Path) -> io::Result<Box<dyn DirectoryLock>> {
        unreachable!("nothing is touched")
    }
    fn available_bytes(&self, _: &Path) -> io::Result<u64> {
        unreachable!("nothing is written")
    }
    fn total_bytes(&self, _: &Path) -> io::Result<u64> {
        unreachable!("nothing is written")
    }
}

impl File for OneFile {
    fn read_at(&self, position: u64, length: usize, into: &mut Vec<u8>) -> io::Result<usize> {
        assert_eq!((position, length), (0, self.0.len()));
        into.extend_from_slice(&self.0);
        Ok(length)
    }
    fn read_if_cached(&self, _: u64, _: usize, _: &mut Vec<u8>) -> io::Result<Option<usize>> {
        unreachable!("read at once")
    }
    fn write_at(&self, _: u64, _: &[u8]) -> io::Result<()> {
        unreachable!("nothing is written")
    }
    fn sync(&self) -> io::Result<()> {
        unreachable!("nothing is written")
    }
    fn length(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }
    fn set_length(&self, _: u64) -> io::Result<()> {
        unreachable!("nothing is written")
    }
    fn preallocate(&self, _: u64) -> io::Result<()> {
        unreachable!("nothing is written")
    }
}

fn run(arguments: &[&str], file: &str) -> Result<Command, Refused> {
    let arguments = Arguments::try_parse_from(std::iter::once(&"klamm").chain(arguments)).expect("well formed");
    command(arguments, Vec::new(), &OneFile(file.as_bytes().to_vec()))
}

fn served(arguments: &[&str], file: &str) -> (ServerConfig, Vec<String>) {
    match run(arguments, file) {
        Ok(Command::Serve { config, warnings }) => (*config, warnings),
        other => panic!("{other:?}"),
    }
}

fn printed(arguments: &[&str], file: &str) -> String {
    match run(arguments, file) {
        Ok(Command::Print { text, .. }) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_arguments_are_well_formed() {
    Arguments::command().debug_assert();
}

#[test]
fn without_a_command_it_serves_with_the_defaults() {
    let (alone, warnings) = served(&[], "");
    let (serve, _) = served(&["serve"], "");
    assert_eq!(alone.node_id, NodeId(1));
    assert_eq!(warnings, NONE);
    assert_eq!(format!("{alone:?}"), format!("{serve:?}"));
}

#[test]
fn the_file_holds_against_the_defaults_and_set_against_the_file() {
    let arguments = ["serve", "--config", "f", "--set", "num.partitions=5", "--set", "num.partitions=6"];
    let (config, _) = served(&arguments, "node.id=4\nnum.partitions=2");
    assert_eq!((config.node_id, config.topic_creation.num_partitions), (NodeId(4), 6));
    let (config, _) = served(&["--config", "f", "--set", "node.id=5", "serve", "--set", "num.partitions=7"], "node.id=4");
    assert_eq!((config.node_id, config.topic_creation.num_partitions), (NodeId(5), 7));
}

#[test]
fn what_is_wrong_is_told_a_line_each() {
    let told = |arguments: &[&str], file| run(arguments, file).expect_err("refused").0;
    assert_eq!(told(&["--config", "g"], ""), ["g: entity not found"]);
    assert_eq!(told(&["--set", "x"], ""), ["--set: 'x' is not of the form key=value"]);
    let two = told(&["--config", "f", "--set", "num.partitions=0"], "node.id=x");
    assert_eq!(
        two,
        [
            "f line 1: Invalid value x for configuration node.id: Not a number of type INT",
            "--set: Invalid value 0 for configuration num.partitions: Value must be at least 1"
        ]
    );
    assert_eq!(told(&["config", "show", "--set", "node.id=-1"], "").len(), 1);
}

#[test]
fn show_names_every_setting_its_value_and_its_source() {
    let text = printed(
        &["config", "show", "--config", "f", "--set", "num.partitions=3"],
        "\nlog.retention.ms=5\nssl.key.password=s3cret",
    );
    for line in [
        "log.retention.ms=5  (f line 2)",
        "num.partitions=3  (--set)",
        "num.io.threads=8  (default)",
        "ssl.key.password=[hidden]  (f line 3)",
        "broker.rack=[not set]  (default)",
        "klamm.flush.mode=durable  (default)",
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line}");
    }
    assert!(!text.contains("s3cret"));
}

#[test]
fn show_names_variables_and_what_holds_against_them() {
    let arguments = Arguments::try_parse_from(["klamm", "config", "show", "--set", "node.id=3"]).expect("well formed");
    let variables = [("KAFKA_NODE_ID", "2"), ("KAFKA_NUM_PARTITIONS", "4"), ("KAFKA_HOME", "/opt/kafka")];
    let environment = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let shown = command(arguments, environment, &OneFile(Vec::new())).expect("valid");
    let Command::Print { text, warnings } = shown else { panic!("{shown:?}") };
    for line in ["node.id=3  (--set)", "num.partitions=4  (environment variable KAFKA_NUM_PARTITIONS)"] {
        assert!(text.lines().any(|shown| shown == line), "{line}");
    }
    assert_eq!(warnings, ["these environment variables name no key and have no effect: KAFKA_HOME"]);
}

#[test]
fn deviations_name_kafkas_default_ours_and_the_reason() {
    let text = printed(&["config", "show", "--deviations"], "");
    assert!(text.contains("log.dir\n  Kafka: /tmp/kafka-logs\n  Klamm: ./klamm-data\n  Many machines"), "{text}");
}

/// `cargo run -- config docs > docs/CONFIG.md` brings the file up to date.
#[test]
fn the_documentation_is_what_the_tables_say() {
    assert_eq!(printed(&["config", "docs"], ""), include_str!("../../docs/CONFIG.md"));
}

/// `cargo run -- metrics docs > docs/METRICS.md` brings the file up to date.
#[test]
fn the_documentation_of_metrics_is_what_their_table_says() {
    assert_eq!(printed(&["metrics", "docs"], ""), include_str!("../../docs/METRICS.md"));
}

#[test]
fn the_example_files_are_valid_and_warn_as_they_say() {
    let without_warning = [
        include_str!("../../config/server.properties"),
        include_str!("../../config/open.properties"),
        include_str!("../../config/two-networks.properties"),
    ];
    for file in without_warning {
        assert_eq!(served(&["--config", "f"], file).1, NONE, "{file}");
    }
    let (config, warnings) = served(&["--config", "f"], include_str!("../../config/kafka.properties"));
    assert_eq!(config.offsets_topic.replication_factor, 1);
    let accepted = warnings.first().and_then(|warning| warning.split_once(": ")).expect("a warning").1;
    let has_effect = |key| crate::config::broker_key(key).is_none_or(|key| matches!(key.effect, Effect::Acts(_)));
    assert!(accepted.contains("num.io.threads") && !accepted.split(", ").any(has_effect), "{accepted}");
}

#[test]
fn the_server_example_changes_nothing() {
    let shown = |arguments: &[&str]| {
        let text = printed(arguments, include_str!("../../config/server.properties"));
        let values: Vec<String> = text.lines().filter_map(|line| Some(line.split_once("  (")?.0.to_owned())).collect();
        values
    };
    let mut defaults = shown(&["config", "show"]);
    let with_file = shown(&["config", "show", "--config", "f"]);
    // log.dirs says what log.dir says by default.
    defaults.iter_mut().filter(|line| *line == "log.dirs=[not set]").for_each(|line| *line = "log.dirs=./klamm-data".to_owned());
    assert_eq!(with_file, defaults);
}
