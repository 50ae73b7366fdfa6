//! Log lines on standard error, as text or as JSON.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, LoggingConfig};

/// Starts to write log lines. Called once, before anything else runs.
pub fn start_logging(config: &LoggingConfig) {
    let filter = EnvFilter::builder().parse_lossy(format!("error,klamm={}", config.level));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.format {
        // Colours are for people: a file or a pipe gets plain lines.
        LogFormat::Text => lines.with_target(false).with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => lines.json().init(),
    }
}
