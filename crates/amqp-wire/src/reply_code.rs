//! Reply codes: why a channel or a connection is closed, or a message returned.

use std::fmt;

/// What a reply code closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Nothing.
    Success,
    /// The channel (the specification's *soft error*).
    Channel,
    /// The connection (the specification's *hard error*).
    Connection,
}

macro_rules! reply_codes {
    ($($(#[$meta:meta])* $name:ident = $code:literal $text:literal $severity:ident;)*) => {
        /// The reply codes of AMQP 0-9-1.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ReplyCode {
            $($(#[$meta])* $name = $code,)*
        }

        impl ReplyCode {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code with this number.
            #[must_use]
            pub fn from_code(code: u16) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Its name, as RabbitMQ starts its reply texts.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// What it closes.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self {
                    $(Self::$name => Severity::$severity,)*
                }
            }
        }
    };
}

reply_codes! {
    /// All is well.
    ReplySuccess = 200 "REPLY_SUCCESS" Success;
    /// The content is too large for the receiver now.
    ContentTooLarge = 311 "CONTENT_TOO_LARGE" Channel;
    /// A mandatory message could not be routed; it comes with basic.return.
    NoRoute = 312 "NO_ROUTE" Channel;
    /// An immediate message has no consumer; it comes with basic.return.
    NoConsumers = 313 "NO_CONSUMERS" Channel;
    /// An operator closes the connection.
    ConnectionForced = 320 "CONNECTION_FORCED" Connection;
    /// The virtual host does not exist.
    InvalidPath = 402 "INVALID_PATH" Connection;
    /// The user may not do this.
    AccessRefused = 403 "ACCESS_REFUSED" Channel;
    /// The thing does not exist.
    NotFound = 404 "NOT_FOUND" Channel;
    /// The thing belongs to another connection.
    ResourceLocked = 405 "RESOURCE_LOCKED" Channel;
    /// The request's conditions do not hold.
    PreconditionFailed = 406 "PRECONDITION_FAILED" Channel;
    /// A frame is malformed.
    FrameError = 501 "FRAME_ERROR" Connection;
    /// A frame's content is malformed.
    SyntaxError = 502 "SYNTAX_ERROR" Connection;
    /// The method is not one that may be sent now.
    CommandInvalid = 503 "COMMAND_INVALID" Connection;
    /// The channel is not open, or already is.
    ChannelError = 504 "CHANNEL_ERROR" Connection;
    /// A frame came that no content or method expects.
    UnexpectedFrame = 505 "UNEXPECTED_FRAME" Connection;
    /// The server has run out of something.
    ResourceError = 506 "RESOURCE_ERROR" Connection;
    /// The negotiated settings or the rules forbid this.
    NotAllowed = 530 "NOT_ALLOWED" Connection;
    /// The method or the option is not implemented.
    NotImplemented = 540 "NOT_IMPLEMENTED" Connection;
    /// The server failed.
    InternalError = 541 "INTERNAL_ERROR" Connection;
}

impl ReplyCode {
    /// Its number.
    #[must_use]
    pub fn code(self) -> u16 {
        self as u16
    }
}

impl fmt::Display for ReplyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
