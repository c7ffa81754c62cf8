//! The numbers of the group coordinator's errors on the wire.

use crate::groups::Error;
use kafka_wire::ErrorCode;

impl From<Error> for ErrorCode {
    fn from(error: Error) -> Self {
        match error {
            Error::CoordinatorNotAvailable => Self::CoordinatorNotAvailable,
            Error::NotCoordinator => Self::NotCoordinator,
            Error::InvalidGroupId => Self::InvalidGroupId,
            Error::IllegalGeneration => Self::IllegalGeneration,
            Error::InconsistentGroupProtocol => Self::InconsistentGroupProtocol,
            Error::UnknownMemberId => Self::UnknownMemberId,
            Error::InvalidSessionTimeout => Self::InvalidSessionTimeout,
            Error::RebalanceInProgress => Self::RebalanceInProgress,
            Error::MemberIdRequired => Self::MemberIdRequired,
            Error::GroupMaxSizeReached => Self::GroupMaxSizeReached,
            Error::FencedInstanceId => Self::FencedInstanceId,
            Error::NonEmptyGroup => Self::NonEmptyGroup,
            Error::GroupIdNotFound => Self::GroupIdNotFound,
            Error::GroupSubscribedToTopic => Self::GroupSubscribedToTopic,
            Error::OffsetMetadataTooLarge => Self::OffsetMetadataTooLarge,
            Error::InvalidCommitOffsetSize => Self::InvalidCommitOffsetSize,
            Error::UnknownServerError => Self::UnknownServerError,
        }
    }
}
