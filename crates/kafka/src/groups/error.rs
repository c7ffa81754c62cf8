//! Why a request was refused, under Kafka's own names, and why a write failed.

use thiserror::Error;

/// A refusal, named after Kafka's error code; the handler maps it to the number.
///
/// `UNRELEASED_INSTANCE_ID` is missing on purpose: only groups of KIP-848 answer it. In the classic protocol a second
/// owner of an instance id takes the place of the first, which is then told [`Error::FencedInstanceId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Error)]
pub enum Error {
    /// Ours; retry after finding the coordinator again.
    #[error("the coordinator is not available")]
    CoordinatorNotAvailable,
    /// Ours; retry at the node that FindCoordinator names.
    #[error("this node is not the coordinator of the group")]
    NotCoordinator,
    /// The client's: it asks for a group with an empty name.
    #[error("the group id is empty")]
    InvalidGroupId,
    /// The client's: it must join again before it goes on.
    #[error("the generation is not the current one")]
    IllegalGeneration,
    /// The client's: it shares no protocol with the group.
    #[error("no protocol is supported by all members")]
    InconsistentGroupProtocol,
    /// The client's: it must join again, with an empty member id.
    #[error("the member is not known")]
    UnknownMemberId,
    /// The client's: the time-out is outside of the configured range.
    #[error("the session time-out is outside of the allowed range")]
    InvalidSessionTimeout,
    /// Nobody's; the member must join again.
    #[error("the group is rebalancing")]
    RebalanceInProgress,
    /// Nobody's; the member must join again with the id that comes with this answer (KIP-394).
    #[error("join again with the given member id")]
    MemberIdRequired,
    /// The operator's: the group has as many members, or as many bytes of them, as it may have.
    #[error("the group is full")]
    GroupMaxSizeReached,
    /// The client's: another process took over its instance id (KIP-345); it must stop.
    #[error("the instance id is in use by a newer member")]
    FencedInstanceId,
    /// The caller's: only a group without members can be deleted.
    #[error("the group is not empty")]
    NonEmptyGroup,
    /// The caller's: there is no such group.
    #[error("the group does not exist")]
    GroupIdNotFound,
    /// The caller's: offsets of a topic that members read cannot be deleted (KIP-496).
    #[error("the group is subscribed to the topic")]
    GroupSubscribedToTopic,
    /// The client's: its metadata string is longer than `offset.metadata.max.bytes`.
    #[error("the metadata of the offset is too large")]
    OffsetMetadataTooLarge,
    /// The client's: so many offsets at once do not fit into a write.
    #[error("the commit is too large")]
    InvalidCommitOffsetSize,
    /// The client's, where what it sent does not fit into a write; final.
    #[error("the group's state is too large to be stored")]
    UnknownServerError,
}

/// Why the driver could not make entries durable.
///
/// A failed write may still be found after a restart: a lost answer is no proof that nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Error)]
pub enum WriteFailed {
    /// The entries do not fit into the log; a retry will not help.
    #[error("the write is too large for the log")]
    TooLarge,
    /// The log cannot be written now (full disk, slow store); a retry may help.
    #[error("the log cannot be written now")]
    Unavailable,
    /// This node has lost the shard or its log; another node may have it.
    #[error("this node no longer owns the log")]
    Lost,
}

impl WriteFailed {
    /// What the members of a group are told when its state could not be written.
    pub(super) fn of_group(self) -> Error {
        match self {
            Self::TooLarge => Error::UnknownServerError,
            Self::Unavailable => Error::CoordinatorNotAvailable,
            Self::Lost => Error::NotCoordinator,
        }
    }

    /// What a client is told when its offsets could not be written.
    pub(super) fn of_offsets(self) -> Error {
        match self {
            Self::TooLarge => Error::InvalidCommitOffsetSize,
            Self::Unavailable => Error::CoordinatorNotAvailable,
            Self::Lost => Error::NotCoordinator,
        }
    }
}
