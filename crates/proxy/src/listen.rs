//! `listen`: the addresses and options that its arguments mean, for both faces.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

use nginx_conf::Directive;

use crate::conf::{Done, number, size, time};
use crate::net::{Endpoint, Keepalive, ListenOptions};

/// One `listen`.
#[derive(Debug, Clone)]
pub(crate) struct Listen {
    pub(crate) endpoint: Endpoint,
    pub(crate) options: Option<ListenOptions>,
    pub(crate) is_default: bool,
    pub(crate) ssl: bool,
    pub(crate) http2: bool,
    pub(crate) proxy_protocol: bool,
    /// For datagrams.
    pub(crate) udp: bool,
}

impl Listen {
    fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            options: None,
            is_default: false,
            ssl: false,
            http2: false,
            proxy_protocol: false,
            udp: false,
        }
    }
}

const PORT_DEFAULT: u16 = 80;
/// What nginx listens on where it may not have port 80.
const PORT_UNPRIVILEGED: u16 = 8000;
/// A range of ports is a list of addresses, each with sockets of its own.
const PORTS_MAX: usize = 1024;

/// Reads a `listen`: a name, or a range of ports, is several addresses.
pub(crate) fn read(directive: &Directive) -> Result<Vec<Listen>, String> {
    let address = directive.first().ok_or("expected an address")?;
    let mut listens: Vec<_> = addresses(address)?.into_iter().map(Listen::new).collect();
    for word in &directive.args[1..] {
        for listen in &mut listens {
            listen.parameter(&word.text)?;
        }
    }
    Ok(listens)
}

/// The address of a server without a `listen`.
pub(crate) fn default_address() -> Listen {
    let port = if rustix::process::geteuid().is_root() {
        PORT_DEFAULT
    } else {
        PORT_UNPRIVILEGED
    };
    Listen::new(Endpoint::Ip((Ipv4Addr::UNSPECIFIED, port).into()))
}

impl Listen {
    fn parameter(&mut self, text: &str) -> Done {
        let invalid = || format!("invalid parameter \"{text}\"");
        match text {
            "default_server" | "default" => self.is_default = true,
            "ssl" => self.ssl = true,
            "http2" => self.http2 = true,
            "proxy_protocol" => self.proxy_protocol = true,
            "udp" => self.udp = true,
            "deferred" => self.options().deferred = true,
            "bind" | "reuseport" | "multipath" => {
                self.options();
            }
            "quic" => return Err("QUIC is not supported yet".to_owned()),
            _ => {
                let (name, value) = text.split_once('=').ok_or_else(invalid)?;
                self.setting(name, value).map_err(|()| invalid())?;
            }
        }
        Ok(())
    }

    fn options(&mut self) -> &mut ListenOptions {
        self.options.get_or_insert_default()
    }

    fn setting(&mut self, name: &str, value: &str) -> Result<(), ()> {
        let bytes = |value| {
            size(value)
                .ok()
                .and_then(|size| usize::try_from(size).ok())
                .ok_or(())
        };
        match name {
            "backlog" => {
                let backlog = number(value).ok().and_then(|n| i32::try_from(n).ok());
                self.options().backlog = backlog.filter(|n| *n > 0).ok_or(())?;
            }
            "rcvbuf" => self.options().rcvbuf = Some(bytes(value)?),
            "sndbuf" => self.options().sndbuf = Some(bytes(value)?),
            "ipv6only" => {
                self.options().ipv6only = match value {
                    "on" => true,
                    "off" => false,
                    _ => return Err(()),
                }
            }
            "so_keepalive" => self.options().keepalive = keepalive(value).ok_or(())?,
            "fastopen" | "setfib" => {
                number(value).map_err(|_| ())?;
                self.options();
            }
            "accept_filter" => {
                self.options();
            }
            _ => return Err(()),
        }
        Ok(())
    }
}

fn keepalive(value: &str) -> Option<Keepalive> {
    match value {
        "on" => return Some(Keepalive::ON),
        "off" => return Some(Keepalive::Off),
        _ => {}
    }
    let mut parts = value.split(':');
    let mut span = || {
        let text = parts.next().unwrap_or_default();
        match text {
            "" => Some(None),
            text => time(text).ok().map(Some),
        }
    };
    let (idle, interval) = (span()?, span()?);
    let probes = match parts.next().unwrap_or_default() {
        "" => None,
        text => Some(text.parse().ok()?),
    };
    if parts.next().is_some() || (idle.is_none() && interval.is_none() && probes.is_none()) {
        return None;
    }
    Some(Keepalive::On {
        idle,
        interval,
        probes,
    })
}

