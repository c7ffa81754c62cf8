//! Where a `server` line or a `proxy_pass` points: a host with a port, or the path of a unix socket, and perhaps a URI.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::path::Path;

use balancer::Address;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url {
    /// The host as written, IPv6 in brackets; the path of a unix socket.
    pub(crate) host: String,
    /// The port, where one is written.
    pub(crate) port: Option<u16>,
    /// It is a unix socket.
    pub(crate) is_unix: bool,
    /// What follows, from `/` or `?` on; empty where nothing does.
    pub(crate) uri: String,
}

/// Reads `HOST[:PORT][URI]` or `unix:PATH[:URI]`; a URI only where `with_uri`.
pub(crate) fn parse(text: &str, with_uri: bool) -> Result<Url, &'static str> {
    if let Some(rest) = text
        .get(..5)
        .filter(|scheme| scheme.eq_ignore_ascii_case("unix:"))
        .map(|_| &text[5..])
    {
        return unix(rest, with_uri);
    }
    let start = match text.strip_prefix('[') {
        Some(inner) => inner.find(']').ok_or("invalid host")? + 2,
        None => 0,
    };
    let end = text[start..]
        .find(['/', '?'])
        .map_or(text.len(), |at| start + at);
    let (authority, uri) = text.split_at(end);
    if !uri.is_empty() && !with_uri {
        return Err("invalid host");
    }
    let (host, port) = match authority[start..].find(':') {
        Some(at) => {
            let port = authority[start + at + 1..].parse().ok();
            let port = port.filter(|port| *port > 0).ok_or("invalid port")?;
            (&authority[..start + at], Some(port))
        }
        None => (authority, None),
    };
    if host.is_empty() {
        return Err("no host");
    }
    let valid = if start > 0 {
        host.len() == start && ip(host).is_some()
    } else {
        !host.contains([' ', '[', ']'])
    };
    if !valid {
        return Err("invalid host");
    }
    Ok(Url {
        host: host.to_owned(),
        port,
        is_unix: false,
        uri: uri.to_owned(),
    })
}

fn unix(rest: &str, with_uri: bool) -> Result<Url, &'static str> {
    let (path, uri) = match rest.split_once(':') {
        Some((path, uri)) if with_uri => (path, uri),
        _ => (rest, ""),
    };
    if path.is_empty() {
        return Err("no path in the unix domain socket");
    }
    Ok(Url {
        host: path.to_owned(),
        port: None,
        is_unix: true,
        uri: uri.to_owned(),
    })
}

/// The address that a host is, where it is no name.
pub(crate) fn ip(host: &str) -> Option<IpAddr> {
    match host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        Some(host) => host.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    }
}

impl Url {
    /// The addresses, as the system knows them now: a name is looked up, which waits.
    pub(crate) fn look_up(&self, port: u16) -> Result<Vec<Address>, &'static str> {
        if let Some(address) = self.literal(port) {
            return Ok(vec![address]);
        }
        let found = (self.host.as_str(), self.port.unwrap_or(port)).to_socket_addrs();
        let mut found: Vec<SocketAddr> = found.map_err(|_| "host not found")?.collect();
        // The order that nginx has: IPv4 first.
        found.sort_by_key(SocketAddr::is_ipv6);
        found.dedup();
        if found.is_empty() {
            return Err("host not found");
        }
        Ok(found.into_iter().map(Address::Ip).collect())
    }

    /// The address, where it needs no look-up.
    pub(crate) fn literal(&self, port: u16) -> Option<Address> {
        if self.is_unix {
            return Some(Address::Unix(Path::new(&self.host).into()));
        }
        let ip = ip(&self.host)?;
        Some(Address::Ip((ip, self.port.unwrap_or(port)).into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let check = |text: &str, expected: Result<(&str, Option<u16>, &str), &str>| {
            let url = parse(text, true);
            let got = url.as_ref();
            let got = got.map(|url| (url.host.as_str(), url.port, url.uri.as_str()));
            assert_eq!(got.map_err(|error| *error), expected, "{text}");
        };
        check("a", Ok(("a", None, "")));
        check("a:80", Ok(("a", Some(80), "")));
        check("a:80/x?y", Ok(("a", Some(80), "/x?y")));
        check("a?y:1", Ok(("a", None, "?y:1")));
        check("a/b:1", Ok(("a", None, "/b:1")));
        check("[::1]:81/", Ok(("[::1]", Some(81), "/")));
        check("[::1]", Ok(("[::1]", None, "")));
        check("unix:/a/b", Ok(("/a/b", None, "")));
        check("unix:/a/b:/c", Ok(("/a/b", None, "/c")));
        check("a:0", Err("invalid port"));
        check("a:", Err("invalid port"));
        check("a:65536", Err("invalid port"));
        check(":80", Err("no host"));
        check("[::1", Err("invalid host"));
        check("[x]:1", Err("invalid host"));
        check("unix:", Err("no path in the unix domain socket"));
        assert_eq!(parse("a/b", false), Err("invalid host"));
    }

    #[test]
    fn look_ups() {
        let addresses = |text: &str| {
            let found = parse(text, true).unwrap().look_up(80).unwrap();
            found.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(addresses("127.0.0.1"), ["127.0.0.1:80"]);
        assert_eq!(addresses("[::1]:81"), ["[::1]:81"]);
        assert_eq!(addresses("unix:/a"), ["unix:/a"]);
        assert_eq!(addresses("localhost:82")[0], "127.0.0.1:82");
    }
}
