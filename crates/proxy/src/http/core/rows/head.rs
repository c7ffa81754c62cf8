//! The head of a request: its sizes, its time, what its fields may be named.

use nginx_conf::{Directive, Param};

use super::{FLAG, NUMBER, SIZE, TIME, bytes, count, len, put, server, span};
use crate::conf::{Done, Row, flag};
use crate::http::{HttpCx, ServerDraft};

/// No head may reserve more, whatever a configuration says: it is held by every connection that sends one.
const HEAD_LEN_MAX: usize = 1 << 24;

/// The table.
pub(crate) static ROWS: &[Row] = &[
    server(
        "client_header_buffer_size",
        SIZE,
        "1k",
        "What is reserved for a request's head at first.",
        |server, directive, _| put(&mut server.core.header_buffer_size, len(directive, 0)),
    ),
    server(
        "large_client_header_buffers",
        &[
            Param::required("number", count()),
            Param::required("size", bytes()),
        ],
        "4 8k",
        "The longest line of a head is SIZE: a longer request line is answered by 414, a longer field by 400. The head as a whole is at most NUMBER times SIZE.",
        large_buffers,
    ),
    server(
        "client_header_timeout",
        TIME,
        "60s",
        "How long a client may take to send a head; then 408.",
        |server, directive, _| put(&mut server.core.header_timeout, span(directive)),
    ),
    server(
        "ignore_invalid_headers",
        FLAG,
        "on",
        "Fields with names of unusual characters are left out; off: the request is refused with 400.",
        |server, directive, _| put(&mut server.core.ignore_invalid_headers, flag(directive)),
    ),
    server(
        "underscores_in_headers",
        FLAG,
        "off",
        "Whether a name of a field may have underscores.",
        |server, directive, _| put(&mut server.core.underscores_in_headers, flag(directive)),
    ),
    server(
        "merge_slashes",
        FLAG,
        "on",
        "Slashes that follow each other in a URI count as one.",
        |server, directive, _| put(&mut server.core.merge_slashes, flag(directive)),
    ),
    server(
        "max_headers",
        NUMBER,
        "1000",
        "How many fields a head may have; more are refused with 400.",
        |server, directive, _| put(&mut server.core.headers_max, len(directive, 0)),
    ),
];

fn large_buffers(server: &mut ServerDraft, directive: &Directive, _: &mut HttpCx<'_, '_>) -> Done {
    let count = len(directive, 0)?;
    let size = len(directive, 1)?;
    let total = count.checked_mul(size).filter(|total| *total > 0);
    total
        .filter(|total| *total <= HEAD_LEN_MAX)
        .ok_or_else(|| format!("expected 1 to {HEAD_LEN_MAX} bytes in all"))?;
    server.core.large_buffers = (count, size);
    Ok(())
}
