//! `listen` and `server_name` of the TCP face: which servers are reached at which address.

use std::sync::Arc;

use nginx_conf::{Directive, Kind, Param, Presence, Spec};

use super::{Server, StreamCx};
use crate::conf::contexts::STREAM_SERVER;
use crate::conf::{Apply, Cx, Done, Row};
use crate::listen::{self, Listen};
use crate::names::{Name, Names};
use crate::net::{ListenOptions, ListenSpec};
use crate::script::Captures;

/// An address with everything that is reached there.
#[derive(Debug)]
pub(crate) struct Port {
    /// What is bound.
    pub(crate) spec: ListenSpec,
    pub(crate) ssl: bool,
    pub(crate) proxy_protocol: bool,
    /// The server of sessions whose name no other has.
    pub(crate) default: Arc<Server>,
    pub(crate) names: Names<Server>,
    /// Every server that is reached here.
    pub(crate) servers: Vec<Arc<Server>>,
    /// The name that a client asks for matters.
    pub(crate) has_choice: bool,
}

impl Port {
    /// The server of a name that a client asks for, in lower case; `None` where no server has it.
    pub(crate) fn named(&self, name: &str) -> Option<&Arc<Server>> {
        if !self.has_choice || name.is_empty() {
            return None;
        }
        let mut captures = Captures::default();
        self.names
            .find(name.as_bytes(), &mut captures, &mut |_, _| {})
    }
}

/// Puts the `listen`s of all servers together.
pub(super) fn ports(servers: &[Arc<Server>], cx: &mut Cx<'_>) -> Vec<Arc<Port>> {
    let mut ports: Vec<Port> = Vec::new();
    let mut chosen: Vec<bool> = Vec::new();
    for server in servers {
        for listen in &server.listens {
            let known = ports.iter().position(|port| {
                port.spec.address == listen.endpoint && port.spec.udp == listen.udp
            });
            let at = known.unwrap_or(ports.len());
            if known.is_none() {
                chosen.push(false);
                ports.push(Port {
                    spec: ListenSpec {
                        address: listen.endpoint.clone(),
                        options: ListenOptions::default(),
                        udp: listen.udp,
                    },
                    ssl: false,
                    proxy_protocol: false,
                    default: server.clone(),
                    names: Names::default(),
                    servers: Vec::new(),
                    has_choice: false,
                });
            }
            let port = &mut ports[at];
            if listen.is_default {
                if std::mem::replace(&mut chosen[at], true)
                    && let Some(place) = &server.place
                {
                    let text = format!("a duplicate default server for {}", listen.endpoint);
                    cx.wrong_at(place, text);
                }
                port.default = server.clone();
            }
            if let Some(options) = &listen.options {
                port.spec.options = options.clone();
            }
            port.ssl |= listen.ssl;
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
    let lacks = |server: &Server| server.tls.tls.is_none() && !server.tls.rejects;
    for port in ports.iter().filter(|port| port.ssl) {
        let mut here: Vec<&Arc<Server>> = vec![&port.default];
        if port.default.tls.tls.is_none() {
            here.extend(port.servers.iter());
        }
        let lacking = here.into_iter().find(|server| lacks(server));
        if let Some(place) = lacking.and_then(|server| server.place.as_ref()) {
            let text = "no \"ssl_certificate\" is defined for the \"listen ... ssl\" directive of the server";
            cx.wrong_at(place, text);
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
            &[STREAM_SERVER],
            &[
                Param::required("address", Kind::Text),
                Param {
                    presence: Presence::Rest,
                    ..WORDS
                },
            ],
            "An address to serve on: `PORT`, `ADDRESS:PORT`, `*:PORT` or `unix:PATH`, then `default_server`, `ssl`, `proxy_protocol`, `backlog=N`, `rcvbuf=SIZE`, `sndbuf=SIZE`, `ipv6only=on|off`, `so_keepalive=on|off|IDLE:INTERVAL:PROBES`. `reuseport` is always on; `bind`, `deferred`, `fastopen`, `setfib`, `accept_filter` and `multipath` are accepted without effect. `udp`: sessions of datagrams, one for each client's address; answers from a wildcard address have the address that the system chooses.",
        )
        .repeatable(),
        Apply::StreamServer(listens),
    ),
    Row::new(
        Spec::new(
            "server_name",
            &[STREAM_SERVER],
            &[WORDS],
            "Names of the server, by which TLS clients ask for it: exact, `*.NAME`, `.NAME`, `NAME.*` or `~REGEX`.",
        )
        .repeatable(),
        Apply::StreamServer(server_name),
    ),
];

fn listens(server: &mut Server, directive: &Directive, _: &mut StreamCx<'_, '_>) -> Done {
    let address = directive.first().ok_or("expected an address")?;
    if directive.args.iter().any(|word| word.text == "http2") {
        return Err("invalid parameter \"http2\"".to_owned());
    }
    if !has_port(address) {
        return Err(format!(
            "no port in \"{address}\" of the \"listen\" directive"
        ));
    }
    for listen in listen::read(directive)? {
        if listen.udp && (listen.ssl || listen.proxy_protocol) {
            let other = if listen.ssl { "ssl" } else { "proxy_protocol" };
            return Err(format!("\"{other}\" is incompatible with \"udp\""));
        }
        if listen.udp && listen.endpoint.ip().is_none() {
            return Err("a unix socket cannot be \"udp\"".to_owned());
        }
        let same = |other: &Listen| other.endpoint == listen.endpoint && other.udp == listen.udp;
        if server.listens.iter().any(same) {
            return Err(format!("a duplicate listen {}", listen.endpoint));
        }
        server.listens.push(listen);
    }
    Ok(())
}

/// There is no usual port for TCP in general.
fn has_port(address: &str) -> bool {
    let after_host = match address.rfind(']') {
        Some(end) => &address[end..],
        None => address,
    };
    let is_number = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let alone = !after_host.contains(['.', ':']) && is_number(after_host);
    alone || after_host.contains(':')
}

fn server_name(server: &mut Server, directive: &Directive, cx: &mut StreamCx<'_, '_>) -> Done {
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

#[cfg(test)]
mod tests {
    use super::has_port;

    #[test]
    fn ports_are_written() {
        for text in ["80", "80-81", "127.0.0.1:80", "[::1]:80", "*:80", "unix:/a"] {
            assert!(has_port(text), "{text}");
        }
        for text in ["127.0.0.1", "[::1]", "localhost", "*"] {
            assert!(!has_port(text), "{text}");
        }
    }
}
