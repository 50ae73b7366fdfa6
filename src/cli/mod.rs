//! The command line: arguments in, a checked configuration or a text to print out.
//!
//! Owns: the commands and their options, `config show`, `config docs`, `metrics docs`.
//! Never does: start a broker; `main.rs` does that with what comes out of here.
//! Invariants: whatever is wrong with arguments or files is told on standard error, one sentence each, with exit code 2, before anything is
//! touched.

mod docs;
mod show;

use std::fmt;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::config::{Loaded, Problem, RawConfig, ServerConfig};
use crate::ops::metrics_documentation;
use crate::seams::{Disk, OpenMode};

/// A broker that speaks Kafka's protocol. Without a command: serve.
#[derive(Parser, Debug)]
#[command(name = "klamm", version, about, disable_help_subcommand = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<CommandArguments>,
    #[command(flatten)]
    settings: SettingsArguments,
}

#[derive(Subcommand, Debug)]
enum CommandArguments {
    /// Run a broker: on localhost:9092 with its data in ./klamm-data, unless configured otherwise
    Serve(SettingsArguments),
    /// Look at settings
    #[command(subcommand)]
    Config(ConfigArguments),
    /// Look at metrics
    #[command(subcommand)]
    Metrics(MetricsArguments),
}

#[derive(Subcommand, Debug)]
enum MetricsArguments {
    /// Print the documentation of all metrics (docs/METRICS.md)
    Docs,
}

#[derive(Subcommand, Debug)]
enum ConfigArguments {
    /// Print every setting with the value that holds and where it comes from
    Show {
        /// Print only where Klamm's defaults are not Apache Kafka's, and why
        #[arg(long)]
        deviations: bool,
        #[command(flatten)]
        settings: SettingsArguments,
    },
    /// Print the documentation of all keys (docs/CONFIG.md)
    Docs,
}

#[derive(Args, Debug, Default)]
struct SettingsArguments {
    /// A server.properties file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// One setting, against file and environment; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

/// Names and values of the environment's variables.
pub type Environment = Vec<(String, String)>;

/// What is to be done.
#[derive(Debug)]
pub enum Command {
    /// Run the broker, after telling the warnings.
    Serve { config: Box<ServerConfig>, warnings: Vec<String> },
    /// Print this to standard output, and the warnings to standard error.
    Print { text: String, warnings: Vec<String> },
}

/// Why a command cannot be carried out; to be told on standard error, a line each, with exit code 2.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused(pub Vec<String>);

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.join("\n"))
    }
}

impl From<Vec<Problem>> for Refused {
    fn from(problems: Vec<Problem>) -> Self {
        Self(problems.iter().map(ToString::to_string).collect())
    }
}

/// Reads the process's arguments. Prints help, version, or what is wrong with them, and then ends the process.
#[must_use]
pub fn arguments() -> Arguments {
    Arguments::parse()
}

/// Reads the configuration that the arguments name, takes what the environment sets, and judges it.
///
/// # Errors
/// All that is wrong with it.
pub fn command(arguments: Arguments, environment: Environment, disk: &dyn Disk) -> Result<Command, Refused> {
    match arguments.command {
        None => serve(&arguments.settings, environment, disk),
        Some(CommandArguments::Serve(settings)) => serve(&settings.after(arguments.settings), environment, disk),
        Some(CommandArguments::Config(ConfigArguments::Docs)) => {
            Ok(Command::Print { text: docs::markdown(), warnings: Vec::new() })
        }
        Some(CommandArguments::Metrics(MetricsArguments::Docs)) => {
            Ok(Command::Print { text: metrics_documentation(), warnings: Vec::new() })
        }
        Some(CommandArguments::Config(ConfigArguments::Show { deviations: true, .. })) => {
            Ok(Command::Print { text: show::deviations(), warnings: Vec::new() })
        }
        Some(CommandArguments::Config(ConfigArguments::Show { deviations: false, settings })) => {
            let Loaded { config, warnings } = load(&settings.after(arguments.settings), environment, disk)?;
            Ok(Command::Print { text: show::settings(&config), warnings })
        }
    }
}

impl SettingsArguments {
    /// Options may stand before the command's name too; those after it hold.
    fn after(self, before: Self) -> Self {
        Self { config: self.config.or(before.config), set: before.set.into_iter().chain(self.set).collect() }
    }
}

fn serve(settings: &SettingsArguments, environment: Environment, disk: &dyn Disk) -> Result<Command, Refused> {
    let Loaded { config, warnings } = load(settings, environment, disk)?;
    Ok(Command::Serve { config: Box::new(config), warnings })
}

fn load(settings: &SettingsArguments, environment: Environment, disk: &dyn Disk) -> Result<Loaded, Refused> {
    let mut raw = match &settings.config {
        Some(path) => {
            let bytes = read(path, disk).map_err(|error| Refused(vec![format!("{}: {error}", path.display())]))?;
            RawConfig::parse(&path.display().to_string(), &bytes).map_err(|problem| vec![problem])?
        }
        None => RawConfig::default(),
    };
    raw.set_environment(environment);
    let malformed: Vec<Problem> = settings.set.iter().filter_map(|assignment| raw.set(assignment).err()).collect();
    if malformed.is_empty() { Ok(ServerConfig::load(raw)?) } else { Err(malformed.into()) }
}

fn read(path: &Path, disk: &dyn Disk) -> std::io::Result<Vec<u8>> {
    /// A longer file is something else.
    const LONGEST: u64 = 4 << 20;
    let file = disk.open(path, OpenMode::Read)?;
    let length = file.length()?;
    if length > LONGEST {
        return Err(std::io::Error::other(format!("{length} bytes are too many for a configuration file")));
    }
    let length = usize::try_from(length).expect("below the longest");
    let mut bytes = Vec::with_capacity(length);
    file.read_at(0, length, &mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
