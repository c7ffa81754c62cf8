//! Directives of nginx's core whose effect nobody misses.

use nginx_conf::{Context, Spec};

use crate::conf::Row;
use crate::conf::contexts::{HTTP, LOCATIONS, LOCATIONS_IF, SERVERS};

const EVERYWHERE: &[Context] = LOCATIONS_IF;
const MEMORY: &str = "it tunes nginx's own memory and tables";
const INPUT: &str = "it tunes how nginx reads and sends files";

/// The table.
pub(crate) static ROWS: &[Row] = &[
    Row::inert(Spec::ignored("sendfile", EVERYWHERE, INPUT)),
    Row::inert(Spec::ignored("sendfile_max_chunk", LOCATIONS, INPUT)),
    Row::inert(Spec::ignored(
        "tcp_nopush",
        LOCATIONS,
        "head and body leave in one write",
    )),
    Row::inert(Spec::ignored("aio", LOCATIONS, INPUT)),
    Row::inert(Spec::ignored("aio_write", LOCATIONS, INPUT)),
    Row::inert(Spec::ignored("directio", LOCATIONS, INPUT)),
    Row::inert(Spec::ignored("directio_alignment", LOCATIONS, INPUT)),
    Row::inert(Spec::ignored("read_ahead", LOCATIONS, INPUT)),
    Row::inert(Spec::ignored("output_buffers", LOCATIONS, INPUT)),
    Row::inert(Spec::ignored("postpone_output", LOCATIONS, INPUT)),
    Row::inert(Spec::ignored("send_lowat", LOCATIONS, INPUT)),
    Row::inert(Spec::ignored("open_file_cache", LOCATIONS, INPUT)),
    Row::inert(Spec::ignored("open_file_cache_valid", LOCATIONS, INPUT)),
    Row::inert(Spec::ignored("open_file_cache_min_uses", LOCATIONS, INPUT)),
    Row::inert(Spec::ignored("open_file_cache_errors", LOCATIONS, INPUT)),
    Row::inert(Spec::ignored("types_hash_max_size", LOCATIONS, MEMORY)),
    Row::inert(Spec::ignored("types_hash_bucket_size", LOCATIONS, MEMORY)),
    Row::inert(Spec::ignored("server_names_hash_max_size", &[HTTP], MEMORY)),
    Row::inert(Spec::ignored(
        "server_names_hash_bucket_size",
        &[HTTP],
        MEMORY,
    )),
    Row::inert(Spec::ignored("variables_hash_max_size", &[HTTP], MEMORY)),
    Row::inert(Spec::ignored("variables_hash_bucket_size", &[HTTP], MEMORY)),
    Row::inert(Spec::ignored("connection_pool_size", SERVERS, MEMORY)),
    Row::inert(Spec::ignored("request_pool_size", SERVERS, MEMORY)),
    Row::inert(Spec::ignored(
        "client_body_in_single_buffer",
        LOCATIONS,
        "a body in memory is always in one piece",
    )),
    Row::inert(Spec::ignored(
        "subrequest_output_buffer_size",
        LOCATIONS,
        MEMORY,
    )),
    Row::inert(Spec::ignored(
        "msie_padding",
        LOCATIONS,
        "pages are not padded for browsers that are gone",
    )),
    Row::inert(Spec::ignored(
        "msie_refresh",
        LOCATIONS,
        "redirects are redirects",
    )),
];
