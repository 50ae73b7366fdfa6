//! From text to a value and back, as Kafka's ConfigDef reads and prints.

use std::collections::BTreeSet;

use super::key::{Validator, ValueType};

/// A read value.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    Boolean(bool),
    /// INT, SHORT and LONG.
    Integer(i64),
    Double(f64),
    /// STRING, CLASS and PASSWORD.
    Text(String),
    List(Vec<String>),
}

/// Java's `String.trim`: everything up to and including the space.
fn trim(text: &str) -> &str {
    text.trim_matches(|character| character <= ' ')
}

impl Value {
    /// # Errors
    /// When the text is not of the type.
    pub(super) fn read(value_type: ValueType, text: &str) -> Result<Self, String> {
        let text = trim(text);
        let not_a_number = || format!("Not a number of type {}", value_type.name());
        let integer = |minimum: i64, maximum: i64| {
            let number = text.parse::<i64>().ok().filter(|number| (minimum..=maximum).contains(number));
            number.map(Self::Integer).ok_or_else(not_a_number)
        };
        match value_type {
            ValueType::Boolean if text.eq_ignore_ascii_case("true") => Ok(Self::Boolean(true)),
            ValueType::Boolean if text.eq_ignore_ascii_case("false") => Ok(Self::Boolean(false)),
            ValueType::Boolean => Err("Expected value to be either true or false".to_owned()),
            ValueType::Int => integer(i32::MIN.into(), i32::MAX.into()),
            ValueType::Short => integer(i16::MIN.into(), i16::MAX.into()),
            ValueType::Long => integer(i64::MIN, i64::MAX),
            ValueType::Double => read_double(text).map(Self::Double).ok_or_else(not_a_number),
            ValueType::String | ValueType::Class | ValueType::Password => Ok(Self::Text(text.to_owned())),
            ValueType::List => Ok(Self::List(read_list(text))),
        }
    }

    /// The number of an INT, SHORT or LONG.
    pub(super) fn integer(self) -> Option<i64> {
        if let Self::Integer(number) = self { Some(number) } else { None }
    }

    /// The text of a STRING, CLASS or PASSWORD.
    pub(super) fn text(self) -> Option<String> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The entries of a LIST.
    pub(super) fn list(self) -> Option<Vec<String>> {
        if let Self::List(entries) = self { Some(entries) } else { None }
    }

    /// The value as Kafka prints it in DescribeConfigs.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Boolean(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Double(value) => print_double(*value),
            Self::Text(value) => value.clone(),
            Self::List(entries) => entries.join(","),
        }
    }
}

/// Finite decimal numbers in Java's notation: a trailing `f` or `d` is allowed, names such as `NaN` are not.
fn read_double(text: &str) -> Option<f64> {
    let digits = text.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(text);
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'));
    digits.parse::<f64>().ok().filter(|value| is_number && value.is_finite())
}

/// Java's `Double.toString`: plain between 0.001 and ten million, else one digit, fraction and exponent.
fn print_double(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || (0.001..10_000_000.0).contains(&size) {
        return format!("{value:?}");
    }
    let text = format!("{value:E}");
    match text.split_once('E') {
        Some((mantissa, exponent)) if !mantissa.contains('.') => format!("{mantissa}.0E{exponent}"),
        _ => text,
    }
}

/// Entries between commas, trimmed; the first of equal ones stays.
fn read_list(text: &str) -> Vec<String> {
    let mut entries: Vec<String> = Vec::new();
    if text.is_empty() {
        return entries;
    }
    let mut seen = BTreeSet::new();
    for entry in text.split(',').map(str::trim) {
        if seen.insert(entry) {
            entries.push(entry.to_owned());
        }
    }
    entries
}

