//! The balancer's data path: sockets, event loops, HTTP/1 and TCP.

#[allow(
    dead_code,
    unused_imports,
    reason = "the faces that use all of it are being built on it"
)]
mod net;
