//! Why a channel or a connection is closed by us: code, text and level.

use amqp_wire::ReplyCode;
use std::fmt;

/// What is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// The channel that the mistake was made on.
    Channel,
    /// The connection.
    Connection,
}

/// A mistake of the client's, or something that we cannot do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) level: Level,
    pub(crate) code: ReplyCode,
    text: Box<str>,
}

/// What an operation of a session comes to.
pub(crate) type Outcome<T = ()> = Result<T, Box<Failure>>;

impl Failure {
    /// Closes the channel.
    pub(crate) fn channel(code: ReplyCode, text: impl Into<Box<str>>) -> Box<Self> {
        Box::new(Self {
            level: Level::Channel,
            code,
            text: text.into(),
        })
    }

    /// Closes the connection.
    pub(crate) fn connection(code: ReplyCode, text: impl Into<Box<str>>) -> Box<Self> {
        Box::new(Self {
            level: Level::Connection,
            code,
            text: text.into(),
        })
    }

    /// 406: the request's conditions do not hold.
    pub(crate) fn precondition(text: impl Into<Box<str>>) -> Box<Self> {
        Self::channel(ReplyCode::PreconditionFailed, text)
    }

    /// 403: the user may not do this.
    pub(crate) fn refused(text: impl Into<Box<str>>) -> Box<Self> {
        Self::channel(ReplyCode::AccessRefused, text)
    }

    /// 404, of a queue.
    pub(crate) fn no_queue(name: &str, vhost: &str) -> Box<Self> {
        let text = format!("no queue '{name}' in vhost '{vhost}'");
        Self::channel(ReplyCode::NotFound, text)
    }

    /// 404, of an exchange.
    pub(crate) fn no_exchange(name: &str, vhost: &str) -> Box<Self> {
        let text = format!("no exchange '{name}' in vhost '{vhost}'");
        Self::channel(ReplyCode::NotFound, text)
    }

    /// 405: the queue belongs to another connection.
    pub(crate) fn locked(name: &str, vhost: &str) -> Box<Self> {
        let text = format!(
            "cannot obtain exclusive access to locked queue '{name}' in vhost '{vhost}'. It could be originally declared on another connection or the exclusive property value does not match that of the original declaration."
        );
        Self::channel(ReplyCode::ResourceLocked, text)
    }

    /// 540: not served.
    pub(crate) fn not_implemented(text: impl Into<Box<str>>) -> Box<Self> {
        Self::connection(ReplyCode::NotImplemented, text)
    }

    /// 541: our fault.
    pub(crate) fn internal(text: impl Into<Box<str>>) -> Box<Self> {
        Self::connection(ReplyCode::InternalError, text)
    }
}

/// As RabbitMQ words its reply texts, which clients take apart.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} - {}", self.code, self.text)
    }
}
