//! What AlterConfigs and IncrementalAlterConfigs have in common: Kafka's order of checks (ConfigAdminManager on the broker, then
//! ControllerApis and ConfigurationControlManager on the controller).
//!
//! Needs AlterConfigs on the topic or the group; on the cluster for brokers, their loggers and client metrics.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kafka_protocol::protocol::StrBytes;

use super::context::RequestContext;
use super::errors::{controller_error, reason};
use crate::broker::Broker;
use crate::config::{ConfigChanges, ConfigOperation, ConfigRefusal, LogLevel, UnknownOperation, judge_logger_changes};
use crate::controller::Refusal;
use crate::metadata::ConfigResource;
use crate::metadata::records::ConfigResourceType;
use crate::protocol::ErrorCode;
use crate::security::{Authorized, Operation};

/// Most resources, and most settings of all of them together, that a request may name. Each may become a record, and one decision of
/// Kafka's controller may have so many (MAX_RECORDS_PER_USER_OP).
const MOST: usize = 10_000;

/// Codes of operations (AlterConfigOp.OpType).
const SET: i8 = 0;
const DELETE: i8 = 1;

/// A resource as a request names it.
pub(super) struct Asked {
    pub(super) resource_type: i8,
    pub(super) name: StrBytes,
    pub(super) settings: Vec<AskedSetting>,
}

pub(super) struct AskedSetting {
    pub(super) name: StrBytes,
    /// What to do with it; of no meaning in AlterConfigs.
    pub(super) operation: i8,
    pub(super) value: Option<StrBytes>,
}

/// What kind of change a request asks for.
#[derive(Clone, Copy)]
pub(super) struct Way {
    /// All settings are replaced (AlterConfigs), not some changed.
    pub(super) replaces: bool,
    pub(super) validate_only: bool,
}

/// What became of a resource.
pub(super) struct Answer {
    pub(super) code: ErrorCode,
    /// `None` when it was changed, and where Kafka says nothing either.
    pub(super) message: Option<String>,
}

impl Answer {
    const CHANGED: Self = Self { code: ErrorCode::None, message: None };

    fn refused(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: Some(message.into()) }
    }

    /// A fault of Kafka's, which says no more than that.
    const fn fault() -> Self {
        Self { code: ErrorCode::UnknownServerError, message: None }
    }
}

impl From<ConfigRefusal> for Answer {
    fn from(refusal: ConfigRefusal) -> Self {
        match refusal {
            ConfigRefusal::InvalidConfig(message) => Self::refused(ErrorCode::InvalidConfig, message),
            ConfigRefusal::InvalidRequest(message) => Self::refused(ErrorCode::InvalidRequest, message),
        }
    }
}

/// What this broker says to a resource.
enum Judged {
    Answered(Answer),
    /// For the controller.
    Passed(Authorized<ConfigResource>, ConfigChanges),
    /// For the controller, which falls over it: an operation that nobody knows.
    Unknown,
}

/// Answers in the order of the request.
pub(super) async fn alter(broker: &Arc<Broker>, context: &RequestContext, asked: &[Asked], way: Way) -> Vec<Answer> {
    let settings: usize = asked.iter().map(|resource| resource.settings.len()).sum();
    if asked.len() > MOST || settings > MOST {
        // A message would stand in each of very many answers.
        return asked.iter().map(|_| Answer { code: ErrorCode::PolicyViolation, message: None }).collect();
    }
    let mut times: BTreeMap<(i8, &str), usize> = BTreeMap::new();
    for resource in asked {
        *times.entry((resource.resource_type, &*resource.name)).or_default() += 1;
    }
    let judged = asked.iter().map(|resource| match times.get(&(resource.resource_type, &*resource.name)) {
        Some(1) => judge(broker, context, resource, way).unwrap_or_else(Judged::Answered),
        _ => Judged::Answered(Answer::refused(ErrorCode::InvalidRequest, "Each resource must appear at most once.")),
    });
    let judged: Vec<Judged> = judged.collect();
    let falls_over = judged.iter().any(|judged| matches!(judged, Judged::Unknown));
    let mut passed = Vec::new();
    let answers: Vec<Option<Answer>> = judged
        .into_iter()
        .map(|judged| match judged {
            Judged::Answered(answer) => Some(answer),
            Judged::Passed(..) | Judged::Unknown if falls_over => Some(Answer::fault()),
            Judged::Passed(resource, changes) => {
                passed.push((resource, changes));
                None
            }
            Judged::Unknown => Some(Answer::fault()),
        })
        .collect();
    let mut decided =
        if passed.is_empty() { Vec::new() } else { ask_controller(broker, passed, way.validate_only).await }.into_iter();
    let answer = |answer: Option<Answer>| answer.or_else(|| decided.next()).unwrap_or_else(Answer::fault);
    answers.into_iter().map(answer).collect()
}

async fn ask_controller(
    broker: &Arc<Broker>,
    passed: Vec<(Authorized<ConfigResource>, ConfigChanges)>,
    validate_only: bool,
) -> Vec<Answer> {
    let count = passed.len();
    match broker.alter_configs(passed, validate_only).await {
        Ok(results) => {
            let answer = |result: Result<(), Refusal>| match result {
                Ok(()) => Answer::CHANGED,
                Err(refusal) => Answer::refused(reason(refusal.reason), refusal.message),
            };
            results.into_iter().map(answer).collect()
        }
        Err(error) => {
            let (code, message) = controller_error(&error);
            (0..count).map(|_| Answer::refused(code, message.clone())).collect()
        }
    }
}

