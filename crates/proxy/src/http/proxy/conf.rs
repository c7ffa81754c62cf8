//! What `proxy_*` says at one place of the configuration.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use balancer::retry::Rules;

use super::super::Template;
use super::ready::Ready;
use super::rewrite::{CookieFlags, Rewrite};
use super::ssl::Ssl;
use crate::conf::List;

/// A page of memory, nginx's unit for buffers.
const PAGE: usize = 4 << 10;

/// `proxy_*`, without `proxy_pass`.
#[derive(Debug, Clone)]
pub(crate) struct Conf {
    /// `proxy_http_version 1.1`
    pub(crate) is_http11: bool,
    /// `proxy_method`
    pub(crate) method: Option<Template>,
    /// `proxy_set_header`
    pub(crate) set_headers: List<(Box<str>, Template)>,
    /// `proxy_set_body`
    pub(crate) set_body: Option<Template>,
    /// `proxy_pass_request_headers`
    pub(crate) passes_headers: bool,
    /// `proxy_pass_request_body`
    pub(crate) passes_body: bool,
    /// `proxy_pass_trailers`
    pub(crate) passes_trailers: bool,
    /// `proxy_hide_header`
    pub(crate) hide: List<Box<str>>,
    /// `proxy_pass_header`
    pub(crate) pass: List<Box<str>>,
    /// `proxy_ignore_headers`
    pub(crate) ignore: Ignore,
    /// `proxy_redirect`
    pub(crate) redirects: List<Redirect>,
    /// `proxy_cookie_domain`
    pub(crate) cookie_domains: List<Rewrite>,
    /// `proxy_cookie_path`
    pub(crate) cookie_paths: List<Rewrite>,
    /// `proxy_cookie_flags`
    pub(crate) cookie_flags: List<CookieFlags>,
    /// `proxy_intercept_errors`
    pub(crate) intercepts_errors: bool,
    /// `proxy_buffering`
    pub(crate) buffers_response: bool,
    /// `proxy_request_buffering`
    pub(crate) buffers_request: bool,
    /// `proxy_buffer_size`: where the head of a response must fit in.
    pub(crate) buffer_size: usize,
    /// `proxy_buffers`: how many, and how large each.
    pub(crate) buffers: (usize, usize),
    /// `proxy_busy_buffers_size`
    pub(crate) busy_size: Option<usize>,
    /// `proxy_limit_rate`: bytes per second that are read from the server.
    pub(crate) limit_rate: Option<Template>,
    /// `proxy_ignore_client_abort`
    pub(crate) ignores_client_abort: bool,
    /// `proxy_connect_timeout`
    pub(crate) connect_timeout: Duration,
    /// `proxy_send_timeout`
    pub(crate) send_timeout: Duration,
    /// `proxy_read_timeout`
    pub(crate) read_timeout: Duration,
    /// `proxy_next_upstream`, `proxy_next_upstream_tries`, `proxy_next_upstream_timeout`
    pub(crate) rules: Rules,
    /// `proxy_bind`
    pub(crate) bind: Option<Bind>,
    /// `proxy_socket_keepalive`
    pub(crate) socket_keepalive: bool,
    /// `proxy_socket_rcvbuf`
    pub(crate) rcvbuf: Option<usize>,
    /// `proxy_force_ranges`
    pub(crate) forces_ranges: bool,
    /// `proxy_ssl_*`
    pub(crate) ssl: Ssl,
    /// What is made of all of it, where something is passed on.
    pub(crate) ready: Option<Arc<Ready>>,
}

/// One `proxy_redirect`.
#[derive(Debug, Clone)]
pub(crate) enum Redirect {
    /// `off`
    Off,
    /// `default`
    Default,
    /// What is replaced by what.
    Rewrite(Rewrite),
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
        let with_port = || text.parse().ok();
        let bare = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        let ip: Option<IpAddr> = bare.unwrap_or(text).parse().ok();
        ip.map(|ip| SocketAddr::new(ip, 0)).or_else(with_port)
    }
}

/// `proxy_ignore_headers`: what the server's fields do not do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Ignore {
    pub(crate) redirect: bool,
    pub(crate) limit_rate: bool,
    pub(crate) buffering: bool,
    pub(crate) charset: bool,
}

impl Default for Conf {
    fn default() -> Self {
        Self {
            is_http11: true,
            method: None,
            set_headers: List::default(),
            set_body: None,
            passes_headers: true,
            passes_body: true,
            passes_trailers: false,
            hide: List::default(),
            pass: List::default(),
            ignore: Ignore::default(),
            redirects: List::default(),
            cookie_domains: List::default(),
            cookie_paths: List::default(),
            cookie_flags: List::default(),
            intercepts_errors: false,
            buffers_response: true,
            buffers_request: true,
            buffer_size: PAGE,
            buffers: (8, PAGE),
            busy_size: None,
            limit_rate: None,
            ignores_client_abort: false,
            connect_timeout: Duration::from_secs(60),
            send_timeout: Duration::from_secs(60),
            read_timeout: Duration::from_secs(60),
            rules: Rules::default(),
            bind: None,
            socket_keepalive: false,
            rcvbuf: None,
            forces_ranges: false,
            ssl: Ssl {
                alpn: vec![b"http/1.1".to_vec()],
                ..Ssl::default()
            },
            ready: None,
        }
    }
}

impl Conf {
    /// What is wrong with the sizes of buffers, in nginx's words.
    pub(crate) fn check_buffers(&self) -> Result<(), &'static str> {
        let (count, size) = self.buffers;
        if count < 2 {
            return Err("there must be at least 2 \"proxy_buffers\"");
        }
        let largest = self.buffer_size.max(size);
        let busy = self.busy_size.unwrap_or(2 * largest);
        if busy < largest {
            return Err(
                "\"proxy_busy_buffers_size\" must be equal to or greater than the maximum of the value of \"proxy_buffer_size\" and one of the \"proxy_buffers\"",
            );
        }
        if busy > (count - 1).saturating_mul(size) {
            return Err(
                "\"proxy_busy_buffers_size\" must be less than the size of all \"proxy_buffers\" minus one buffer",
            );
        }
        Ok(())
    }

    /// How many bytes of a response may wait for the client.
    pub(crate) fn window(&self) -> usize {
        if self.buffers_response {
            let (count, size) = self.buffers;
            count.saturating_mul(size).max(self.buffer_size)
        } else {
            self.buffer_size
        }
    }
}
