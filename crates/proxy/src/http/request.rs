//! One request and what becomes of it.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use base::{Monotonic, Timestamp};
use http_wire::{FieldName, Method, RequestHead, Version};

use super::body::Body;
use super::{Config, Connection, Location, Response, Server, Worker, limit_conn, proxy};
use crate::conf::Severity;
use crate::net::{Endpoint, clock};
use crate::script::{Captures, Definition, Slots, UserId};

/// How often a request may be sent elsewhere inside (redirects of ours, error pages, rewrites) before it is a loop (500).
pub(crate) const REDIRECTS_MAX: u8 = 10;

/// A request from its first byte to its line in the access log.
///
/// Everything that modules need to know about it is here; what moves its bytes is [`Client`](super::Client). It is used again
/// for the next request, so that its vectors need not grow again.
pub(crate) struct Request {
    pub(crate) config: Arc<Config>,
    pub(crate) server: Arc<Server>,
    pub(crate) location: Arc<Location>,
    pub(crate) worker: Rc<Worker>,
    pub(crate) connection: Rc<Connection>,
    /// Where the client is; `realip` may know better than the socket.
    pub(crate) client: Endpoint,
    /// `client` is what a trusted proxy said.
    pub(crate) is_client_known: bool,
    pub(crate) limit_conn: limit_conn::State,
    /// `$limit_req_status`
    pub(crate) limit_req_status: Option<&'static str>,
    /// What the client asked, as places in `buf`.
    pub(crate) head: RequestHead,
    /// The bytes of the head.
    pub(crate) buf: Vec<u8>,
    /// The path: decoded, without dot segments, as rewrites left it.
    pub(crate) uri: Vec<u8>,
    /// What follows `?`, as rewrites left it.
    pub(crate) args: Vec<u8>,
    /// The host that was asked for, in lower case, without port; empty where none was.
    pub(crate) host: Vec<u8>,
    /// The port that was asked for; 0 where none was given.
    pub(crate) host_port: u16,
    /// The raw URI is what `uri` and `args` say still.
    pub(crate) is_raw_uri_valid: bool,
    /// The raw URI had escapes or dot segments, so `uri` has other bytes.
    pub(crate) is_uri_normalised: bool,
    /// A rewrite changed the URI within its location: the location's prefix means nothing any more.
    pub(crate) is_prefix_valid: bool,
    /// It came to its location by a redirect of ours.
    pub(crate) internal: bool,
    /// It was made for another one.
    pub(crate) is_subrequest: bool,
    /// Redirects that are left, [`REDIRECTS_MAX`] at first.
    pub(crate) redirects_left: u8,
    /// An error page is being made.
    pub(crate) in_error_page: bool,
    /// The status that an error page was asked for, which the response keeps unless it is told otherwise. 0 for none.
    pub(crate) error_status: u16,
    /// `try_files` found a file below an `alias` by regular expression: `uri` is what stands behind it.
    pub(crate) adds_uri_to_alias: bool,
    /// An `if` without a handler came after one with its own: nginx answers 500 then, and so do we.
    pub(crate) lost_handler: bool,
    /// An error page is fetched with GET, whatever the client sent.
    pub(crate) is_get_now: bool,
    /// The connection stays open after the response.
    pub(crate) keeps_alive: bool,
    /// It came right behind another one (`$pipe`).
    pub(crate) is_pipelined: bool,
    /// The client waits for `100 Continue` still.
    pub(crate) expects_continue: Cell<bool>,
    pub(crate) body: Body,
    pub(crate) response: Response,
    /// The servers that were asked.
    pub(crate) upstream: proxy::Record,
    /// Values of the configuration's variables.
    pub(crate) slots: Slots,
    /// What the last regular expression captured.
    pub(crate) captures: RefCell<Captures>,
    /// When its first byte was there.
    pub(crate) started: Monotonic,
    pub(crate) started_at: Timestamp,
    /// `$request_id`, made when it is first asked for.
    pub(crate) id: Cell<u128>,
    /// What was received of it, head and body (`$request_length`).
    pub(crate) received: u64,
    /// Memory to work in.
    pub(crate) scratch: Vec<u8>,
}

