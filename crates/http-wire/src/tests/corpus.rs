//! The fuzzers' seeds, and seeded changes of them, pass through the fuzzers' functions.

#[path = "../../../../fuzz/replay.rs"]
mod replay;

use replay::replay;

use crate::fuzz;

#[test]
fn requests() {
    replay("http_request", 12, fuzz::request);
}

#[test]
fn responses() {
    replay("http_response", 8, fuzz::response);
}

#[test]
fn chunked_bodies() {
    replay("http_chunked", 6, fuzz::chunked);
}

#[test]
fn targets() {
    replay("http_target", 10, fuzz::target);
}

#[test]
fn proxy_headers() {
    replay("proxy_header", 8, fuzz::proxy_header);
}
