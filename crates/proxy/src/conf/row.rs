//! A directive: what it looks like and what takes it in.

use nginx_conf::{Directive, Spec};

use super::{Cx, Main};
use crate::http::{self, HttpCx};
use crate::stream::{self, StreamCx};

/// How a directive was taken in; `Err` is what is wrong with it, in words, without file and line.
pub(crate) type Done = Result<(), String>;

/// What takes a directive in.
#[derive(Clone, Copy)]
pub(crate) enum Apply {
    /// Nothing: it is ignored or not supported yet.
    Nothing,
    /// The walk over the blocks itself (`server`, `location`, `if`, …).
    Structure,
    /// What stands outside of the blocks.
    Main(fn(&mut Main, &Directive, &mut Cx<'_>) -> Done),
    /// One value for the whole `http` block.
    Http(fn(&mut http::Draft, &Directive, &mut HttpCx<'_, '_>) -> Done),
    /// One value per server, inherited from `http`.
    Server(fn(&mut http::ServerDraft, &Directive, &mut HttpCx<'_, '_>) -> Done),
    /// One value per location, inherited from `http`, `server` and outer locations.
    Location(fn(&mut http::Location, &Directive, &mut HttpCx<'_, '_>) -> Done),
    /// One value for the whole `stream` block.
    Stream(fn(&mut stream::Draft, &Directive, &mut StreamCx<'_, '_>) -> Done),
    /// One value per server of `stream`, inherited from it.
    StreamServer(fn(&mut stream::Server, &Directive, &mut StreamCx<'_, '_>) -> Done),
    /// Inside of an `upstream` of `stream`.
    StreamUpstream(fn(&mut stream::UpstreamDraft, &Directive, &mut StreamCx<'_, '_>) -> Done),
    /// Inside of `upstream`.
    Upstream(fn(&mut http::UpstreamDraft, &Directive, &mut HttpCx<'_, '_>) -> Done),
}

/// A line of a module's table.
pub(crate) struct Row {
    pub(crate) spec: Spec,
    pub(crate) apply: Apply,
}

impl Row {
    pub(crate) const fn new(spec: Spec, apply: Apply) -> Self {
        Self { spec, apply }
    }

    /// A directive that is ignored safely or not supported yet.
    pub(crate) const fn inert(spec: Spec) -> Self {
        Self::new(spec, Apply::Nothing)
    }
}

/// The blocks of a configuration.
pub(crate) mod contexts {
    use nginx_conf::Context;

    pub(crate) const HTTP: Context = Context("http");
    pub(crate) const SERVER: Context = Context("server");
    pub(crate) const LOCATION: Context = Context("location");
    pub(crate) const SERVER_IF: Context = Context("if in server");
    pub(crate) const LOCATION_IF: Context = Context("if in location");
    pub(crate) const LIMIT_EXCEPT: Context = Context("limit_except");
    pub(crate) const UPSTREAM: Context = Context("upstream");
    pub(crate) const STREAM: Context = Context("stream");
    pub(crate) const STREAM_SERVER: Context = Context("server in stream");
    pub(crate) const STREAM_UPSTREAM: Context = Context("upstream in stream");

    /// Where most directives of the TCP face may stand.
    pub(crate) const STREAMS: &[Context] = &[STREAM, STREAM_SERVER];

    /// Where most of a location's directives may stand.
    pub(crate) const LOCATIONS: &[Context] = &[HTTP, SERVER, LOCATION];
    /// The same, and in an `if` of a location.
    pub(crate) const LOCATIONS_IF: &[Context] = &[HTTP, SERVER, LOCATION, LOCATION_IF];
    /// Where a server's directives may stand.
    pub(crate) const SERVERS: &[Context] = &[HTTP, SERVER];
}