impl Request {
    /// A request that is about to be read.
    pub(crate) fn new(
        worker: Rc<Worker>,
        connection: Rc<Connection>,
        config: Arc<Config>,
        server: Arc<Server>,
    ) -> Self {
        Self {
            config,
            location: server.root.clone(),
            server,
            worker,
            client: connection.peer.clone(),
            connection,
            is_client_known: false,
            limit_conn: limit_conn::State::default(),
            limit_req_status: None,
            head: RequestHead::default(),
            buf: Vec::new(),
            uri: Vec::new(),
            args: Vec::new(),
            host: Vec::new(),
            host_port: 0,
            is_raw_uri_valid: true,
            is_uri_normalised: false,
            is_prefix_valid: true,
            internal: false,
            is_subrequest: false,
            redirects_left: REDIRECTS_MAX,
            in_error_page: false,
            error_status: 0,
            adds_uri_to_alias: false,
            lost_handler: false,
            is_get_now: false,
            keeps_alive: false,
            is_pipelined: false,
            expects_continue: Cell::new(false),
            body: Body::default(),
            response: Response::default(),
            upstream: proxy::Record::default(),
            slots: Slots::default(),
            captures: RefCell::default(),
            started: Monotonic(0),
            started_at: Timestamp(0),
            id: Cell::new(0),
            received: 0,
            scratch: Vec::new(),
        }
    }

    /// Makes it ready for another one of `connection`; `server` holds until its host is known. Memory is kept.
    pub(crate) fn reset(
        &mut self,
        connection: &Rc<Connection>,
        config: &Arc<Config>,
        server: &Arc<Server>,
    ) {
        // Clones of counted pointers are left out where they change nothing, which is nearly always.
        if !Arc::ptr_eq(&self.config, config) {
            self.config = config.clone();
        }
        if !Rc::ptr_eq(&self.connection, connection) {
            self.connection = connection.clone();
        }
        if self.client != connection.peer {
            self.client = connection.peer.clone();
        }
        self.set_server(server);
        for bytes in [&mut self.uri, &mut self.args, &mut self.host] {
            bytes.clear();
        }
        self.is_client_known = false;
        self.is_subrequest = false;
        self.limit_conn.clear();
        self.limit_req_status = None;
        self.host_port = 0;
        self.is_raw_uri_valid = true;
        self.is_uri_normalised = false;
        self.is_prefix_valid = true;
        self.internal = false;
        self.redirects_left = REDIRECTS_MAX;
        self.in_error_page = false;
        self.error_status = 0;
        self.adds_uri_to_alias = false;
        self.lost_handler = false;
        self.is_get_now = false;
        self.keeps_alive = false;
        self.is_pipelined = false;
        self.expects_continue.set(false);
        self.body.clear();
        self.response.clear();
        self.upstream.clear();
        self.slots.reset(self.config.definitions.len());
        self.captures.get_mut().clear();
        self.id.set(0);
        self.received = 0;
    }

    /// Gives it to a server; its own level holds until a location is found.
    pub(crate) fn set_server(&mut self, server: &Arc<Server>) {
        if !Arc::ptr_eq(&self.server, server) {
            self.server = server.clone();
        }
        if !Arc::ptr_eq(&self.location, &server.root) {
            self.location = server.root.clone();
        }
    }

    /// Its method.
    pub(crate) fn method(&self) -> Method {
        if self.is_get_now {
            return Method::Get;
        }
        self.head.method()
    }

    /// Makes it ask for an error page: with GET, unless only the head is wanted.
    pub(crate) fn asks_anew(&mut self) {
        self.is_get_now = self.head.method() != Method::Head;
    }

    /// Its method as it was sent.
    pub(crate) fn method_name(&self) -> &[u8] {
        if self.is_get_now {
            return b"GET";
        }
        self.head.method_name().of(&self.buf)
    }

    /// The version of HTTP that the client speaks.
    pub(crate) fn version(&self) -> Version {
        self.head.version()
    }

    /// The version as it was sent (`$server_protocol`).
    pub(crate) fn version_name(&self) -> Option<&[u8]> {
        match self.head.version() {
            _ if self.head.request_line().is_empty() => None,
            Version::Http09 => Some(b"HTTP/0.9"),
            _ => Some(self.head.protocol().of(&self.buf)),
        }
    }

    /// A number that no other request has (`$request_id`).
    pub(crate) fn id(&self) -> u128 {
        if self.id.get() == 0 {
            let [high, low] = [self.worker.random(), self.worker.random()].map(u128::from);
            self.id.set(high << 64 | low);
        }
        self.id.get()
    }

    /// Path and query of the target as they were sent (`$request_uri`).
    pub(crate) fn raw_target(&self) -> &[u8] {
        self.head.path_and_query().of(&self.buf)
    }

