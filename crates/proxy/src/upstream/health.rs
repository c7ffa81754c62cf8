//! Active health checks: what is asked of a server, and which answers are good.

use std::sync::Arc;
use std::time::Duration;

use balancer::HealthSpec;
use http_wire::ResponseHead;

use crate::net::tls::ClientTls;
use crate::script::{Regex, Registry};

/// The checks of one group.
#[derive(Debug, Clone)]
pub(crate) struct Probe {
    /// When, and how many must fail or pass.
    pub(crate) times: HealthSpec,
    /// The port, where it is not the server's own.
    pub(crate) port: Option<u16>,
    /// How long connecting, and each step of an answer, may take.
    pub(crate) timeout: Duration,
    /// TLS, and whom the certificate is to be for.
    pub(crate) tls: Option<(Arc<ClientTls>, String)>,
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

impl Match {
    /// Whether status and fields are what they should be.
    pub(super) fn accepts_head(&self, head: &ResponseHead, buf: &[u8]) -> bool {
        let status = head.status();
        let status_fits = self.status.as_ref().is_none_or(|(refused, ranges)| {
            let listed = ranges
                .iter()
                .any(|(first, last)| (*first..=*last).contains(&status));
            listed != *refused
        });
        status_fits && self.headers.iter().all(|test| test.accepts(head, buf))
    }

    /// Whether a body is what it should be.
    pub(super) fn accepts_body(&self, body: &[u8]) -> bool {
        let body_fits = self.body.as_ref();
        body_fits.is_none_or(|(refused, regex)| regex.is_match(body) != *refused)
    }

    /// Whether what came so far is what TCP's `expect` says.
    pub(super) fn accepts_bytes(&self, bytes: &[u8]) -> bool {
        let starts = self.starts.as_deref();
        starts.is_none_or(|starts| bytes.starts_with(starts)) && self.accepts_body(bytes)
    }
}

impl HeaderTest {
    fn accepts(&self, head: &ResponseHead, buf: &[u8]) -> bool {
        let mut fields = head.fields().as_slice().iter();
        let value = fields
            .find(|field| field.name.of(buf).eq_ignore_ascii_case(&self.name))
            .map(|field| field.value.of(buf));
        match (&self.test, value) {
            (Test::Present, value) => value.is_some(),
            (Test::Absent, value) => value.is_none(),
            (Test::Equals(refused, wanted), Some(value)) => (value == &**wanted) != *refused,
            (Test::Matches(refused, regex), Some(value)) => regex.is_match(value) != *refused,
            (Test::Equals(refused, _) | Test::Matches(refused, _), None) => *refused,
        }
    }
}

/// An expression of a `match`, in which `~*` is not written: case counts.
pub(crate) fn read_regex<V>(text: &str, registry: &mut Registry<V>) -> Result<Regex, String> {
    Regex::new(text, false, registry).map_err(|error| error.to_string())
}