fn judge(broker: &Broker, context: &RequestContext, asked: &Asked, way: Way) -> Result<Judged, Answer> {
    check_settings(asked, way)?;
    let resource_type = ConfigResourceType::from_code(asked.resource_type);
    let unknown = || Answer::refused(ErrorCode::InvalidRequest, format!("Unknown resource type {}", asked.resource_type));
    let resource = ConfigResource { resource_type: resource_type.ok_or_else(unknown)?, name: asked.name.to_string() };
    let resource_type = resource.resource_type;
    let authorized = broker.security.authorize(&context.principal, Operation::AlterConfigs, resource);
    let authorized = authorized.ok_or_else(|| Answer::refused(not_allowed(resource_type), "Authorization failed."))?;
    let operations = asked.settings.iter().map(|setting| {
        let code = if way.replaces { SET } else { setting.operation };
        (setting.name.to_string(), ConfigOperation::from_wire(code, setting.value.as_deref()))
    });
    let operations: Vec<_> = operations.collect();
    if resource_type == ConfigResourceType::BrokerLogger {
        if way.replaces {
            return Err(unknown());
        }
        return alter_loggers(broker, &authorized, &operations, way.validate_only).map(|()| Judged::Answered(Answer::CHANGED));
    }
    let known: Result<Vec<_>, UnknownOperation> =
        operations.into_iter().map(|(name, operation)| Ok((name, operation?))).collect();
    let changes = match known {
        Ok(_) if way.replaces => ConfigChanges::All(all_settings(asked)),
        Ok(operations) => ConfigChanges::Some(operations),
        Err(UnknownOperation(code)) if resource_type == ConfigResourceType::Broker => {
            return Err(Answer::refused(ErrorCode::InvalidRequest, format!("Unknown operations type {code}")));
        }
        Err(_) => return Ok(Judged::Unknown),
    };
    if resource_type == ConfigResourceType::Broker {
        broker.judge_broker_changes(&authorized, &changes)?;
    }
    Ok(Judged::Passed(authorized, changes))
}

/// Names stand once, and only what is deleted has no value.
fn check_settings(asked: &Asked, way: Way) -> Result<(), Answer> {
    let mut seen = BTreeSet::new();
    if !asked.settings.iter().all(|setting| seen.insert(&*setting.name)) {
        return Err(Answer::refused(ErrorCode::InvalidRequest, "Error due to duplicate config keys"));
    }
    let needs_value = |setting: &&AskedSetting| way.replaces || setting.operation != DELETE;
    let nulls = asked.settings.iter().filter(needs_value).filter(|setting| setting.value.is_none());
    let nulls: Vec<&str> = nulls.map(|setting| &*setting.name).collect();
    if nulls.is_empty() {
        return Ok(());
    }
    Err(Answer::refused(ErrorCode::InvalidRequest, format!("Null value not supported for : {}", nulls.join(", "))))
}

fn all_settings(asked: &Asked) -> BTreeMap<String, String> {
    let value = |setting: &AskedSetting| setting.value.as_ref().map(ToString::to_string).unwrap_or_default();
    asked.settings.iter().map(|setting| (setting.name.to_string(), value(setting))).collect()
}

/// Code of a missing right.
pub(super) const fn not_allowed(resource_type: ConfigResourceType) -> ErrorCode {
    match resource_type {
        ConfigResourceType::Topic => ErrorCode::TopicAuthorizationFailed,
        ConfigResourceType::Group => ErrorCode::GroupAuthorizationFailed,
        ConfigResourceType::Broker | ConfigResourceType::BrokerLogger | ConfigResourceType::ClientMetrics => {
            ErrorCode::ClusterAuthorizationFailed
        }
    }
}

/// Loggers are this process's own: nothing of them is kept, and they change at once.
fn alter_loggers(
    broker: &Broker,
    resource: &Authorized<ConfigResource>,
    operations: &[(String, Result<ConfigOperation, UnknownOperation>)],
    validate_only: bool,
) -> Result<(), Answer> {
    let (name, id) = (&resource.get().name, broker.config.node_id);
    match name.parse::<i32>() {
        Err(_) => {
            return Err(Answer::refused(ErrorCode::InvalidRequest, format!("Node id must be an integer, but it is: {name}")));
        }
        Ok(asked) if asked != id.0 => {
            let message = format!("Unexpected node id. Expected {id}, but received {name}");
            return Err(Answer::refused(ErrorCode::InvalidRequest, message));
        }
        Ok(_) => {}
    }
    let changes = judge_logger_changes(|name| broker.loggers.exists(name), operations)
        .map_err(|refusal| refusal.map_or_else(Answer::fault, Answer::from))?;
    if !validate_only {
        for (logger, level) in changes {
            broker.loggers.set(&logger, level);
            tracing::warn!(logger, level = level.map(LogLevel::name), "log level changed");
        }
    }
    Ok(())
}
