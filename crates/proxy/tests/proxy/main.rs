//! The proxy from outside: a configuration, real sockets, and what clients see.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed; the panic says where"
)]

mod answers;
mod around;
mod clients;
mod files;
mod pitfalls;
mod proxy_pass;
mod proxy_protocol;
mod rewriting;
mod stand;
mod stream;
mod tls;
mod upstreams;