    /// The first line as it was sent (`$request`).
    pub(crate) fn line(&self) -> &[u8] {
        self.head.request_line().of(&self.buf)
    }

    /// The fields of its head, name and value, in their order.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let fields = self.head.fields().as_slice().iter();
        fields.map(|field| (field.name.of(&self.buf), field.value.of(&self.buf)))
    }

    /// The value of the first field of that known name.
    pub(crate) fn value(&self, id: FieldName) -> Option<&[u8]> {
        self.head.value(&self.buf, id)
    }

    /// The value of the first field of that name, in either case.
    pub(crate) fn field(&self, name: &[u8]) -> Option<&[u8]> {
        self.fields()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Takes another query, as `set $args` does.
    pub(crate) fn set_args(&mut self, args: &[u8]) {
        self.args.clear();
        self.args.extend_from_slice(args);
        self.is_raw_uri_valid = false;
    }

    /// Takes another path.
    pub(crate) fn set_uri(&mut self, uri: &[u8]) {
        self.uri.clear();
        self.uri.extend_from_slice(uri);
        self.is_raw_uri_valid = false;
    }

    /// The status of the response as far as it is known: that of the error whose page is made goes before.
    pub(crate) fn status(&self) -> u16 {
        match self.error_status {
            0 => self.response.status,
            error => error,
        }
    }

    /// Gives the response the type that the ending of the path stands for.
    pub(crate) fn set_type_of_uri(&mut self) {
        let core = &self.location.core;
        let kind = core.types.of(&self.uri).unwrap_or(&core.default_type);
        self.response.set_content_type(kind);
    }

    /// How long it has taken so far, in milliseconds.
    pub(crate) fn elapsed_ms(&self) -> u64 {
        clock::now().0.saturating_sub(self.started.0)
    }

    /// Writes a line into the location's error log, with who asked for what behind it.
    pub(crate) fn error(&self, level: Severity, text: fmt::Arguments<'_>) {
        let log = &self.location.errors;
        if log.wants(level) {
            log.line(
                level,
                self.connection.number,
                format_args!("{text}{}", Context(self)),
            );
        }
    }

    pub(super) fn append_capture(&self, index: u8, out: &mut Vec<u8>) -> bool {
        let captures = self.captures.borrow();
        let captured = captures.get(usize::from(index));
        out.extend_from_slice(captured.unwrap_or_default());
        captured.is_some()
    }

    /// Computes a variable; all but volatile ones keep their value for the rest of the request.
    fn append_computed(&self, id: UserId, number: usize, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        // One that is made of itself has no value, rather than no end.
        self.slots.set_not_found(id);
        let Some(is_volatile) = super::computed::append(self, number, out) else {
            return false;
        };
        if is_volatile {
            self.slots.forget(id);
        } else {
            self.slots.set(id, &out[start..]);
        }
        true
    }

    pub(super) fn append_user(&self, id: UserId, out: &mut Vec<u8>) -> bool {
        if let Some(known) = self.slots.get(id) {
            out.extend_from_slice(known.as_deref().unwrap_or_default());
            return known.is_some();
        }
        match self.config.definitions.get(usize::from(id.0)) {
            Some(Definition::Computed(number)) => self.append_computed(id, *number, out),
            Some(Definition::Assigned) | None => false,
        }
    }
}

/// What stands behind each error of a request.
struct Context<'r>(&'r Request);

impl fmt::Display for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let request = self.0;
        match &request.client {
            Endpoint::Ip(address) => write!(f, ", client: {}", address.ip())?,
            unix @ Endpoint::Unix(_) => write!(f, ", client: {unix}")?,
        }
        write!(f, ", server: {}", request.server.name)?;
        let line = request.line();
        if !line.is_empty() {
            write!(f, ", request: \"{}\"", String::from_utf8_lossy(line))?;
        }
        if request.upstream.is_busy
            && let Some(last) = request.upstream.tries.last()
        {
            let scheme = if request.upstream.is_tls {
                "https"
            } else {
                "http"
            };
            let uri = String::from_utf8_lossy(&request.upstream.uri);
            write!(f, ", upstream: \"{scheme}://{}{uri}\"", last.address)?;
        }
        if let Some(host) = request.value(FieldName::Host) {
            write!(f, ", host: \"{}\"", String::from_utf8_lossy(host))?;
        }
        Ok(())
    }
}
