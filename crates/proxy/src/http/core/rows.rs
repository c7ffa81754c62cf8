//! The tables of the core directives.

use std::sync::Arc;
use std::time::Duration;

use nginx_conf::value::Unit;
use nginx_conf::{Body, Context, Directive, Kind, Param, Presence, Spec};

use super::{InFile, Lingering, Satisfy, Tokens, Types};
use crate::conf::contexts::{HTTP, LOCATION, LOCATIONS, LOCATIONS_IF, SERVERS};
use crate::conf::{Apply, Done, Row, flag, number, size, time, word};
use crate::http::{HttpCx, Location, ServerDraft};

const FLAG: &[Param] = &[Param::required("on|off", Kind::Flag)];
const SIZE: &[Param] = &[Param::required("size", bytes())];
const TIME: &[Param] = &[Param::required("time", seconds())];
const NUMBER: &[Param] = &[Param::required("number", count())];
const TEXT: &[Param] = &[Param::required("value", Kind::Text)];

const fn bytes() -> Kind {
    Kind::Size {
        min: 0,
        max: i64::MAX,
    }
}

const fn seconds() -> Kind {
    Kind::Time {
        bare: Unit::Second,
        min_ms: 0,
        max_ms: i64::MAX,
    }
}

const fn count() -> Kind {
    Kind::Number {
        min: 0,
        max: i64::MAX,
    }
}

const fn optional(name: &'static str, kind: Kind) -> Param {
    Param {
        name,
        kind,
        presence: Presence::Optional,
    }
}

type Set<T> = fn(&mut T, &Directive, &mut HttpCx<'_, '_>) -> Done;

const fn server(
    name: &'static str,
    params: &'static [Param],
    default: &'static str,
    help: &'static str,
    set: Set<ServerDraft>,
) -> Row {
    let spec = Spec::new(name, SERVERS, params, help).default(default);
    Row::new(spec, Apply::Server(set))
}

const fn location(
    name: &'static str,
    params: &'static [Param],
    default: &'static str,
    help: &'static str,
    set: Set<Location>,
) -> Row {
    let spec = Spec::new(name, LOCATIONS, params, help).default(default);
    Row::new(spec, Apply::Location(set))
}

fn put<T>(field: &mut T, value: Result<T, String>) -> Done {
    *field = value?;
    Ok(())
}

fn span(directive: &Directive) -> Result<Duration, String> {
    time(word(directive, 0)?)
}

