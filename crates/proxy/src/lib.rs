//! The balancer's data path: sockets, event loops, HTTP/1 and TCP.
//!
//! It is given a checked configuration ([`resolve`]) and runs it. It decides nothing about which server of a group serves
//! (`balancer`) and knows no bytes of HTTP heads (`http-wire`).

mod conf;
#[allow(dead_code, reason = "modules are being built on it")]
mod http;
mod listen;
#[allow(dead_code, unused_imports, reason = "the stream face uses it, too")]
mod log;
mod names;
#[allow(
    dead_code,
    unused_imports,
    reason = "the faces that use all of it are being built on it"
)]
mod net;
mod outlet;
mod script;
#[allow(dead_code, reason = "modules are being built on it")]
mod shared;
#[allow(
    dead_code,
    unused_imports,
    reason = "the faces that run in it are being built on it"
)]
mod worker;

pub use conf::{Config, ErrorLog, LogTarget, Main, Origin, Severity, resolve, specs};
pub use outlet::{Nowhere, Outlet};
pub use shared::Counters;
