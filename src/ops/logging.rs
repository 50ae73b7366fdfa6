//! Log lines on standard error, as text or as JSON.

use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, LoggingConfig};

/// Starts to write log lines. Called once, before anything else runs.
pub fn start_logging(config: &LoggingConfig) {
    let filter = EnvFilter::builder().parse_lossy(format!("error,klamm={}", config.level));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.format {
        LogFormat::Text => lines.with_target(false).init(),
        LogFormat::Json => lines.json().init(),
    }
}
