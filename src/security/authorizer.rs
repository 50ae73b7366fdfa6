//! The authoriser and its proof.

use std::fmt::Debug;
use std::sync::Arc;

use crate::metadata::ConfigResource;
use crate::metadata::records::ConfigResourceType;
use crate::types::{GroupId, TopicName, TopicPartition};

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

/// Operations that a topic has (AclEntry.supportedOperations).
pub const TOPIC_OPERATIONS: &[Operation] = &[
    Operation::Read,
    Operation::Write,
    Operation::Create,
    Operation::Describe,
    Operation::Delete,
    Operation::Alter,
    Operation::DescribeConfigs,
    Operation::AlterConfigs,
];

/// Operations that a group has.
pub const GROUP_OPERATIONS: &[Operation] =
    &[Operation::Read, Operation::Describe, Operation::Delete, Operation::DescribeConfigs, Operation::AlterConfigs];

/// Operations that the cluster has.
pub const CLUSTER_OPERATIONS: &[Operation] = &[
    Operation::Create,
    Operation::ClusterAction,
    Operation::DescribeConfigs,
    Operation::AlterConfigs,
    Operation::IdempotentWrite,
    Operation::Alter,
    Operation::Describe,
];

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

    /// Whether the operation is allowed on any topic at all (Authorizer.authorizeByResourceType).
    fn allows_any_topic(&self, principal: &Principal, operation: Operation) -> bool;
}

/// No authoriser is configured: everybody may do everything, as in Kafka.
#[derive(Debug)]
pub struct AllowAll;

impl Authorizer for AllowAll {
    fn allows(&self, _: &Principal, _: Operation, _: Resource<'_>) -> bool {
        true
    }

    fn allows_any_topic(&self, _: &Principal, _: Operation) -> bool {
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

    fn allows_any_topic(&self, _: &Principal, _: Operation) -> bool {
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

impl Securable for GroupId {
    fn resource(&self) -> Resource<'_> {
        Resource::Group(self.as_str())
    }
}

/// The settings of brokers, of their loggers and of client metrics belong to the cluster.
impl Securable for ConfigResource {
    fn resource(&self) -> Resource<'_> {
        match self.resource_type {
            ConfigResourceType::Topic => Resource::Topic(&self.name),
            ConfigResourceType::Group => Resource::Group(&self.name),
            ConfigResourceType::Broker | ConfigResourceType::BrokerLogger | ConfigResourceType::ClientMetrics => {
                Resource::Cluster
            }
        }
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

    /// The right to a topic, given by `on_cluster` on the whole cluster or by `on_value` on the value itself.
    #[must_use]
    pub fn authorize_by_cluster<T: Securable>(
        &self,
        principal: &Principal,
        on_cluster: Operation,
        on_value: Operation,
        value: T,
    ) -> Option<Authorized<T>> {
        let allowed = self.allows(principal, on_cluster, Resource::Cluster) || self.allows(principal, on_value, value.resource());
        allowed.then_some(Authorized(value))
    }

    /// The right to be an idempotent producer: IdempotentWrite on the cluster, or Write on any topic.
    #[must_use]
    pub fn authorize_idempotent_writer(&self, principal: &Principal) -> Option<Authorized<Cluster>> {
        let allowed = self.allows(principal, Operation::IdempotentWrite, Resource::Cluster)
            || self.authorizer.allows_any_topic(principal, Operation::Write);
        allowed.then_some(Authorized(Cluster))
    }

    /// Kafka's bit field of authorised operations: bit n stands for the operation with code n.
    #[must_use]
    pub fn operations(&self, principal: &Principal, resource: Resource<'_>, applicable: &[Operation]) -> i32 {
        let allowed = applicable.iter().filter(|operation| self.allows(principal, **operation, resource));
        allowed.fold(0, |bits, operation| bits | (1 << (*operation as i8)))
    }

    /// A check that needs no proof (filtering lists, authorised-operations bits).
    #[must_use]
    pub fn allows(&self, principal: &Principal, operation: Operation, resource: Resource<'_>) -> bool {
        self.authorizer.allows(principal, operation, resource)
    }
}
