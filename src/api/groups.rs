//! What the handlers of groups share: the right to a group, ids and texts out of a request's frame.

use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::protocol::StrBytes;

use super::context::RequestContext;
use crate::broker::Broker;
use crate::protocol::ErrorCode;
use crate::security::{Authorized, Operation};
use crate::types::GroupId;

/// Checks the right to a group.
///
/// # Errors
/// GROUP_AUTHORIZATION_FAILED.
pub(super) fn authorize(
    broker: &Broker,
    context: &RequestContext,
    operation: Operation,
    group: &str,
) -> Result<Authorized<GroupId>, ErrorCode> {
    let authorized = broker.security.authorize(&context.principal, operation, GroupId::new(group));
    authorized.ok_or(ErrorCode::GroupAuthorizationFailed)
}

/// As [`authorize`], for what a group without a name cannot do.
///
/// # Errors
/// GROUP_AUTHORIZATION_FAILED, then INVALID_GROUP_ID.
pub(super) fn authorize_named(
    broker: &Broker,
    context: &RequestContext,
    operation: Operation,
    group: &str,
) -> Result<Authorized<GroupId>, ErrorCode> {
    let authorized = authorize(broker, context, operation, group)?;
    if group.is_empty() { Err(ErrorCode::InvalidGroupId) } else { Ok(authorized) }
}

/// A copy that does not keep the frame.
pub(super) fn owned(text: &StrBytes) -> Arc<str> {
    Arc::from(&**text)
}

pub(super) fn owned_option(text: Option<&StrBytes>) -> Option<Arc<str>> {
    text.map(owned)
}

pub(super) fn owned_bytes(bytes: &Bytes) -> Bytes {
    Bytes::copy_from_slice(bytes)
}
