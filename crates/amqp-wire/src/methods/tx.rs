//! Class tx (90): transactions on a channel.

use crate::method::methods;

methods! {
    tx = 90;

    /// Makes the channel transactional.
    Select = 10 "select" {}

    /// The channel is transactional.
    SelectOk = 11 "select-ok" {}

    /// Commits the transaction and starts the next.
    Commit = 20 "commit" {}

    /// The transaction is committed.
    CommitOk = 21 "commit-ok" {}

    /// Abandons the transaction and starts the next.
    Rollback = 30 "rollback" {}

    /// The transaction is abandoned.
    RollbackOk = 31 "rollback-ok" {}
}
