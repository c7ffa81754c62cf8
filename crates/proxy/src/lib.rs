//! The balancer's data path: sockets, event loops, HTTP/1 and TCP.
//!
//! It is given a checked configuration ([`resolve`]) and runs it. It decides nothing about which server of a group serves
//! (`balancer`) and knows no bytes of HTTP heads (`http-wire`).

mod access;
mod conf;
mod figures;
mod http;
mod limit_conn;
mod listen;
mod log;
mod names;
mod net;
mod network;
mod outlet;
mod said;
mod script;
mod server;
mod shared;
mod ssl;
mod stream;
mod trusted;
mod upstream;
mod worker;

pub use balancer::{Counts, LATENCY_BOUNDS_MS, PeerSnapshot, State};
pub use conf::{Config, ErrorLog, JudgeTopic, LogTarget, Main, Origin, Severity, resolve, specs};
pub use figures::{Figures, UpstreamSnapshot};
pub use outlet::{Nowhere, Outlet};
pub use server::{Fault, Proxy, StartError};
pub use shared::Counters;

/// The version of nginx whose behaviour the balancer follows.
pub const NGINX_VERSION: &str = "1.31.5";
