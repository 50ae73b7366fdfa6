//! Log lines on standard error, as text or as JSON, and the levels of their loggers, which clients may change while the process runs.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::{Arc, Mutex};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, reload};

use crate::broker::Loggers;
use crate::config::{LogFormat, LogLevel, LoggingConfig, ROOT_LOGGER};
use crate::seams::lock;

/// Writes one line per request from DEBUG on, as in Kafka; by default it has a level of its own, as in Kafka's log4j2.yaml.
pub const REQUEST_LOGGER: &str = "kafka.request.logger";

/// The logger of all of this program's rooms; each room has one below it.
const PROGRAM: &str = "klamm";

/// The rooms of src/lib.rs.
const ROOMS: &[&str] = &[
    "types",
    "seams",
    "config",
    "protocol",
    "record",
    "log",
    "replica",
    "metadata",
    "controller",
    "coordinator",
    "group",
    "security",
    "disk",
    "net",
    "quorum",
    "broker",
    "api",
    "ops",
    "cli",
];

/// The levels that loggers were given, and the filter that they make.
#[derive(Debug)]
pub struct Log {
    /// Loggers with a level of their own; the root always has one.
    own: Mutex<BTreeMap<String, LogLevel>>,
    filter: reload::Handle<Targets, Registry>,
}

/// Starts to write log lines. Called once, before anything else runs.
#[must_use]
pub fn start_logging(config: &LoggingConfig) -> Arc<Log> {
    // Colours are for people: a file or a pipe gets plain lines.
    let (subscriber, log) = log(config, std::io::stderr, std::io::stderr().is_terminal());
    subscriber.init();
    log
}

/// What takes log lines, and the levels that decide which.
#[must_use]
pub fn log<W>(config: &LoggingConfig, writer: W, is_coloured: bool) -> (impl tracing::Subscriber + Send + Sync, Arc<Log>)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let level = LogLevel::from_setting(&config.level).unwrap_or(LogLevel::Info);
    let own = BTreeMap::from([(ROOT_LOGGER.to_owned(), level), (REQUEST_LOGGER.to_owned(), level.min(LogLevel::Warn))]);
    let (filter, handle) = reload::Layer::new(targets(&own));
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines = match config.format {
        LogFormat::Text => lines.with_target(false).with_ansi(is_coloured).boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    (tracing_subscriber::registry().with(filter).with(lines), Arc::new(Log { own: Mutex::new(own), filter: handle }))
}

fn names() -> impl Iterator<Item = String> {
    let rooms = ROOMS.iter().map(|room| format!("{PROGRAM}.{room}"));
    [ROOT_LOGGER, REQUEST_LOGGER, PROGRAM].into_iter().map(str::to_owned).chain(rooms)
}

/// A logger's own level, or that of the nearest above it that has one.
fn level(own: &BTreeMap<String, LogLevel>, name: &str) -> LogLevel {
    let parent = name.rsplit_once('.').map(|(parent, _)| parent).filter(|parent| *parent == PROGRAM);
    let above = [Some(name), parent, Some(ROOT_LOGGER)];
    above.into_iter().flatten().find_map(|name| own.get(name).copied()).unwrap_or(LogLevel::Info)
}

/// What comes from libraries is shown when it is an error.
fn targets(own: &BTreeMap<String, LogLevel>) -> Targets {
    let of_libraries = filter(level(own, ROOT_LOGGER).min(LogLevel::Error));
    let target = |name: &str| if name == REQUEST_LOGGER { name.to_owned() } else { name.replace('.', "::") };
    let targets = names().filter(|name| name != ROOT_LOGGER).map(|name| (target(&name), filter(level(own, &name))));
    Targets::new().with_default(of_libraries).with_targets(targets)
}

const fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Off | LogLevel::Fatal => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}

impl Loggers for Log {
    fn levels(&self) -> Vec<(String, LogLevel)> {
        let own = lock(&self.own);
        names().map(|name| (name.clone(), level(&own, &name))).collect()
    }

    fn exists(&self, name: &str) -> bool {
        names().any(|known| known == name)
    }

    fn set(&self, name: &str, level: Option<LogLevel>) {
        if !self.exists(name) {
            return;
        }
        let mut own = lock(&self.own);
        match level {
            Some(level) => drop(own.insert(name.to_owned(), level)),
            None => drop(own.remove(name)),
        }
        // It fails only when the subscriber is gone, and then nobody writes.
        let _ = self.filter.reload(targets(&own));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::io::Write;

    use super::*;

    /// Keeps what is written.
    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            lock(&self.0).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn written(work: impl FnOnce(&Log)) -> String {
        let page = Page::default();
        let copy = page.clone();
        let config = LoggingConfig { format: LogFormat::Text, level: "info".to_owned() };
        let (subscriber, log) = log(&config, move || copy.clone(), false);
        tracing::subscriber::with_default(subscriber, || work(&log));
        let text = lock(&page.0).clone();
        String::from_utf8(text).unwrap()
    }

    fn speak() {
        tracing::info!(target: "klamm::broker::node", "room");
        tracing::debug!(target: "klamm::broker::node", "detail");
        tracing::debug!(target: "kafka.request.logger", "request");
        tracing::info!(target: "openraft::engine", "library");
    }

    #[test]
    fn every_room_has_a_logger() {
        let rooms = include_str!("../lib.rs").lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
        assert_eq!(rooms.collect::<Vec<_>>(), ROOMS);
    }

    #[test]
    fn lines_follow_the_levels_at_once() {
        let count = |text: &str, word: &str| text.lines().filter(|line| line.contains(word)).count();
        let text = written(|log| {
            speak();
            log.set("kafka.request.logger", Some(LogLevel::Debug));
            log.set("klamm.broker", Some(LogLevel::Debug));
            speak();
            log.set("kafka.request.logger", None);
            log.set("root", Some(LogLevel::Fatal));
            speak();
            log.set("klamm.broker", None);
            speak();
        });
        assert_eq!(
            [count(&text, "room"), count(&text, "detail"), count(&text, "request"), count(&text, "library")],
            [3, 2, 1, 0],
            "{text}"
        );
    }

    #[test]
    fn a_logger_without_a_level_has_that_of_the_one_above() {
        written(|log| {
            let of = |name: &str| log.levels().into_iter().find(|(known, _)| known == name).unwrap().1;
            assert_eq!((of("klamm.net"), of(REQUEST_LOGGER)), (LogLevel::Info, LogLevel::Warn));
            log.set("klamm", Some(LogLevel::Error));
            assert_eq!((of("klamm.net"), of("root")), (LogLevel::Error, LogLevel::Info));
            log.set(REQUEST_LOGGER, None);
            assert_eq!(of(REQUEST_LOGGER), LogLevel::Info);
            log.set("nosuch", Some(LogLevel::Trace));
            assert!(!log.exists("nosuch"));
        });
    }
}
