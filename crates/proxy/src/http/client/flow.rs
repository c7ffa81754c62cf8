//! How a phase, or a handler, ends.

use std::sync::Arc;

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Flow {
    /// The next phase.
    Next,
    /// The request ends with that status: its error page, or ours. 444 closes without an answer.
    Respond(u16),
    /// The request goes on at another URI, as if the client had asked for it, but internally.
    Redirect {
        /// Normalised.
        uri: Vec<u8>,
        /// Without `?`.
        args: Vec<u8>,
    },
    /// It goes on in the location `@NAME`.
    Named(Arc<str>),
    /// A response was sent to its end.
    Done,
}

/// Why a handler cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Abort {
    /// The request ends with that status, if nothing was sent yet; else as `Cut`.
    Respond(u16),
    /// The client is gone (499).
    Gone,
    /// The client took, or sent, nothing for too long.
    TimedOut,
    /// The response cannot be sent to its end: the connection is closed so that the client notices.
    Cut,
}
