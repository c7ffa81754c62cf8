//! Which requests may be sent again, to which end, and how often (`proxy_next_upstream` and its kin).
//!
//! A request that may have changed something is never sent twice, unless the configuration says that it may be.
//! Nothing here keeps the request; whether it still can be sent is an input.

use std::fmt;
use std::ops::BitOr;
use std::time::Duration;

use base::Monotonic;

/// What went wrong with an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// No connection could be made.
    Connect,
    /// The connection broke while the request was sent or the answer's head was read.
    Error,
    /// Connecting, sending or reading took too long.
    Timeout,
    /// The answer was empty or is no HTTP.
    InvalidHeader,
    /// The answer had a status that is to be passed on to another peer.
    Status(u16),
    /// A kept connection was closed by the peer before it answered; this says nothing about the peer.
    Stale,
}

impl Failure {
    /// The status that the client is given where the request is not sent again.
    #[must_use]
    pub fn gateway_status(self) -> u16 {
        match self {
            Failure::Timeout => 504,
            Failure::Status(status) => status,
            _ => 502,
        }
    }

    fn condition(self) -> Conditions {
        match self {
            Failure::Connect | Failure::Error => Conditions::ERROR,
            Failure::Timeout => Conditions::TIMEOUT,
            Failure::InvalidHeader => Conditions::INVALID_HEADER,
            Failure::Status(status) => Conditions::of_status(status).unwrap_or(Conditions::OFF),
            Failure::Stale => Conditions::NONE,
        }
    }

    /// Whether `max_fails` counts it. 403 and 404 are answers, and a kept connection may be closed at any time.
    pub(crate) fn counts(self) -> bool {
        !matches!(self, Failure::Status(403 | 404) | Failure::Stale)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Connect => f.write_str("connect"),
            Failure::Error => f.write_str("error"),
            Failure::Timeout => f.write_str("timeout"),
            Failure::InvalidHeader => f.write_str("invalid header"),
            Failure::Status(status) => write!(f, "status {status}"),
            Failure::Stale => f.write_str("kept connection closed"),
        }
    }
}

/// The conditions that `proxy_next_upstream` lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conditions(u16);

impl Conditions {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// `error`.
    pub const ERROR: Self = Self(1);
    /// `timeout`.
    pub const TIMEOUT: Self = Self(1 << 1);
    /// `invalid_header`.
    pub const INVALID_HEADER: Self = Self(1 << 2);
    /// `http_500`.
    pub const HTTP_500: Self = Self(1 << 3);
    /// `http_502`.
    pub const HTTP_502: Self = Self(1 << 4);
    /// `http_503`.
    pub const HTTP_503: Self = Self(1 << 5);
    /// `http_504`.
    pub const HTTP_504: Self = Self(1 << 6);
    /// `http_403`.
    pub const HTTP_403: Self = Self(1 << 7);
    /// `http_404`.
    pub const HTTP_404: Self = Self(1 << 8);
    /// `http_429`.
    pub const HTTP_429: Self = Self(1 << 9);
    /// `non_idempotent`: POST, LOCK and PATCH may be sent again, too.
    pub const NON_IDEMPOTENT: Self = Self(1 << 10);
    /// `off`: whatever else is listed, nothing is passed on.
    pub const OFF: Self = Self(1 << 15);
    /// What holds where the directive is absent.
    pub const DEFAULT: Self = Self(Self::ERROR.0 | Self::TIMEOUT.0);

    const WORDS: [(&'static str, Self); 12] = [
        ("error", Self::ERROR),
        ("timeout", Self::TIMEOUT),
        ("invalid_header", Self::INVALID_HEADER),
        ("http_500", Self::HTTP_500),
        ("http_502", Self::HTTP_502),
        ("http_503", Self::HTTP_503),
        ("http_504", Self::HTTP_504),
        ("http_403", Self::HTTP_403),
        ("http_404", Self::HTTP_404),
        ("http_429", Self::HTTP_429),
        ("non_idempotent", Self::NON_IDEMPOTENT),
        ("off", Self::OFF),
    ];

    /// The condition that a word of the directive stands for.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let row = Self::WORDS.iter().find(|(name, _)| *name == word);
        row.map(|(_, condition)| *condition)
    }

