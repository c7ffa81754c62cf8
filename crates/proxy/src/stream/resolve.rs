//! The walk over `stream`: groups, then servers, each after the plain directives around it.

use std::sync::Arc;

use nginx_conf::{Body, Context, Directive, Kind, MAIN, Param, Spec};

use super::config::{Config, Server, StreamCx};
use crate::conf::contexts::{STREAM, STREAM_SERVER, STREAM_UPSTREAM};
use crate::conf::{Apply, Cx, Row};

const NAME: &[Param] = &[Param::required("name", Kind::Text)];

/// The blocks.
pub(crate) static ROWS: &[Row] = &[
    Row::new(
        Spec::block(
            "stream",
            &[MAIN],
            STREAM,
            "TCP load balancing and proxying.",
        ),
        Apply::Structure,
    ),
    Row::new(
        Spec::new(
            "upstream",
            &[STREAM],
            NAME,
            "A group of servers; `proxy_pass NAME` balances over them.",
        )
        .body(Body::Block(STREAM_UPSTREAM))
        .repeatable(),
        Apply::Structure,
    ),
    Row::new(
        Spec::block(
            "server",
            &[STREAM],
            STREAM_SERVER,
            "What is done with the sessions of one address.",
        )
        .repeatable(),
        Apply::Structure,
    ),
];

/// Reads the inside of `stream`.
pub(crate) fn resolve(inside: &[Directive], cx: &mut Cx<'_>) -> Config {
    let outer = cx.enter();
    let mut cx = StreamCx::new(cx);
    let mut base = Server::default();
    plain(inside, STREAM, &mut base, &mut cx);
    let mut servers = Vec::new();
    for directive in inside
        .iter()
        .filter(|directive| directive.name.text == "server")
    {
        let level = cx.cx.enter();
        let mut server = base.clone();
        let block = directive.block.as_deref().unwrap_or_default();
        plain(block, STREAM_SERVER, &mut server, &mut cx);
        cx.cx.leave(level);
        if server.handler.is_none() {
            cx.cx.wrong(
                &directive.name,
                "\"server\": no handler for it: expected proxy_pass or return",
            );
        }
        servers.push(Arc::new(server));
    }
    cx.cx.leave(outer);
    finish(cx, servers)
}

fn plain(inside: &[Directive], context: Context, server: &mut Server, cx: &mut StreamCx<'_, '_>) {
    for directive in inside {
        let Some((row, apply)) = cx.cx.row(directive, context) else {
            continue;
        };
        let done = match apply {
            Apply::Stream(apply) => {
                let mut draft = std::mem::take(&mut cx.draft);
                let done = apply(&mut draft, directive, cx);
                cx.draft = draft;
                done
            }
            Apply::StreamServer(apply) => apply(server, directive, cx),
            _ => Ok(()),
        };
        cx.cx.settle(row, directive, done);
    }
}

fn finish(cx: StreamCx<'_, '_>, servers: Vec<Arc<Server>>) -> Config {
    for (name, place) in cx.registry.undefined() {
        cx.cx
            .wrong_at(place, format!("unknown \"{name}\" variable"));
    }
    Config {
        servers,
        definitions: cx.registry.finish(),
    }
}
