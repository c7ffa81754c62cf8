//! What holds for every request: sizes, times, keep-alive, closing, redirects, types.
//!
//! The directives of nginx's core HTTP module that the data path acts on by itself; `root` and its kin are in `files`,
//! `listen` and `server_name` in `listen`.

pub(crate) mod rows;
mod types;
mod vars;

use std::sync::Arc;
use std::time::Duration;

use super::Template;

pub(crate) use types::Types;
pub(crate) use vars::{VARS, address, port};

/// Values that belong to a server: they hold before a location is known.
#[derive(Debug, Clone)]
pub(crate) struct ServerConf {
    /// `client_header_buffer_size`: what is reserved for a head at first.
    pub(crate) header_buffer_size: usize,
    /// `large_client_header_buffers`: how many, and how long one line may be.
    pub(crate) large_buffers: (usize, usize),
    /// `client_header_timeout`: from the first byte of a head to its end.
    pub(crate) header_timeout: Duration,
    /// `ignore_invalid_headers`
    pub(crate) ignore_invalid_headers: bool,
    /// `underscores_in_headers`
    pub(crate) underscores_in_headers: bool,
    /// `merge_slashes`
    pub(crate) merge_slashes: bool,
    /// `max_headers`: how many fields a head may have.
    pub(crate) headers_max: usize,
}

impl Default for ServerConf {
    fn default() -> Self {
        Self {
            header_buffer_size: 1 << 10,
            large_buffers: (4, 8 << 10),
            header_timeout: Duration::from_secs(60),
            ignore_invalid_headers: true,
            underscores_in_headers: false,
            merge_slashes: true,
            headers_max: 1000,
        }
    }
}

/// `lingering_close`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lingering {
    /// The connection is closed at once.
    Off,
    /// What the client still sends is read where it is likely to send.
    On,
    /// It is always read.
    Always,
}

/// `satisfy`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Satisfy {
    /// Every kind of access control must agree.
    All,
    /// One is enough.
    Any,
}

/// `client_body_in_file_only`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InFile {
    /// Only what does not fit into memory.
    Off,
    /// Every body, and the file stays.
    Keep,
    /// Every body; the file goes with the request.
    Clean,
}

/// `server_tokens`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tokens {
    /// `Server: mainstay`
    Off,
    /// The version, too.
    On,
}

/// Values of a location.
#[derive(Debug, Clone)]
pub(crate) struct Conf {
    /// `client_max_body_size`; 0 for no limit.
    pub(crate) body_len_max: u64,
    /// `client_body_buffer_size`: what a body may take of memory.
    pub(crate) body_buffer_size: usize,
    /// `client_body_timeout`: between two reads.
    pub(crate) body_timeout: Duration,
    /// `client_body_temp_path`
    pub(crate) body_temp_path: Arc<std::path::Path>,
    /// `client_body_in_file_only`
    pub(crate) body_in_file: InFile,
    /// `send_timeout`: between two writes.
    pub(crate) send_timeout: Duration,
    /// `keepalive_timeout`: how long a client may be idle; zero closes.
    pub(crate) keepalive_timeout: Duration,
    /// The second argument of `keepalive_timeout`: what `Keep-Alive: timeout=` says.
    pub(crate) keepalive_header: Option<Duration>,
    /// `keepalive_requests`
    pub(crate) keepalive_requests: u64,
    /// `keepalive_time`: how old a connection may become.
    pub(crate) keepalive_time: Duration,
    /// `keepalive_disable`: whether clients that call themselves MSIE 6 are closed after a POST.
    pub(crate) keepalive_disable_msie6: bool,
    /// The same for Safari.
    pub(crate) keepalive_disable_safari: bool,
    /// `lingering_close`
    pub(crate) lingering: Lingering,
    /// `lingering_time`: at most this long in all.
    pub(crate) lingering_time: Duration,
    /// `lingering_timeout`: and this long between two reads.
    pub(crate) lingering_timeout: Duration,
    /// `reset_timedout_connection`
    pub(crate) reset_timedout: bool,
    /// `server_tokens`
    pub(crate) tokens: Tokens,
    /// `absolute_redirect`
    pub(crate) absolute_redirect: bool,
    /// `server_name_in_redirect`
    pub(crate) server_name_in_redirect: bool,
    /// `port_in_redirect`
    pub(crate) port_in_redirect: bool,
    /// `chunked_transfer_encoding`
    pub(crate) chunked: bool,
    /// `etag`
    pub(crate) etag: bool,
    /// `tcp_nodelay`
    pub(crate) nodelay: bool,
    /// `early_hints`: any of these lets answers of status 103 through.
    pub(crate) early_hints: Arc<[Template]>,
    /// `limit_rate`: bytes per second; `None` for no limit.
    pub(crate) limit_rate: Option<Template>,
    /// `limit_rate_after`: bytes before it.
    pub(crate) limit_rate_after: Option<Template>,
    /// `auth_delay`
    pub(crate) auth_delay: Duration,
    /// `satisfy`
    pub(crate) satisfy: Satisfy,
    /// `internal`
    pub(crate) internal: bool,
    /// `recursive_error_pages`
    pub(crate) recursive_error_pages: bool,
    /// `log_not_found`
    pub(crate) log_not_found: bool,
    /// `log_subrequest`
    pub(crate) log_subrequest: bool,
    /// `types`
    pub(crate) types: Arc<Types>,
    /// `default_type`
    pub(crate) default_type: Arc<[u8]>,
}

impl Default for Conf {
    fn default() -> Self {
        Self {
            body_len_max: 1 << 20,
            body_buffer_size: 16 << 10,
            body_timeout: Duration::from_secs(60),
            body_temp_path: std::path::Path::new("client_body_temp").into(),
            body_in_file: InFile::Off,
            send_timeout: Duration::from_secs(60),
            keepalive_timeout: Duration::from_secs(75),
            keepalive_header: None,
            keepalive_requests: 1000,
            keepalive_time: Duration::from_secs(60 * 60),
            keepalive_disable_msie6: true,
            keepalive_disable_safari: false,
            lingering: Lingering::On,
            lingering_time: Duration::from_secs(30),
            lingering_timeout: Duration::from_secs(5),
            reset_timedout: false,
            tokens: Tokens::On,
            absolute_redirect: true,
            server_name_in_redirect: false,
            port_in_redirect: true,
            chunked: true,
            etag: true,
            nodelay: true,
            early_hints: Arc::default(),
            limit_rate: None,
            limit_rate_after: None,
            auth_delay: Duration::ZERO,
            satisfy: Satisfy::All,
            internal: false,
            recursive_error_pages: false,
            log_not_found: true,
            log_subrequest: false,
            types: Arc::default(),
            default_type: b"text/plain".as_slice().into(),
        }
    }
}
