//! The authoriser and its proof.

use std::fmt::Debug;
use std::sync::Arc;

use crate::types::{TopicName, TopicPartition};

/// Kafka's ACL operations, with their codes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i8)]
pub enum Operation {
    Read = 3,
    Write = 4,
    Create = 5,
    Delete = 6,
    Alter = 7,
    Describe = 8,
    ClusterAction = 9,
    DescribeConfigs = 10,
    AlterConfigs = 11,
    IdempotentWrite = 12,
}

/// What a right is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Resource<'a> {
    Topic(&'a str),
    Group(&'a str),
    Cluster,
    TransactionalId(&'a str),
}

/// Who asks.
#[derive(Clone, PartialEq, Eq, Debug, Hash)]
pub struct Principal {
    pub name: Arc<str>,
}

impl Principal {
    /// Kafka's principal of an unauthenticated connection.
    #[must_use]
    pub fn anonymous() -> Self {
        Self { name: Arc::from("User:ANONYMOUS") }
    }
}

pub trait Authorizer: Send + Sync + Debug {
    fn allows(&self, principal: &Principal, operation: Operation, resource: Resource<'_>) -> bool;
}

/// No authoriser is configured: everybody may do everything, as in Kafka.
#[derive(Debug)]
pub struct AllowAll;

impl Authorizer for AllowAll {
    fn allows(&self, _: &Principal, _: Operation, _: Resource<'_>) -> bool {
        true
    }
}

/// Refuses everything; for tests.
#[derive(Debug)]
pub struct DenyAll;

impl Authorizer for DenyAll {
    fn allows(&self, _: &Principal, _: Operation, _: Resource<'_>) -> bool {
        false
    }
}

/// Proof that the right to use `T` was checked. Only [`Security`] makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorized<T>(T);

impl<T> Authorized<T> {
    pub fn get(&self) -> &T {
        &self.0
    }

    pub fn into_inner(self) -> T {
        self.0
    }
}

/// A value that names a resource.
pub trait Securable {
    fn resource(&self) -> Resource<'_>;
}

impl Securable for TopicName {
    fn resource(&self) -> Resource<'_> {
        Resource::Topic(self.as_str())
    }
}

impl Securable for TopicPartition {
    fn resource(&self) -> Resource<'_> {
        Resource::Topic(self.topic.as_str())
    }
}

/// The cluster itself as a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cluster;

impl Securable for Cluster {
    fn resource(&self) -> Resource<'_> {
        Resource::Cluster
    }
}

/// Checks rights and hands out the proof.
#[derive(Clone, Debug)]
pub struct Security {
    authorizer: Arc<dyn Authorizer>,
}

impl Security {
    #[must_use]
    pub fn new(authorizer: Arc<dyn Authorizer>) -> Self {
        Self { authorizer }
    }

    /// `None` when `principal` lacks the right; the caller answers with Kafka's code for the resource.
    #[must_use]
    pub fn authorize<T: Securable>(&self, principal: &Principal, operation: Operation, value: T) -> Option<Authorized<T>> {
        self.authorizer.allows(principal, operation, value.resource()).then_some(Authorized(value))
    }

    /// A check that needs no proof (filtering lists, authorised-operations bits).
    #[must_use]
    pub fn allows(&self, principal: &Principal, operation: Operation, resource: Resource<'_>) -> bool {
        self.authorizer.allows(principal, operation, resource)
    }
}
