//! What is configured of proxying.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use balancer::retry::Rules;

use super::super::{Template, Var};
use crate::ssl::{Outward, Tls};

/// Where a session goes.
#[derive(Debug)]
pub(crate) enum Pass {
    /// A group, by its number; the host as it is written, for `proxy_ssl_name`.
    Fixed(usize, String),
    /// Variables say it for each session.
    Variable(Template),
}

/// `proxy_bind`
#[derive(Debug, Clone)]
pub(crate) struct Bind {
    pub(crate) address: Template,
    pub(crate) is_transparent: bool,
}

impl Bind {
    /// The address that a text is, with or without a port.
    pub(crate) fn parse(text: &[u8]) -> Option<SocketAddr> {
        let text = std::str::from_utf8(text).ok()?;
        let bare = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        let ip: Option<IpAddr> = bare.unwrap_or(text).parse().ok();
        ip.map(|ip| SocketAddr::new(ip, 0))
            .or_else(|| text.parse().ok())
    }
}

/// `proxy_*` of one server.
#[derive(Debug, Clone)]
pub(crate) struct Conf {
    /// How long a connection to an upstream may take.
    pub(crate) connect_timeout: Duration,
    /// How long a session may be silent in both directions.
    pub(crate) timeout: Duration,
    /// Bytes that are kept for each direction.
    pub(crate) buffer_size: usize,
    /// Whether, how often and how long other servers are tried where one cannot be reached.
    pub(crate) rules: Rules,
    /// Whether each direction is closed by itself.
    pub(crate) half_close: bool,
    /// Whether the upstream is told of the client by a PROXY header (version 1).
    pub(crate) proxy_protocol: bool,
    /// Datagrams of a client after which its next one begins a new session; 0 for no end.
    pub(crate) requests: u64,
    /// Datagrams that answer one; `None` where nobody knows.
    pub(crate) responses: Option<u64>,
    /// Bytes per second from the client; 0 for no limit.
    pub(crate) upload_rate: Template,
    /// Bytes per second to the client; 0 for no limit.
    pub(crate) download_rate: Template,
    /// Whether the system probes idle connections to upstreams.
    pub(crate) keepalive: bool,
    /// The system's receive buffer.
    pub(crate) rcvbuf: Option<usize>,
    /// The local address of connections to upstreams.
    pub(crate) bind: Option<Bind>,
    /// `proxy_ssl`
    pub(crate) is_tls: bool,
    /// `proxy_ssl_*`
    pub(crate) ssl: Outward<Var>,
    /// `proxy_ssl_alpn`: what is empty is not offered.
    pub(crate) alpn: Vec<Template>,
    /// `proxy_ssl_*`, loaded, where it is used.
    pub(crate) tls: Option<Arc<Tls>>,
}

impl Default for Conf {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(60),
            timeout: Duration::from_secs(600),
            buffer_size: 16 << 10,
            rules: Rules::default(),
            half_close: false,
            proxy_protocol: false,
            requests: 0,
            responses: None,
            upload_rate: Template::default(),
            download_rate: Template::default(),
            keepalive: false,
            rcvbuf: None,
            bind: None,
            is_tls: false,
            ssl: Outward::default(),
            alpn: Vec::new(),
            tls: None,
        }
    }
}
