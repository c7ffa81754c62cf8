//! Groups of servers, for both faces: their configuration, their connections, their health.
//!
//! Which server serves is decided by `balancer`; here are the `upstream` block, the pool of kept connections of a worker, the
//! guard that reports what came of each choice exactly once, and the work of the keeper: following names and checking health.

mod address;
mod check;
mod draft;
mod follow;
mod group;
mod health;
mod keep;
mod keepalive;
mod pool;
mod resolver_row;
mod resolving;
pub(crate) mod rows;
mod server;
mod turn;

pub(crate) use address::{Url, parse as parse_url};
pub(crate) use draft::Draft;
pub(crate) use group::{Group, Groups};
pub(crate) use health::{HeaderTest, Match, Probe, Test, read_regex};
pub(crate) use keep::keep;
pub(crate) use keepalive::Keepalive;
pub(crate) use pool::{Lane, Link, Pool};
pub(crate) use resolving::Resolving;
pub(crate) use server::Followed;
pub(crate) use turn::{Turn, announce, endpoint};
