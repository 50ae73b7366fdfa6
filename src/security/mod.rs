//! Who may do what.
//!
//! Owns: principals, operations, resources, the authoriser, and the only constructor of [`Authorized`].
//! Never does: input or output.
//! Invariants: a core call that needs a right takes an `Authorized` value, so that forgetting the check does not compile.

mod authorizer;

pub use authorizer::{
    AllowAll, Authorized, Authorizer, CLUSTER_OPERATIONS, Cluster, DenyAll, GROUP_OPERATIONS, Operation, Principal, Resource,
    Securable, Security, TOPIC_OPERATIONS,
};