    fn of_status(status: u16) -> Option<Self> {
        Some(match status {
            500 => Self::HTTP_500,
            502 => Self::HTTP_502,
            503 => Self::HTTP_503,
            504 => Self::HTTP_504,
            403 => Self::HTTP_403,
            404 => Self::HTTP_404,
            429 => Self::HTTP_429,
            _ => return None,
        })
    }

    fn has(self, all: Self) -> bool {
        self.0 & Self::OFF.0 == 0 && self.0 & all.0 == all.0
    }
}

impl BitOr for Conditions {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Whether sending a method twice may do more than sending it once, as nginx sees it.
#[must_use]
pub fn is_idempotent(method: &[u8]) -> bool {
    !matches!(method, b"POST" | b"LOCK" | b"PATCH")
}

/// `proxy_next_upstream`, `proxy_next_upstream_tries` and `proxy_next_upstream_timeout`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// What is passed on.
    pub on: Conditions,
    /// How many peers are tried at most; 0 is as many as there are.
    pub tries: u32,
    /// From the first attempt's start on, how long another may be started.
    pub timeout: Option<Duration>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            on: Conditions::DEFAULT,
            tries: 0,
            timeout: None,
        }
    }
}

impl Rules {
    /// The attempts of one request at a group of so many peers ([`crate::Upstream::tries`]).
    #[must_use]
    pub fn begin(&self, group_tries: u32, now: Monotonic) -> Attempts {
        let left = match self.tries {
            0 => group_tries,
            tries => tries.min(group_tries),
        };
        Attempts { left, started: now }
    }
}

/// How far a request has gone: what decides whether it can be sent again at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// See [`is_idempotent`].
    pub idempotent: bool,
    /// Whether a byte of the request went out to the peer.
    pub sent: bool,
    /// Whether bytes of the body are gone, because it is not buffered.
    pub body_gone: bool,
    /// Whether a byte of an answer went out to the client.
    pub answered: bool,
}

impl Progress {
    fn may_repeat(self, on: Conditions) -> bool {
        let safe = self.idempotent || !self.sent || on.has(Conditions::NON_IDEMPOTENT);
        safe && !self.body_gone && !self.answered
    }
}

/// What is left of one request's attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempts {
    left: u32,
    started: Monotonic,
}

impl Attempts {
    /// After an attempt has failed: whether the request is given to another peer.
    ///
    /// After [`Failure::Stale`] it goes to the same peer, on a new connection, and with the same [`crate::Choice`];
    /// that costs no attempt, and `off` does not forbid it.
    pub fn again(
        &mut self,
        rules: &Rules,
        failure: Failure,
        progress: Progress,
        now: Monotonic,
    ) -> bool {
        if failure == Failure::Stale {
            return progress.may_repeat(rules.on);
        }
        self.left = self.left.saturating_sub(1);
        self.left > 0 && self.allowed(rules, failure, progress, now)
    }

    /// When an answer's head has come: whether it is thrown away for that of another peer.
    /// If so, that is decided: report [`Failure::Status`] (403 and 404: [`crate::Verdict::PassedOn`]) and choose another peer.
    #[must_use]
    pub fn passes_on(
        &mut self,
        rules: &Rules,
        status: u16,
        progress: Progress,
        now: Monotonic,
    ) -> bool {
        let passes = self.left > 1 && self.allowed(rules, Failure::Status(status), progress, now);
        self.left -= u32::from(passes);
        passes
    }

    fn allowed(self, rules: &Rules, failure: Failure, progress: Progress, now: Monotonic) -> bool {
        let in_time = rules
            .timeout
            .is_none_or(|timeout| now - self.started < timeout);
        rules.on.has(failure.condition()) && progress.may_repeat(rules.on) && in_time
    }
}
