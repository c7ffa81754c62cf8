//! The walk over `stream`: groups, then servers, each after the plain directives around it.

use std::sync::Arc;

use nginx_conf::{Body, Context, Directive, Kind, MAIN, Param, Spec};

use super::config::{Config, Server, StreamCx, UpstreamDraft};
use super::{Var, listen};
use crate::conf::contexts::{STREAM, STREAM_SERVER, STREAM_UPSTREAM};
use crate::conf::{Apply, Cx, Row};
use crate::names::Name;
use crate::upstream::Groups;

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
    let mut base = Server {
        errors: cx.cx.errors.clone(),
        ..Server::default()
    };
    plain(inside, STREAM, &mut base, &mut cx);
    // A server may name a group that stands below it.
    for directive in named(inside, "upstream") {
        upstream(directive, &mut cx);
    }
    let servers: Vec<_> = named(inside, "server")
        .map(|directive| Arc::new(server(directive, &base, &mut cx)))
        .collect();
    cx.cx.leave(outer);
    finish(cx, &servers, &base)
}

fn named<'d>(inside: &'d [Directive], name: &'static str) -> impl Iterator<Item = &'d Directive> {
    inside
        .iter()
        .filter(move |directive| directive.name.text == name && directive.block.is_some())
}

fn upstream(directive: &Directive, cx: &mut StreamCx<'_, '_>) {
    let outer = cx.cx.enter();
    let mut draft = UpstreamDraft {
        name: directive.first().unwrap_or_default().to_owned(),
        place: Some(directive.name.place.clone()),
        ..UpstreamDraft::default()
    };
    for inner in directive.block.as_deref().unwrap_or_default() {
        if let Some((row, Apply::StreamUpstream(apply))) = cx.cx.row(inner, STREAM_UPSTREAM) {
            let done = apply(&mut draft, inner, cx);
            cx.cx.settle(row, inner, done);
        }
    }
    cx.cx.leave(outer);
    let known = |other: &UpstreamDraft| other.name.eq_ignore_ascii_case(&draft.name);
    if cx.draft.upstreams.iter().any(known) {
        let text = format!("duplicate upstream \"{}\"", draft.name);
        return cx.cx.wrong(&directive.name, text);
    }
    cx.draft.upstreams.push(draft);
}

fn server(directive: &Directive, base: &Server, cx: &mut StreamCx<'_, '_>) -> Server {
    let level = cx.cx.enter();
    let mut server = base.clone();
    server.place = Some(directive.name.place.clone());
    let block = directive.block.as_deref().unwrap_or_default();
    plain(block, STREAM_SERVER, &mut server, cx);
    cx.cx.leave(level);
    if server.handler.is_none() {
        cx.cx.wrong(
            &directive.name,
            "\"server\": no handler for it: expected proxy_pass, pass or return",
        );
    }
    if server.listens.is_empty() {
        cx.cx
            .wrong(&directive.name, "no \"listen\" is defined for server");
    }
    if server.names.is_empty() {
        server.names.push(Name::Exact("".into()));
    }
    match server.ssl.load(&mut cx.draft.tls) {
        Ok(tls) => server.tls = tls,
        Err(reason) => cx.cx.wrong(&directive.name, reason),
    }
    if server.proxy.is_tls {
        match server.proxy.ssl.load() {
            Ok(tls) => server.proxy.tls = Some(tls),
            Err(reason) => cx.cx.wrong(&directive.name, reason),
        }
    }
    server
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

fn finish(mut cx: StreamCx<'_, '_>, servers: &[Arc<Server>], base: &Server) -> Config {
    let groups = groups(&mut cx, base);
    for (name, place) in cx.registry.undefined() {
        cx.cx
            .wrong_at(place, format!("unknown \"{name}\" variable"));
    }
    Config {
        prefix: cx.cx.paths.prefix().to_owned(),
        ports: listen::ports(servers, cx.cx),
        groups,
        zones: cx.draft.zones,
        definitions: cx.registry.finish(),
        computed: cx.draft.computed,
    }
}

fn groups(cx: &mut StreamCx<'_, '_>, base: &Server) -> Groups<Var> {
    let resolver = base.resolver.described();
    let drafts = std::mem::take(&mut cx.draft.upstreams);
    let mut groups = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let place = draft.place.clone();
        match draft.finish("stream", resolver.as_ref()) {
            Ok(group) => groups.push(group),
            Err(reasons) => {
                // A group without a place is one of ours, and complete.
                for (reason, place) in reasons.into_iter().zip(place.iter().cycle()) {
                    cx.cx.wrong_at(place, reason);
                }
            }
        }
    }
    Groups::new(groups)
}
