//! Why the group coordinator does not do what is asked.

/// Each has one Kafka code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, thiserror::Error)]
pub enum Refusal {
    #[error("the member is not known to the group")]
    UnknownMemberId,
    #[error("the generation is not the group's")]
    IllegalGeneration,
    #[error("another member has taken this group.instance.id")]
    FencedInstanceId,
    #[error("the group is rebalancing")]
    RebalanceInProgress,
    #[error("the group's members use other protocols")]
    InconsistentGroupProtocol,
    #[error("the session timeout is outside group.min.session.timeout.ms and group.max.session.timeout.ms")]
    InvalidSessionTimeout,
    /// The member id to come back with is part of the reply.
    #[error("join again with the member id given")]
    MemberIdRequired,
    #[error("the group has group.max.size members")]
    GroupMaxSizeReached,
    #[error("there is no such group")]
    GroupIdNotFound,
    #[error("the group has members")]
    NonEmptyGroup,
    #[error("the group consumes the topic")]
    GroupSubscribedToTopic,
    #[error("the metadata is larger than offset.metadata.max.bytes")]
    OffsetMetadataTooLarge,
    /// The records of one commit do not fit into one batch.
    #[error("the commit is too large")]
    InvalidCommitOffsetSize,
    /// The group's record does not fit into one batch: UNKNOWN_SERVER_ERROR, as Kafka says.
    #[error("the group's metadata is too large to be stored")]
    GroupTooLarge,
    #[error("the request contradicts itself")]
    InvalidRequest,
}
