//! The TCP face: a session per connection, relayed to a server of a group.
//!
//! A session goes through nginx's phases in their order: the PROXY header, the real address, access, TLS, a look at the first
//! bytes, content (proxying or a fixed answer), the log.

mod access_log;
mod computed;
mod config;
mod core;
mod limit_conn;
mod listen;
pub(crate) mod pass;
mod preread;
mod proxy;
mod record;
pub(crate) mod relay;
mod resolve;
mod script;
mod serve;
mod session;
mod ssl;
mod upstream;
mod var;
mod worker;

pub(crate) use config::{Config, Draft, Server, StreamCx, UpstreamDraft};
pub(crate) use resolve::resolve;
use serve::farewell;
pub(crate) use serve::{serve, serve_datagrams};
pub(crate) use session::{Session, status};
pub(crate) use var::{Template, Var};
pub(crate) use worker::Worker;

use crate::conf::Row;

/// The tables of all modules.
pub(crate) fn tables() -> impl Iterator<Item = &'static [Row]> {
    [
        resolve::ROWS,
        listen::ROWS,
        core::ROWS,
        script::ROWS,
        computed::ROWS,
        access_log::ROWS,
        limit_conn::ROWS,
        upstream::ROWS,
        pass::ROWS,
        proxy::ROWS,
        proxy::SSL_ROWS,
        &ssl::ROWS,
    ]
    .into_iter()
}