impl Validator {
    /// # Errors
    /// What the value should have been.
    pub(super) fn judge(&self, key: &str, value: &Value) -> Result<(), String> {
        match (self, value) {
            (Self::AtLeast(minimum), Value::Integer(number)) => at_least(*number, *minimum),
            (Self::Between(minimum, maximum), Value::Integer(number)) => {
                at_least(*number, *minimum)?;
                no_more_than(*number, *maximum)
            }
            (Self::BetweenOr(minimum, maximum, other), Value::Integer(number)) => {
                let fits = number == other || (minimum..=maximum).contains(&number);
                fits.then_some(()).ok_or_else(|| format!("Value must be between {minimum} and {maximum} or equal to {other}"))
            }
            (Self::Fraction(minimum, maximum), Value::Double(number)) => {
                at_least(*number, *minimum)?;
                no_more_than(*number, *maximum)
            }
            (Self::OneOf(names), Value::Text(text)) => one_of(names, text),
            (Self::OneOfIgnoringCase(names), Value::Text(text)) => {
                let fits = names.iter().any(|name| name.eq_ignore_ascii_case(text));
                fits.then_some(()).ok_or_else(|| format!("String must be one of (case insensitive): {}", names.join(", ")))
            }
            (Self::NotEmpty, Value::Text(text)) if text.is_empty() => Err("String must be non-empty".to_owned()),
            (Self::Entries { allowed, may_be_empty }, Value::List(entries)) => {
                judge_entries(key, entries, allowed, *may_be_empty)
            }
            (Self::ThrottledReplicas, Value::List(entries)) => judge_throttled_replicas(key, entries),
            (Self::Voters, Value::List(entries)) => {
                each(entries, is_voter, "Each entry must be of the form id@host:port or directory-id@host:port")
            }
            (Self::Servers, Value::List(entries)) => each(entries, is_server, "Each entry must be of the form host:port"),
            (Self::Reading(read, _), Value::Text(text)) => read(text),
            (Self::Any | Self::NotEmpty, _) => Ok(()),
            (_, value) => unreachable!("{key} has the validator of another type than {value:?}"),
        }
    }

    /// What it allows, for the documentation; empty when that is everything.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Any => String::new(),
            Self::AtLeast(minimum) => format!("{minimum} or more"),
            Self::Between(minimum, maximum) => format!("{minimum} to {maximum}"),
            Self::BetweenOr(minimum, maximum, other) => format!("{minimum} to {maximum}, or {other}"),
            Self::Fraction(minimum, maximum) => format!("{minimum} to {maximum}"),
            Self::OneOf(names) | Self::OneOfIgnoringCase(names) => names.join(", "),
            Self::NotEmpty | Self::Entries { allowed: [], may_be_empty: false } => "not empty".to_owned(),
            Self::Entries { allowed: [], may_be_empty: true } => String::new(),
            Self::Entries { allowed, may_be_empty: false } => format!("one or more of {}", allowed.join(", ")),
            Self::Entries { allowed, may_be_empty: true } => format!("any of {}", allowed.join(", ")),
            Self::ThrottledReplicas => "* or partition:broker, …".to_owned(),
            Self::Voters => "id@host:port, …".to_owned(),
            Self::Servers => "host:port, …".to_owned(),
            Self::Reading(_, allowed) => (*allowed).to_owned(),
        }
    }
}

fn at_least<N: PartialOrd + std::fmt::Display>(number: N, minimum: N) -> Result<(), String> {
    if number < minimum { Err(format!("Value must be at least {minimum}")) } else { Ok(()) }
}

fn no_more_than<N: PartialOrd + std::fmt::Display>(number: N, maximum: N) -> Result<(), String> {
    if number > maximum { Err(format!("Value must be no more than {maximum}")) } else { Ok(()) }
}

fn one_of(names: &[&str], text: &str) -> Result<(), String> {
    if names.contains(&text) { Ok(()) } else { Err(format!("String must be one of: {}", names.join(", "))) }
}

fn each(entries: &[String], fits: fn(&str) -> bool, otherwise: &str) -> Result<(), String> {
    if entries.iter().all(|entry| fits(entry)) { Ok(()) } else { Err(otherwise.to_owned()) }
}

fn judge_entries(key: &str, entries: &[String], allowed: &[&str], may_be_empty: bool) -> Result<(), String> {
    if entries.is_empty() && !may_be_empty {
        return Err(format!("{key} must not be empty"));
    }
    for entry in entries {
        if entry.is_empty() {
            return Err(format!("{key} values must not be empty"));
        }
        if !allowed.is_empty() {
            one_of(allowed, entry)?;
        }
    }
    Ok(())
}

fn judge_throttled_replicas(key: &str, entries: &[String]) -> Result<(), String> {
    let is_pair = |entry: &String| {
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        entry.split_once(':').is_some_and(|(partition, broker)| is_number(partition) && is_number(broker))
    };
    if matches!(entries, [all] if all == "*") || entries.iter().all(is_pair) {
        return Ok(());
    }
    Err(format!(
        "{key} must be the literal '*' or a list of replicas in the following format: \
         [partitionId]:[brokerId],[partitionId]:[brokerId],..."
    ))
}

fn is_server(entry: &str) -> bool {
    entry.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}

fn is_voter(entry: &str) -> bool {
    entry.split_once('@').is_some_and(|(id, server)| id.parse::<u32>().is_ok() && is_server(server))
}

#[cfg(test)]
#[path = "value_tests.rs"]
mod tests;
