//! One setting: its name, type, default, what it may be, who may change it while the broker runs, and whether it does anything.

use super::value::Value;

/// What one key of server.properties or of a topic means. The tables in [`super::keys`] hold one for each.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    pub name: &'static str,
    pub value_type: ValueType,
    /// Klamm's default as text; `None` where there is none (null in Kafka's answers). Where it is not Kafka's, the key stands in
    /// [`super::deviations`].
    pub default: Option<&'static str>,
    pub validator: Validator,
    pub scope: Scope,
    /// Hidden from DescribeConfigs, as Kafka hides it.
    pub internal: bool,
    pub effect: Effect,
    pub documentation: &'static str,
}

/// Types of Kafka's ConfigDef.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ValueType {
    Boolean,
    String,
    /// 32 bits.
    Int,
    /// 16 bits.
    Short,
    /// 64 bits.
    Long,
    Double,
    List,
    /// A Java class in Kafka; here a name.
    Class,
    /// Never shown.
    Password,
}

impl ValueType {
    /// The code of the type in DescribeConfigs (KIP-569, DescribeConfigsResponse.ConfigType).
    #[must_use]
    pub const fn code(self) -> i8 {
        match self {
            Self::Boolean => 1,
            Self::String => 2,
            Self::Int => 3,
            Self::Short => 4,
            Self::Long => 5,
            Self::Double => 6,
            Self::List => 7,
            Self::Class => 8,
            Self::Password => 9,
        }
    }

    /// The name as Kafka prints it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::String => "STRING",
            Self::Int => "INT",
            Self::Short => "SHORT",
            Self::Long => "LONG",
            Self::Double => "DOUBLE",
            Self::List => "LIST",
            Self::Class => "CLASS",
            Self::Password => "PASSWORD",
        }
    }
}

/// What a value of the right type may be. Bounds are inclusive.
#[derive(Clone, Copy, Debug)]
pub enum Validator {
    Any,
    AtLeast(i64),
    Between(i64, i64),
    /// Between the first two, or the third.
    BetweenOr(i64, i64, i64),
    /// A floating-point number between the two.
    Fraction(f64, f64),
    OneOf(&'static [&'static str]),
    OneOfIgnoringCase(&'static [&'static str]),
    NotEmpty,
    /// Entries are not empty and, if names are given, among them.
    Entries {
        allowed: &'static [&'static str],
        may_be_empty: bool,
    },
    /// `*`, or `partition:broker` pairs.
    ThrottledReplicas,
    /// `id@host:port` entries.
    Voters,
    /// `host:port` entries.
    Servers,
    /// Any text that the given reading accepts; the second says what that is.
    Reading(fn(&str) -> Result<(), String>, &'static str),
}

/// Whether and for whom a key can be changed while brokers run (KIP-226).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Only in the file; DescribeConfigs says "read only".
    ReadOnly,
    /// For one broker.
    PerBroker,
    /// For one broker, or as a default for all.
    ClusterWide,
    /// Of a topic.
    Topic,
}

/// Whether a key does anything in this version.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// The named test sees that behaviour changes with it: a function's path in this crate or below `tests/`, or `compat SUITE case`.
    Acts(&'static str),
    /// Kafka has the key; Klamm takes it and does nothing about it yet, which a warning says at the start.
    Accepted,
    /// Another value than the default stops the start: to take it and do nothing would harm. The text says why.
    Refused(&'static str),
}

const fn key(name: &'static str, value_type: ValueType) -> Key {
    Key {
        name,
        value_type,
        default: None,
        validator: Validator::Any,
        scope: Scope::ReadOnly,
        internal: false,
        effect: Effect::Accepted,
        documentation: "",
    }
}

pub(super) const fn boolean(name: &'static str) -> Key {
    key(name, ValueType::Boolean)
}
pub(super) const fn string(name: &'static str) -> Key {
    key(name, ValueType::String)
}
pub(super) const fn int(name: &'static str) -> Key {
    key(name, ValueType::Int)
}
pub(super) const fn short(name: &'static str) -> Key {
    key(name, ValueType::Short)
}
pub(super) const fn long(name: &'static str) -> Key {
    key(name, ValueType::Long)
}
pub(super) const fn double(name: &'static str) -> Key {
    key(name, ValueType::Double)
}
pub(super) const fn list(name: &'static str) -> Key {
    key(name, ValueType::List).allowed(Validator::Entries { allowed: &[], may_be_empty: true })
}
pub(super) const fn class(name: &'static str) -> Key {
    key(name, ValueType::Class)
}
pub(super) const fn password(name: &'static str) -> Key {
    key(name, ValueType::Password)
}

/// How a row of the tables says what is not usual about its key.
impl Key {
    pub(super) const fn default(mut self, text: &'static str) -> Self {
        self.default = Some(text);
        self
    }
    pub(super) const fn allowed(mut self, validator: Validator) -> Self {
        self.validator = validator;
        self
    }
    pub(super) const fn at_least(self, minimum: i64) -> Self {
        self.allowed(Validator::AtLeast(minimum))
    }
    pub(super) const fn between(self, minimum: i64, maximum: i64) -> Self {
        self.allowed(Validator::Between(minimum, maximum))
    }
    pub(super) const fn one_of(self, names: &'static [&'static str]) -> Self {
        self.allowed(Validator::OneOf(names))
    }
    /// A list that may not be empty.
    pub(super) const fn not_empty(self) -> Self {
        self.allowed(Validator::Entries { allowed: &[], may_be_empty: false })
    }
    pub(super) const fn cluster_wide(mut self) -> Self {
        self.scope = Scope::ClusterWide;
        self
    }
    pub(super) const fn per_broker(mut self) -> Self {
        self.scope = Scope::PerBroker;
        self
    }
    pub(super) const fn of_topic(mut self) -> Self {
        self.scope = Scope::Topic;
        self
    }
    pub(super) const fn internal(mut self) -> Self {
        self.internal = true;
        self
    }
    pub(super) const fn acts(mut self, test: &'static str) -> Self {
        self.effect = Effect::Acts(test);
        self
    }
    pub(super) const fn refused(mut self, reason: &'static str) -> Self {
        self.effect = Effect::Refused(reason);
        self
    }
    pub(super) const fn doc(mut self, text: &'static str) -> Self {
        self.documentation = text;
        self
    }
}

impl Key {
    /// Its value is never shown.
    #[must_use]
    pub const fn is_sensitive(&self) -> bool {
        matches!(self.value_type, ValueType::Password)
    }

    /// It cannot be changed while the broker runs.
    #[must_use]
    pub const fn is_read_only(&self) -> bool {
        matches!(self.scope, Scope::ReadOnly)
    }

    /// Why this version does not take a value though it is a good one for Kafka.
    #[must_use]
    pub fn refusal(&self, value: &Value) -> Option<&'static str> {
        match self.effect {
            Effect::Refused(reason) => {
                let is_default = self.default.is_some_and(|text| self.parse(text).is_ok_and(|default| default == *value));
                (!is_default && !value.to_text().is_empty()).then_some(reason)
            }
            Effect::Acts(_) | Effect::Accepted => None,
        }
    }

    /// Reads and judges a value as Kafka's ConfigDef does.
    ///
    /// # Errors
    /// What is wrong with it, in Kafka's words where it has some.
    pub fn parse(&self, text: &str) -> Result<Value, String> {
        let value = Value::read(self.value_type, text)?;
        self.validator.judge(self.name, &value)?;
        Ok(value)
    }
}
