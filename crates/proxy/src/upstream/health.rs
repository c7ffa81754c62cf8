//! Active health checks: what is asked of a server, and which answers are good.

use std::sync::Arc;
use std::time::Duration;

use balancer::HealthSpec;

use crate::script::Regex;

/// The checks of one group.
#[derive(Debug, Clone)]
pub(crate) struct Probe {
    /// When, and how many must fail or pass.
    pub(crate) times: HealthSpec,
    /// The port, where it is not the server's own.
    pub(crate) port: Option<u16>,
    /// How long connecting, and each step of an answer, may take.
    pub(crate) timeout: Duration,
    /// What is sent; nothing where a connection is enough.
    pub(crate) request: Box<[u8]>,
    /// The answer is one of HTTP.
    pub(crate) is_http: bool,
    /// What the answer must be like.
    pub(crate) expects: Option<Arc<Match>>,
}

/// A `match` block.
#[derive(Debug, Clone, Default)]
pub(crate) struct Match {
    /// `status`: ranges, and whether they are those that are refused.
    pub(crate) status: Option<(bool, Vec<(u16, u16)>)>,
    /// `header` lines.
    pub(crate) headers: Vec<HeaderTest>,
    /// `body ~ REGEX`, or `!~` where the flag is set; `expect` of TCP.
    pub(crate) body: Option<(bool, Regex)>,
    /// `expect TEXT` of TCP: what the answer begins with.
    pub(crate) starts: Option<Box<[u8]>>,
    /// `send TEXT` of TCP.
    pub(crate) send: Option<Box<[u8]>>,
}

/// One `header` line of a `match`.
#[derive(Debug, Clone)]
pub(crate) struct HeaderTest {
    pub(crate) name: Box<[u8]>,
    pub(crate) test: Test,
}

/// What is asked of a header.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    /// It is there.
    Present,
    /// It is not there.
    Absent,
    /// It has that value, or another one where the flag is set.
    Equals(bool, Box<[u8]>),
    /// It matches, or does not where the flag is set.
    Matches(bool, Regex),
}