fn len(directive: &Directive, index: usize) -> Result<usize, String> {
    let size = size(word(directive, index)?)?;
    usize::try_from(size).map_err(|_| "the size does not fit into memory".to_owned())
}

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
    location(
        "client_max_body_size",
        SIZE,
        "1m",
        "The longest body of a request; longer ones are answered by 413. 0 for no limit.",
        |location, directive, _| put(&mut location.core.body_len_max, size(word(directive, 0)?)),
    ),
    location(
        "client_body_buffer_size",
        SIZE,
        "16k",
        "What a request's body may take of memory; the rest goes to a temporary file.",
        |location, directive, _| put(&mut location.core.body_buffer_size, len(directive, 0)),
    ),
    location(
        "client_body_timeout",
        TIME,
        "60s",
        "How long a client may pause while it sends a body; then 408.",
        |location, directive, _| put(&mut location.core.body_timeout, span(directive)),
    ),
    Row::new(
        Spec::new(
            "client_body_temp_path",
            LOCATIONS,
            &[
                Param::required("path", Kind::Text),
                optional("level1", count()),
                optional("level2", count()),
                optional("level3", count()),
            ],
            "The directory for bodies that do not fit into memory. The levels are accepted; the files lie in the directory itself.",
        )
        .default("client_body_temp"),
        Apply::Location(|location, directive, cx| {
            let path = cx.cx.paths.at_prefix(word(directive, 0)?);
            location.core.body_temp_path = path.into();
            Ok(())
        }),
    ),
    location(
        "client_body_in_file_only",
        &[Param::required(
            "mode",
            Kind::Choice(&["on", "clean", "off"]),
        )],
        "off",
        "Whether every body goes to a file: `on` keeps it, `clean` removes it with the request.",
        |location, directive, _| {
            location.core.body_in_file = match word(directive, 0)? {
                "on" => InFile::Keep,
                "clean" => InFile::Clean,
                _ => InFile::Off,
            };
            Ok(())
        },
    ),
    location(
        "send_timeout",
        TIME,
        "60s",
        "How long a client may take nothing of a response; then the connection is closed.",
        |location, directive, _| put(&mut location.core.send_timeout, span(directive)),
    ),
    location(
        "keepalive_timeout",
        &[
            Param::required("time", seconds()),
            optional("header_time", seconds()),
        ],
        "75s",
        "How long an idle connection is kept; 0 closes after each response. The second time is told to clients as `Keep-Alive: timeout=`.",
        |location, directive, _| {
            let header = directive.args.get(1).map(|word| time(&word.text));
            location.core.keepalive_header = header.transpose()?;
            put(&mut location.core.keepalive_timeout, span(directive))
        },
    ),
    location(
        "keepalive_requests",
        NUMBER,
        "1000",
        "How many requests one connection may make.",
        |location, directive, _| {
            put(
                &mut location.core.keepalive_requests,
                number(word(directive, 0)?),
            )
        },
    ),
    location(
        "keepalive_time",
        TIME,
        "1h",
        "How old a connection may become.",
        |location, directive, _| put(&mut location.core.keepalive_time, span(directive)),
    ),
    location(
        "keepalive_disable",
        &[Param {
            name: "browser",
            kind: Kind::Choice(&["none", "msie6", "safari"]),
            presence: Presence::Repeated,
        }],
        "msie6",
        "Clients whose connection is closed after each response.",
        |location, directive, _| {
            let has = |name| directive.args.iter().any(|word| word.text == name);
            location.core.keepalive_disable_msie6 = has("msie6");
            location.core.keepalive_disable_safari = has("safari");
            Ok(())
        },
    ),
    location(
        "lingering_close",
        &[Param::required(
            "mode",
            Kind::Choice(&["off", "on", "always"]),
        )],
        "on",
        "Whether what a client still sends is read before its connection is closed, so that it sees the response.",
        |location, directive, _| {
            location.core.lingering = match word(directive, 0)? {
                "off" => Lingering::Off,
                "always" => Lingering::Always,
                _ => Lingering::On,
            };
            Ok(())
        },
    ),
    location(
        "lingering_time",
        TIME,
        "30s",
        "How long it is read at most.",
        |location, directive, _| put(&mut location.core.lingering_time, span(directive)),
    ),
    location(
        "lingering_timeout",
        TIME,
        "5s",
        "How long the next bytes are waited for meanwhile.",
        |location, directive, _| put(&mut location.core.lingering_timeout, span(directive)),
    ),
    location(
        "reset_timedout_connection",
        FLAG,
        "off",
        "Connections that time out, and those closed by 444, are reset.",
        |location, directive, _| put(&mut location.core.reset_timedout, flag(directive)),
    ),
    location(
        "server_tokens",
        TEXT,
        "on",
        "Whether the version is told in `Server` and on error pages: on, off, or build, which is like on.",
        |location, directive, _| {
            location.core.tokens = match word(directive, 0)? {
                "on" | "build" => Tokens::On,
                "off" => Tokens::Off,
                other => return Err(format!("invalid parameter \"{other}\"")),
            };
            Ok(())
        },
    ),
    location(
        "absolute_redirect",
        FLAG,
        "on",
        "Redirects that we make carry scheme and host.",
        |location, directive, _| put(&mut location.core.absolute_redirect, flag(directive)),
    ),
    location(
        "server_name_in_redirect",
        FLAG,
        "off",
        "The host of such a redirect is the first `server_name` instead of the request's.",
        |location, directive, _| put(&mut location.core.server_name_in_redirect, flag(directive)),
    ),
    location(
        "port_in_redirect",
        FLAG,
        "on",
        "The port stands in such a redirect, where it is not the scheme's own.",
        |location, directive, _| put(&mut location.core.port_in_redirect, flag(directive)),
    ),
    location(
        "chunked_transfer_encoding",
        FLAG,
        "on",
        "Responses of unknown length are chunked; off: they end with the connection.",
        |location, directive, _| put(&mut location.core.chunked, flag(directive)),
    ),
    location(
        "etag",
        FLAG,
        "on",
        "Whether static files get an `ETag`.",
        |location, directive, _| put(&mut location.core.etag, flag(directive)),
    ),
    location(
        "tcp_nodelay",
        FLAG,
        "on",
        "Whether small writes are sent at once.",
        |location, directive, _| put(&mut location.core.nodelay, flag(directive)),
    ),
    limit(
        "limit_rate",
        "How many bytes per second a client is sent in one response; 0 for no limit.",
        |location, directive, cx| {
            location.core.limit_rate = rate(directive, cx)?;
            Ok(())
        },
    ),
    limit(
        "limit_rate_after",
        "How many bytes of a response go out before `limit_rate` holds.",
        |location, directive, cx| {
            location.core.limit_rate_after = rate(directive, cx)?;
            Ok(())
        },
    ),
    location(
        "satisfy",
        &[Param::required("mode", Kind::Choice(&["all", "any"]))],
        "all",
        "Whether all kinds of access control must agree, or one.",
        |location, directive, _| {
            location.core.satisfy = match word(directive, 0)? {
                "any" => Satisfy::Any,
                _ => Satisfy::All,
            };
            Ok(())
        },
    ),
    Row::new(
        Spec::new(
            "internal",
            &[LOCATION],
            &[],
            "The location is for redirects of ours only; to clients it is not there (404).",
        ),
        Apply::Location(|location, _, _| {
            location.core.internal = true;
            Ok(())
        }),
    ),
    location(
        "recursive_error_pages",
        FLAG,
        "off",
        "Whether an error of an error page has an error page.",
        |location, directive, _| put(&mut location.core.recursive_error_pages, flag(directive)),
    ),
    location(
        "log_not_found",
        FLAG,
        "on",
        "Whether files that are not there are told in the error log.",
        |location, directive, _| put(&mut location.core.log_not_found, flag(directive)),
    ),
    location(
        "log_subrequest",
        FLAG,
        "off",
        "Whether subrequests have a line in the access log.",
        |location, directive, _| put(&mut location.core.log_subrequest, flag(directive)),
    ),
    location(
        "default_type",
        TEXT,
        "text/plain",
        "The media type of what `types` does not know.",
        |location, directive, _| {
            location.core.default_type = word(directive, 0)?.as_bytes().into();
            Ok(())
        },
    ),
    Row::new(
        Spec::new(
            "types",
            LOCATIONS,
            &[],
            "Media types and the file name extensions that they belong to, a type a line.",
        )
        .body(Body::Opaque),
        Apply::Location(|location, directive, _| {
            let block = directive.block.as_deref().ok_or("expected a block")?;
            location.core.types = Arc::new(Types::read(block)?);
            Ok(())
        }),
    ),
];

const fn limit(name: &'static str, help: &'static str, set: Set<Location>) -> Row {
    let spec = Spec::new(name, LOCATIONS_IF, TEXT, help).default("0");
    Row::new(spec, Apply::Location(set))
}

fn rate(
    directive: &Directive,
    cx: &mut HttpCx<'_, '_>,
) -> Result<Option<crate::http::Template>, String> {
    let word = directive.args.first().ok_or("expected a rate")?;
    let template = cx.template(word)?;
    match template.as_literal() {
        Some(_) => Ok((size(&word.text)? > 0).then_some(template)),
        None => Ok(Some(template)),
    }
}

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

const EVERYWHERE: &[Context] = LOCATIONS_IF;
const MEMORY: &str = "it tunes nginx's own memory and tables";
const INPUT: &str = "it tunes how nginx reads and sends files";

/// Directives of nginx's core whose effect nobody misses.
pub(crate) static IGNORED: &[Row] = &[
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
