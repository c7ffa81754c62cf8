//! Why changes of the catalog are not made.

use super::Closed;

/// Why a topic was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// There is a topic of that name.
    #[error("the topic exists")]
    Exists,
    /// There is no topic of that name.
    #[error("the topic does not exist")]
    Unknown,
    /// Partitions can only be added.
    #[error("the topic has {0} partitions")]
    NotMore(usize),
    /// There would be more streams than this.
    #[error("there can be at most {0} partitions in all")]
    TooMany(usize),
    /// The log takes no more writes.
    #[error(transparent)]
    Closed(#[from] Closed),
}

/// Whether a declaration made something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// It did.
    New,
    /// There was one of that name. Whether it is the same is for the caller to compare.
    Existing,
}

/// Why the topology was not changed. Nothing of the change was made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopologyError {
    /// There is no vhost of that name.
    #[error("the vhost does not exist")]
    NoVhost,
    /// There is no user of that name.
    #[error("the user does not exist")]
    NoUser,
    /// There is no exchange of that name in the vhost.
    #[error("the exchange does not exist")]
    NoExchange,
    /// There is no such queue (any more).
    #[error("the queue does not exist")]
    NoQueue,
    /// The exchange has bindings, and was to be removed only without any; or the vhost has stored queues.
    #[error("it is still in use")]
    InUse,
    /// The exchange lives as long as its vhost.
    #[error("the exchange is one that every vhost has")]
    Predeclared,
    /// A text is longer than this many bytes, or a list than this many elements.
    #[error("the {0} is longer than {1}")]
    TooLong(&'static str, usize),
    /// There would be more than this.
    #[error("there can be at most {1} {0}")]
    TooMany(&'static str, usize),
    /// The log takes no more writes: the change may or may not be stored.
    #[error(transparent)]
    Closed(#[from] Closed),
}
