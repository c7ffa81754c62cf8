//! The TCP face: a session per connection, relayed to a server of a group.
//!
//! A session goes through nginx's phases in their order: the PROXY header, the real address, access, TLS, a look at the first
//! bytes, content (proxying or a fixed answer), the log.

mod config;
mod proxy;
pub(crate) mod relay;
mod resolve;
mod script;
mod session;
mod var;

pub(crate) use config::{Config, Draft, Handler, Server, StreamCx};
pub(crate) use resolve::resolve;
pub(crate) use session::{Session, status};
pub(crate) use var::{Template, Var};

use crate::conf::Row;

/// The tables of all modules.
pub(crate) fn tables() -> impl Iterator<Item = &'static [Row]> {
    [resolve::ROWS, script::ROWS, proxy::ROWS].into_iter()
}
