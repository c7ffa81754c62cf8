//! What is kept of bodies while they pass.

use nginx_conf::{Kind, Param, Spec};

use super::{FLAG, SIZE, TEXT, row};
use crate::conf::contexts::LOCATIONS;
use crate::conf::{Row, flag, number, size, word};

/// More than any answer needs to pass quickly, and little enough that one directive cannot take the memory.
const SIZE_MAX: u64 = 64 << 20;

/// `proxy_buffers` in number at the most.
const COUNT_MAX: u64 = 4096;

/// Bytes, of which there are some and not too many.
fn bytes(text: &str) -> Result<usize, String> {
    let size = size(text)?;
    if size == 0 || size > SIZE_MAX {
        return Err(format!(
            "expected a size from 1 to {SIZE_MAX}, found \"{text}\""
        ));
    }
    usize::try_from(size).map_err(|_| format!("invalid size \"{text}\""))
}

const SPILLS: &str = "answers wait in memory only, as much as `proxy_buffers` says; a client that is slower than that slows its server down";

/// The table.
pub(super) const ROWS: &[Row] = &[
    row(
        "proxy_buffering",
        FLAG,
        "on",
        "Whether an answer is read as far as `proxy_buffers` allows while the client takes its time, or only `proxy_buffer_size`.",
        |location, directive, _| {
            location.proxy.buffers_response = flag(directive)?;
            Ok(())
        },
    ),
    row(
        "proxy_request_buffering",
        FLAG,
        "on",
        "Whether the client's body is read to its end before a server is asked. With `off` it passes as it comes, and a request whose body was begun is not sent again.",
        |location, directive, _| {
            location.proxy.buffers_request = flag(directive)?;
            Ok(())
        },
    ),
    row(
        "proxy_buffer_size",
        SIZE,
        "4k",
        "How long the head of an answer may be.",
        |location, directive, _| {
            location.proxy.buffer_size = bytes(word(directive, 0)?)?;
            Ok(())
        },
    ),
    row(
        "proxy_buffers",
        &[
            Param::required("number", Kind::Text),
            Param::required("size", Kind::Text),
        ],
        "8 4k",
        "How much of an answer may wait for the client: number times size.",
        |location, directive, _| {
            let text = word(directive, 0)?;
            let count = number(text)?;
            if count > COUNT_MAX {
                return Err(format!("at most {COUNT_MAX} buffers are possible"));
            }
            let count = usize::try_from(count).map_err(|_| format!("invalid number \"{text}\""))?;
            location.proxy.buffers = (count, bytes(word(directive, 1)?)?);
            Ok(())
        },
    ),
    row(
        "proxy_busy_buffers_size",
        SIZE,
        "",
        "Checked against the other sizes as nginx does; it tunes nginx's own way of sending.",
        |location, directive, _| {
            location.proxy.busy_size = Some(bytes(word(directive, 0)?)?);
            Ok(())
        },
    ),
    row(
        "proxy_limit_rate",
        TEXT,
        "0",
        "How many bytes per second are read from a server; 0 for no limit. May have variables.",
        |location, directive, cx| {
            word(directive, 0)?;
            let template = cx.template(&directive.args[0])?;
            if let Some(text) = template.as_literal() {
                size(&String::from_utf8_lossy(text))?;
            }
            location.proxy.limit_rate = Some(template);
            Ok(())
        },
    ),
    Row::inert(Spec::ignored("proxy_max_temp_file_size", LOCATIONS, SPILLS)),
    Row::inert(Spec::ignored(
        "proxy_send_lowat",
        LOCATIONS,
        "it tunes nginx's own way of sending",
    )),
];
