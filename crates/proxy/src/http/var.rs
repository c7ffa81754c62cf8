//! Variables of a request.

use super::{
    Request, core, files, gzip, limit_conn, limit_req, lookup, proxy, realip, stub_status,
};
use crate::script::{self, Registry, Scope, UserId};
use crate::{said, ssl};

/// A word with variables of a request.
pub(crate) type Template = script::Template<Var>;

/// Appends a variable's value; `false` where it has none.
pub(crate) type Getter = fn(&Request, &mut Vec<u8>) -> bool;

/// What `$name` means in the `http` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Var {
    /// One of ours, by its place in the table of its module.
    Builtin(Builtin),
    /// `$http_NAME`: a field of the request, as it is spelt there in lower case with `-`.
    RequestField(Box<str>),
    /// `$sent_http_NAME`: a field of the response.
    SentField(Box<str>),
    /// `$sent_trailer_NAME`: what follows the response.
    SentTrailer(Box<str>),
    /// `$upstream_http_NAME`: a field of the upstream's response.
    UpstreamField(Box<str>),
    /// `$upstream_trailer_NAME`: what followed the upstream's response.
    UpstreamTrailer(Box<str>),
    /// `$upstream_cookie_NAME`: a cookie that the upstream sets.
    UpstreamCookie(Box<str>),
    /// `$arg_NAME`: an argument of the query, in either case.
    Arg(Box<str>),
    /// `$cookie_NAME`.
    Cookie(Box<str>),
    /// `$ssl_…`: what is known of the client's TLS.
    Ssl(ssl::Variable),
    /// `$proxy_protocol_…`: what the client's PROXY header said.
    Said(said::Variable),
    /// `$0` to `$9`.
    Capture(u8),
    /// A variable of the configuration.
    User(UserId),
}

/// A variable of ours.
#[derive(Clone, Copy)]
pub(crate) struct Builtin {
    pub(crate) name: &'static str,
    pub(crate) get: Getter,
}

impl PartialEq for Builtin {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Builtin {}

impl std::fmt::Debug for Builtin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "${}", self.name)
    }
}

/// The tables of all modules that have variables.
const TABLES: &[&[Builtin]] = &[
    core::VARS,
    files::VARS,
    proxy::VARS,
    realip::VARS,
    limit_conn::VARS,
    limit_req::VARS,
    gzip::VARS,
    stub_status::VARS,
];

/// A registry that knows them all.
pub(crate) fn registry() -> Registry<Var> {
    Registry::new(|name, _| builtin(name), Var::User)
}

pub(super) fn builtin(name: &str) -> Option<Var> {
    if let Some(digit) = name.bytes().next().filter(u8::is_ascii_digit) {
        return Some(Var::Capture(digit - b'0'));
    }
    let exact = TABLES
        .iter()
        .copied()
        .flatten()
        .find(|builtin| builtin.name == name);
    if let Some(builtin) = exact {
        return Some(Var::Builtin(*builtin));
    }
    if let Some(variable) = ssl::variable(name) {
        return Some(Var::Ssl(variable));
    }
    if let Some(variable) = said::variable(name) {
        return Some(Var::Said(variable));
    }
    let family = |prefix: &str| name.strip_prefix(prefix).filter(|rest| !rest.is_empty());
    let field = |rest: &str| rest.to_ascii_lowercase().replace('_', "-").into_boxed_str();
    if let Some(rest) = family("http_") {
        return Some(Var::RequestField(field(rest)));
    }
    if let Some(rest) = family("sent_http_") {
        return Some(Var::SentField(field(rest)));
    }
    if let Some(rest) = family("sent_trailer_") {
        return Some(Var::SentTrailer(field(rest)));
    }
    if let Some(rest) = family("upstream_http_") {
        return Some(Var::UpstreamField(field(rest)));
    }
    if let Some(rest) = family("upstream_trailer_") {
        return Some(Var::UpstreamTrailer(field(rest)));
    }
    if let Some(rest) = family("upstream_cookie_") {
        return Some(Var::UpstreamCookie(rest.into()));
    }
    if let Some(rest) = family("arg_") {
        return Some(Var::Arg(rest.into()));
    }
    family("cookie_").map(|rest| Var::Cookie(rest.into()))
}

impl Scope<Var> for Request {
    fn append(&self, variable: &Var, out: &mut Vec<u8>) -> bool {
        match variable {
            Var::Builtin(builtin) => (builtin.get)(self, out),
            Var::Ssl(variable) => variable.append(self.connection.tls.as_deref(), out),
            Var::Said(variable) => variable.append(self.connection.said.as_deref(), out),
            Var::Capture(index) => self.append_capture(*index, out),
            Var::User(id) => self.append_user(*id, out),
            Var::RequestField(name) => lookup::request_field(self, name, out),
            Var::SentField(name) => lookup::sent_field(self, name, out),
            Var::SentTrailer(name) => lookup::sent_trailer(self, name, out),
            Var::UpstreamField(name) => proxy::field(self, name, out),
            Var::UpstreamTrailer(name) => proxy::trailer(self, name, out),
            Var::UpstreamCookie(name) => proxy::cookie(self, name, out),
            Var::Arg(name) => lookup::arg(&self.args, name, out),
            Var::Cookie(name) => lookup::cookie(self, name, out),
        }
    }
}
