//! `error_log`: where messages about the server's own work go, and from which severity on.

use std::path::PathBuf;

use nginx_conf::Directive;

use super::{Cx, word};

/// How grave a message is, in nginx's words. The graver, the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// What happens within a connection.
    Debug,
    /// What is expected to happen.
    Info,
    /// What an operator may want to know.
    Notice,
    /// What may go wrong next.
    Warn,
    /// A request failed.
    Error,
    /// A fault of the system or of the configuration.
    Crit,
    /// A fault of the server.
    Alert,
    /// It cannot go on.
    Emerg,
}

impl Severity {
    /// All of them, the slightest first.
    pub const ALL: [Self; 8] = [
        Self::Debug,
        Self::Info,
        Self::Notice,
        Self::Warn,
        Self::Error,
        Self::Crit,
        Self::Alert,
        Self::Emerg,
    ];

    /// The word that stands in a configuration and in a log.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Crit => "crit",
            Self::Alert => "alert",
            Self::Emerg => "emerg",
        }
    }

    /// The level below, though none below `info`: for what goes with something that is told at this level.
    pub(crate) fn milder(self) -> Self {
        match self {
            Self::Debug | Self::Info | Self::Notice => Self::Info,
            Self::Warn => Self::Notice,
            Self::Error => Self::Warn,
            Self::Crit | Self::Alert | Self::Emerg => Self::Error,
        }
    }

    pub(crate) fn named(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.word() == text)
    }
}

/// Where messages go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogTarget {
    /// Standard error.
    Stderr,
    /// The end of a file, made where it is missing.
    File(PathBuf),
}

/// One `error_log`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorLog {
    /// Where to.
    pub target: LogTarget,
    /// The slightest messages that are written.
    pub level: Severity,
}

/// Reads the directive, wherever it stands.
pub(crate) fn read(directive: &Directive, cx: &Cx<'_>) -> Result<ErrorLog, String> {
    let target = match word(directive, 0)? {
        "stderr" => LogTarget::Stderr,
        text if text.starts_with("syslog:") || text.starts_with("memory:") => {
            return Err(format!(
                "\"{text}\" is not supported yet: expected a file or stderr"
            ));
        }
        "" => return Err("expected a file or stderr, found \"\"".to_owned()),
        file => LogTarget::File(cx.paths.at_prefix(file)),
    };
    let level = match directive.args.get(1) {
        None => Severity::Error,
        // nginx's separate kinds of debugging messages are one here.
        Some(word) if word.text.starts_with("debug_") => Severity::Debug,
        Some(word) => Severity::named(&word.text)
            .ok_or_else(|| format!("invalid log level \"{}\"", word.text))?,
    };
    Ok(ErrorLog { target, level })
}
