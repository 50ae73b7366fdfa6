//! Settings as they were written, each with the place it was written at.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use java_properties::{LineContent, PropertiesIter};

/// Where a setting was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// The line, counted from 1, that its key stands on.
    File {
        path: Arc<str>,
        line: usize,
    },
    Environment {
        variable: Arc<str>,
    },
    CommandLine,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line } => write!(formatter, "{path} line {line}"),
            Self::Environment { variable } => write!(formatter, "environment variable {variable}"),
            Self::CommandLine => formatter.write_str("--set"),
        }
    }
}

/// One setting as it was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written {
    pub value: String,
    pub origin: Origin,
}

/// Something wrong with what was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    pub origin: Option<Origin>,
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Some(origin) => write!(formatter, "{origin}: {}", self.message),
            None => formatter.write_str(&self.message),
        }
    }
}

/// First stage: keys and values as written. The second stage is [`super::ServerConfig::load`].
#[derive(Clone, Default, Debug)]
pub struct RawConfig {
    pub(super) entries: BTreeMap<String, Written>,
    pub(super) warnings: Vec<String>,
}

impl RawConfig {
    /// Reads a properties file by the rules of java.util.Properties: Latin-1 with \uXXXX escapes, `=`, `:` or blanks between key
    /// and value, lines joined by a backslash at their end, the last of several equal keys holds (which is worth a warning).
    ///
    /// # Errors
    /// When an escape is malformed.
    pub fn parse(path: &str, bytes: &[u8]) -> Result<Self, Problem> {
        let path: Arc<str> = Arc::from(path);
        let mut config = Self::default();
        for line in PropertiesIter::new(bytes) {
            let line = line.map_err(|error| Problem {
                origin: error.line_number().map(|line| Origin::File { path: Arc::clone(&path), line }),
                message: format!("not a properties file: {error}"),
            })?;
            let origin = Origin::File { path: Arc::clone(&path), line: line.line_number() };
            match line.consume_content() {
                LineContent::KVPair(key, value) => config.add(key, Written { value, origin }),
                LineContent::Comment(_) => {}
            }
        }
        Ok(config)
    }

    fn add(&mut self, key: String, written: Written) {
        let origin = written.origin.clone();
        if let Some(earlier) = self.entries.insert(key.clone(), written) {
            self.warnings.push(format!("{origin}: {key} stands in for {}, which also sets it", earlier.origin));
        }
    }

    /// Takes a `key=value` of the command line, which holds against file and environment.
    ///
    /// # Errors
    /// When there is no `=`, or nothing before it.
    pub fn set(&mut self, assignment: &str) -> Result<(), Problem> {
        match assignment.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => {
                let written = Written { value: value.to_owned(), origin: Origin::CommandLine };
                self.entries.insert(key.trim().to_owned(), written);
                Ok(())
            }
            _ => Err(Problem {
                origin: Some(Origin::CommandLine),
                message: format!("'{assignment}' is not of the form key=value"),
            }),
        }
    }
}

#[cfg(test)]
#[path = "raw_tests.rs"]
mod tests;