/// The addresses that an argument means: a name may have several, a range of ports has.
fn addresses(text: &str) -> Result<Vec<Endpoint>, String> {
    if let Some(path) = text.strip_prefix("unix:") {
        if path.is_empty() {
            return Err(format!("no path in the unix domain socket \"{text}\""));
        }
        return Ok(vec![Endpoint::Unix(path.into())]);
    }
    let invalid = || format!("invalid address \"{text}\"");
    let (host, ports) = split(text).ok_or_else(invalid)?;
    let hosts = match host {
        None | Some("*") => vec![IpAddr::V4(Ipv4Addr::UNSPECIFIED)],
        Some(host) => resolve(host)?,
    };
    let ports: Vec<u16> = match ports {
        None => vec![PORT_DEFAULT],
        Some(ports) => match ports.split_once('-') {
            None => vec![port(ports).ok_or_else(|| format!("invalid port in \"{text}\""))?],
            Some((first, last)) => {
                let bounds = port(first).zip(port(last));
                let (first, last) = bounds.filter(|(a, b)| a <= b).ok_or_else(invalid)?;
                (first..=last).collect()
            }
        },
    };
    if ports.len() > PORTS_MAX {
        return Err(format!(
            "there are more than {PORTS_MAX} ports in \"{text}\""
        ));
    }
    let pairs = hosts
        .iter()
        .flat_map(|host| ports.iter().map(|port| SocketAddr::from((*host, *port))));
    Ok(pairs.map(Endpoint::Ip).collect())
}

/// Port 0 lets the system choose, which is of use to tests.
fn port(text: &str) -> Option<u16> {
    number(text).ok().and_then(|port| u16::try_from(port).ok())
}

/// Host and ports; a word of digits is a port.
fn split(text: &str) -> Option<(Option<&str>, Option<&str>)> {
    if text.starts_with('[') {
        let end = text.find(']')? + 1;
        return match &text[end..] {
            "" => Some((Some(text), None)),
            rest => Some((Some(&text[..end]), Some(rest.strip_prefix(':')?))),
        };
    }
    let is_ports = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_digit())
            && text.bytes().all(|b| b.is_ascii_digit() || b == b'-')
    };
    match text.rsplit_once(':') {
        Some((host, ports)) => (!host.is_empty()).then_some((Some(host), Some(ports))),
        None if is_ports(text) => Some((None, Some(text))),
        None => Some((Some(text), None)),
    }
}

fn resolve(host: &str) -> Result<Vec<IpAddr>, String> {
    if let Some(inner) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        let ip = inner.parse::<Ipv6Addr>();
        return ip
            .map(|ip| vec![ip.into()])
            .map_err(|_| format!("invalid IPv6 address \"{host}\""));
    }
    if let Ok(ip) = host.parse::<Ipv4Addr>() {
        return Ok(vec![ip.into()]);
    }
    let found = (host, 0)
        .to_socket_addrs()
        .map_err(|error| format!("host not found in \"{host}\": {error}"))?;
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in found {
        if !addresses.contains(&address.ip()) {
            addresses.push(address.ip());
        }
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_listened_on() {
        let check = |text: &str, expected: Option<&[&str]>| {
            let got = addresses(text).ok();
            let got: Option<Vec<_>> = got.map(|all| all.iter().map(ToString::to_string).collect());
            assert_eq!(
                got,
                expected.map(|e| e.iter().map(|s| (*s).to_owned()).collect()),
                "{text}"
            );
        };
        check("80", Some(&["0.0.0.0:80"]));
        check("*:8080", Some(&["0.0.0.0:8080"]));
        check("127.0.0.1", Some(&["127.0.0.1:80"]));
        check("127.0.0.1:0", Some(&["127.0.0.1:0"]));
        check("[::]:80", Some(&["[::]:80"]));
        check("[::1]", Some(&["[::1]:80"]));
        check(
            "8000-8002",
            Some(&["0.0.0.0:8000", "0.0.0.0:8001", "0.0.0.0:8002"]),
        );
        check("unix:/tmp/s", Some(&["unix:/tmp/s"]));
        for text in [
            "unix:",
            "65536",
            "127.0.0.1:x",
            "[::1",
            "[::1]80",
            ":80",
            "8002-8000",
            "1-65535",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn probing_of_idle_connections() {
        assert_eq!(keepalive("on"), Some(Keepalive::ON));
        assert_eq!(keepalive("off"), Some(Keepalive::Off));
        assert!(matches!(
            keepalive("30m::10"),
            Some(Keepalive::On {
                idle: Some(_),
                interval: None,
                probes: Some(10)
            })
        ));
        for text in ["", "::", "x", "1:2:3:4", "1:2:x"] {
            assert_eq!(keepalive(text), None, "{text}");
        }
    }
}
