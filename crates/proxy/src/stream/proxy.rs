//! `proxy_pass` and `proxy_*` over TCP: a session goes to a server of a group, or to an address.

mod conf;
mod connect;
mod datagrams;
mod rows;
mod run;
mod ssl;
mod target;

pub(crate) use conf::{Conf, Pass};
pub(super) use datagrams::run as run_datagrams;
pub(crate) use rows::{ROWS, handle};
pub(super) use run::run;
pub(crate) use ssl::{ROWS as SSL_ROWS, protocols};
