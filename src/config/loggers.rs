//! Levels of loggers, changed while a broker runs (KIP-412; Kafka's RuntimeLoggerManager). They hold until the process ends.

use super::changes::{ConfigOperation, ConfigRefusal, UnknownOperation};

/// The logger above all others.
pub const ROOT_LOGGER: &str = "root";

/// From which severity on a logger writes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum LogLevel {
    /// Nothing. Cannot be set while running, as in Kafka; `klamm.log.level` can say it.
    Off,
    /// Nothing either: what is fatal ends the process with a text on standard error.
    Fatal,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl LogLevel {
    const ALL: [Self; 7] = [Self::Off, Self::Fatal, Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    /// As Kafka and its tools write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "OFF",
            Self::Fatal => "FATAL",
            Self::Error => "ERROR",
            Self::Warn => "WARN",
            Self::Info => "INFO",
            Self::Debug => "DEBUG",
            Self::Trace => "TRACE",
        }
    }

    /// As `klamm.log.level` has it, without regard to case.
    #[must_use]
    pub fn from_setting(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name().eq_ignore_ascii_case(text))
    }
}

/// Judges changes of loggers; `None` gives a logger back to the one above it. All hold or none.
///
/// # Errors
/// Kafka's codes; an operation that nobody knows is a fault in Kafka (its code -1), which the caller answers.
pub fn judge_logger_changes(
    exists: impl Fn(&str) -> bool,
    changes: &[(String, Result<ConfigOperation, UnknownOperation>)],
) -> Result<Vec<(String, Option<LogLevel>)>, Option<ConfigRefusal>> {
    let judge = |(name, operation): &(String, Result<ConfigOperation, UnknownOperation>)| {
        let known = || {
            let missing = || Some(ConfigRefusal::InvalidConfig(format!("Logger {name} does not exist!")));
            exists(name).then_some(()).ok_or_else(missing)
        };
        let level = match operation.as_ref().map_err(|_| None)? {
            ConfigOperation::Set(text) => {
                known()?;
                let settable = LogLevel::ALL.into_iter().filter(|level| *level != LogLevel::Off);
                let level = settable.into_iter().find(|level| level.name() == text);
                let levels = "DEBUG, ERROR, FATAL, INFO, TRACE, WARN";
                let unknown = || format!("Cannot set the log level of {name} to {text}. Valid log levels are {levels}");
                Some(level.ok_or_else(|| Some(ConfigRefusal::InvalidConfig(unknown())))?)
            }
            ConfigOperation::Delete => {
                known()?;
                if name == ROOT_LOGGER {
                    let message = "Removing the log level of the root logger is not allowed".to_owned();
                    return Err(Some(ConfigRefusal::InvalidRequest(message)));
                }
                None
            }
            ConfigOperation::Append(_) | ConfigOperation::Subtract(_) => {
                let message = "Loggers have a level, not a list: it can be set and deleted".to_owned();
                return Err(Some(ConfigRefusal::InvalidRequest(message)));
            }
        };
        Ok((name.clone(), level))
    };
    changes.iter().map(judge).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(name: &str, code: i8, value: &str) -> Result<Vec<(String, Option<LogLevel>)>, Option<ConfigRefusal>> {
        let change = (name.to_owned(), ConfigOperation::from_wire(code, Some(value)));
        judge_logger_changes(|name| ["root", "kafka.request.logger"].contains(&name), &[change])
    }

    /// As Apache Kafka 4.3.0 answered.
    #[test]
    fn levels_are_set_and_deleted_as_in_kafka() {
        let name = "kafka.request.logger";
        let one = |level| Ok(vec![(name.to_owned(), level)]);
        assert_eq!(judge(name, 0, "DEBUG"), one(Some(LogLevel::Debug)));
        assert_eq!(judge(name, 0, "FATAL"), one(Some(LogLevel::Fatal)));
        assert_eq!(judge(name, 1, "x"), one(None));
        for (name, code, value) in [(name, 0, "debug"), (name, 0, "OFF"), (name, 0, ""), ("nosuch", 0, "INFO"), ("nosuch", 1, "")]
        {
            assert!(matches!(judge(name, code, value), Err(Some(ConfigRefusal::InvalidConfig(_)))), "{name} {code} {value}");
        }
        for (name, code) in [("root", 1), (name, 2), (name, 3), ("nosuch", 2)] {
            assert!(matches!(judge(name, code, "INFO"), Err(Some(ConfigRefusal::InvalidRequest(_)))), "{name} {code}");
        }
        assert_eq!(judge(name, 9, "INFO"), Err(None));
    }

    #[test]
    fn the_setting_names_each_level() {
        assert_eq!(
            ["off", "error", "Warn", "TRACE"].map(LogLevel::from_setting),
            [Some(LogLevel::Off), Some(LogLevel::Error), Some(LogLevel::Warn), Some(LogLevel::Trace)]
        );
        assert_eq!(LogLevel::from_setting("all"), None);
    }
}
