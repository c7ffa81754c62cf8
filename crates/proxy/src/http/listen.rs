//! `listen` and `server_name` of the HTTP face: which servers are reached at which address.

use std::sync::Arc;

use nginx_conf::{Directive, Kind, Param, Presence, Spec};

use super::{HttpCx, Server, ServerDraft};
use crate::conf::contexts::SERVER;
use crate::conf::{Apply, Cx, Done, Row};
use crate::listen;
use crate::names::{Name, Names};
use crate::net::{ListenOptions, ListenSpec};

/// An address with everything that is reached there.
#[derive(Debug)]
pub(crate) struct Port {
    /// What is bound.
    pub(crate) spec: ListenSpec,
    pub(crate) ssl: bool,
    pub(crate) http2: bool,
    pub(crate) proxy_protocol: bool,
    /// The server of requests whose host no other has.
    pub(crate) default: Arc<Server>,
    pub(crate) names: Names<Server>,
    /// Every server that is reached here.
    pub(crate) servers: Vec<Arc<Server>>,
    /// Some name of a server here has a regular expression or more than one server is here: the host must be looked up.
    pub(crate) has_choice: bool,
}

/// Puts the `listen`s of all servers together.
pub(crate) fn ports(servers: &[Arc<Server>], cx: &mut Cx<'_>) -> Vec<Arc<Port>> {
    let mut ports: Vec<Port> = Vec::new();
    let mut chosen: Vec<bool> = Vec::new();
    for server in servers {
        for listen in &server.listens {
            let known = ports
                .iter()
                .position(|port| port.spec.address == listen.endpoint);
            let at = known.unwrap_or(ports.len());
            if known.is_none() {
                chosen.push(false);
                ports.push(Port {
                    spec: ListenSpec {
                        address: listen.endpoint.clone(),
                        options: ListenOptions::default(),
                        udp: false,
                    },
                    ssl: false,
                    http2: false,
                    proxy_protocol: false,
                    default: server.clone(),
                    names: Names::default(),
                    servers: Vec::new(),
                    has_choice: false,
                });
            }
            let port = &mut ports[at];
            if listen.is_default {
                if std::mem::replace(&mut chosen[at], true) {
                    let text = format!("a duplicate default server for {}", listen.endpoint);
                    cx.wrong_at(&server.place, text);
                }
                port.default = server.clone();
            }
            if let Some(options) = &listen.options {
                port.spec.options = options.clone();
            }
            port.ssl |= listen.ssl;
            port.http2 |= listen.http2;
            port.proxy_protocol |= listen.proxy_protocol;
            port.has_choice |= known.is_some() || server.has_regex_name();
            // nginx warns of names that are taken; the first server keeps them.
            port.names.add(&server.names, server);
            port.servers.push(server.clone());
        }
    }
    check_certificates(&ports, cx);
    ports.into_iter().map(Arc::new).collect()
}

/// The default server of an address with TLS needs a certificate, or must refuse: every other one can fall back on it.
fn check_certificates(ports: &[Port], cx: &mut Cx<'_>) {
    let lacks = |server: &Server| server.ssl.tls.is_none() && !server.ssl.rejects;
    for port in ports.iter().filter(|port| port.ssl) {
        let mut here: Vec<&Arc<Server>> = vec![&port.default];
        if port.default.ssl.tls.is_none() {
            here.extend(port.servers.iter());
        }
        if let Some(server) = here.into_iter().find(|server| lacks(server)) {
            let text = "no \"ssl_certificate\" is defined for the \"listen ... ssl\" directive of the server";
            cx.wrong_at(&server.place, text);
        }
    }
}

const WORDS: Param = Param {
    name: "parameter",
    kind: Kind::Text,
    presence: Presence::Repeated,
};

/// The table.
pub(crate) static ROWS: &[Row] = &[
    Row::new(
        Spec::new(
            "listen",
            &[SERVER],
            &[
                Param::required("address", Kind::Text),
                Param {
                    presence: Presence::Rest,
                    ..WORDS
                },
            ],
            "An address to serve on: `PORT`, `ADDRESS:PORT`, `*:PORT` or `unix:PATH`, then `default_server`, `ssl`, `proxy_protocol`, `backlog=N`, `rcvbuf=SIZE`, `sndbuf=SIZE`, `ipv6only=on|off`, `so_keepalive=on|off|IDLE:INTERVAL:PROBES`. `reuseport` is always on; `bind`, `deferred`, `fastopen`, `setfib`, `accept_filter` and `multipath` are accepted without effect. `http2` is served as HTTP/1.1.",
        )
        .repeatable(),
        Apply::Server(|server, directive, cx| {
            let listens = listen::read(directive)?;
            if let Some(word) = directive.args.iter().find(|word| word.text == "http2") {
                let text = "\"http2\" is ignored: HTTP/1.1 is served, which every client of HTTP/2 speaks, too";
                cx.cx.ignored(word, text);
            }
            for listen in listens {
                if listen.udp {
                    return Err("invalid parameter \"udp\"".to_owned());
                }
                if server.listens.iter().any(|l| l.endpoint == listen.endpoint) {
                    return Err(format!("a duplicate listen {}", listen.endpoint));
                }
                server.listens.push(listen);
            }
            Ok(())
        }),
    ),
    Row::new(
        Spec::new(
            "server_name",
            &[SERVER],
            &[WORDS],
            "Host names of the server: exact, `*.NAME`, `.NAME`, `NAME.*` or `~REGEX`; `\"\"` for requests without one.",
        )
        .repeatable(),
        Apply::Server(server_name),
    ),
];

fn server_name(server: &mut ServerDraft, directive: &Directive, cx: &mut HttpCx<'_, '_>) -> Done {
    for word in &directive.args {
        let text = match word.text.as_str() {
            "$hostname" => &crate::names::hostname(),
            text => text,
        };
        cx.registry.stand_at(&word.place);
        server.names.push(Name::parse(text, &mut cx.registry)?);
        if server.name.is_empty() {
            server.name = crate::names::shown(text);
        }
    }
    Ok(())
}
