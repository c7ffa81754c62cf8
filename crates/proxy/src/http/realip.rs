//! `set_real_ip_from`, `real_ip_header`, `real_ip_recursive`: the client's address from a proxy that is trusted.
//!
//! Asked before the server's rewrites and, where that changed nothing, once more at the location. Nobody but a trusted peer is
//! believed, and of a list of addresses only what trusted ones added.

use std::net::{IpAddr, SocketAddr};

use nginx_conf::{Directive, Kind, Param, Spec};

use super::var::Builtin;
use super::{HttpCx, Location, Request};
use crate::conf::contexts::LOCATIONS;
use crate::conf::{Apply, Done, List, Row, flag, word};
use crate::net::Endpoint;
use crate::trusted::Source;

/// Values of a location.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conf {
    from: List<Source>,
    header: Header,
    recursive: bool,
}

/// Where the address stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Header {
    #[default]
    RealIp,
    ForwardedFor,
    ProxyProtocol,
    Other(Box<str>),
}

/// The table.
pub(crate) static ROWS: &[Row] = &[
    Row::new(
        Spec::new(
            "set_real_ip_from",
            LOCATIONS,
            &[Param::required("address|network|unix:|name", Kind::Text)],
            "A proxy in front of us whose word on the client's address is taken.",
        )
        .repeatable(),
        Apply::Location(from),
    ),
    Row::new(
        Spec::new(
            "real_ip_header",
            LOCATIONS,
            &[Param::required("field|X-Real-IP|X-Forwarded-For|proxy_protocol", Kind::Text)],
            "The field that has the client's address, or `proxy_protocol`.",
        )
        .default("X-Real-IP"),
        Apply::Location(|location, directive, _| {
            let name = word(directive, 0)?;
            location.realip.header = match name.to_ascii_lowercase().as_str() {
                "x-real-ip" => Header::RealIp,
                "x-forwarded-for" => Header::ForwardedFor,
                "proxy_protocol" => Header::ProxyProtocol,
                other => Header::Other(other.into()),
            };
            Ok(())
        }),
    ),
    Row::new(
        Spec::new(
            "real_ip_recursive",
            LOCATIONS,
            &[Param::required("on|off", Kind::Flag)],
            "Whether the last address of a list that is not trusted is taken, rather than the last one.",
        )
        .default("off"),
        Apply::Location(|location, directive, _| {
            location.realip.recursive = flag(directive)?;
            Ok(())
        }),
    ),
];

fn from(location: &mut Location, directive: &Directive, cx: &mut HttpCx<'_, '_>) -> Done {
    let level = cx.cx.level();
    for source in Source::read(word(directive, 0)?)? {
        location.realip.from.add(level, source);
    }
    Ok(())
}

/// The table of variables.
pub(crate) static VARS: &[Builtin] = &[
    Builtin {
        name: "realip_remote_addr",
        get: |request, out| super::core::address(out, &request.connection.peer),
    },
    Builtin {
        name: "realip_remote_port",
        get: |request, out| super::core::port(out, &request.connection.peer),
    },
];

/// Takes the address that a trusted peer says, once per request.
pub(crate) fn run(request: &mut Request) {
    let conf = &request.location.realip;
    if conf.from.is_empty() || request.is_client_known {
        return;
    }
    if let Some(address) = find(request) {
        request.client = Endpoint::Ip(address);
        request.is_client_known = true;
    }
}

fn find(request: &Request) -> Option<SocketAddr> {
    let conf = &request.location.realip;
    let name = match &conf.header {
        Header::ProxyProtocol => {
            let said = request.connection.said.as_ref()?.endpoints?;
            return trusts(&conf.from, &request.client).then_some(said.source);
        }
        Header::RealIp => "x-real-ip",
        Header::ForwardedFor => "x-forwarded-for",
        Header::Other(name) => name,
    };
    if conf.header != Header::ForwardedFor {
        let value = request.field(name.as_bytes())?;
        let one = [value];
        return forwarded(
            &conf.from,
            conf.recursive,
            &request.client,
            one.iter().copied(),
        );
    }
    let mut values: Vec<&[u8]> = request
        .fields()
        .filter(|(other, _)| other.eq_ignore_ascii_case(name.as_bytes()))
        .map(|(_, value)| value)
        .collect();
    values.reverse();
    forwarded(
        &conf.from,
        conf.recursive,
        &request.client,
        values.into_iter(),
    )
}

fn trusts(from: &[Source], peer: &Endpoint) -> bool {
    from.iter().any(|source| source.covers(peer))
}

/// The address of the last one who is not trusted, by lists of which the last comes first.
fn forwarded<'v>(
    from: &[Source],
    recursive: bool,
    peer: &Endpoint,
    lists: impl Iterator<Item = &'v [u8]>,
) -> Option<SocketAddr> {
    let mut peer = peer.clone();
    let mut found = None;
    for list in lists {
        let mut words = list
            .rsplit(|byte| matches!(byte, b',' | b' '))
            .filter(|word| !word.is_empty());
        while trusts(from, &peer) {
            let Some(word) = words.next() else {
                break;
            };
            // What is no address ends the chain of trust, whoever wrote it.
            let Some(address) = parse(word) else {
                return found;
            };
            found = Some(address);
            if !recursive {
                return found;
            }
            peer = Endpoint::Ip(address);
        }
        if !recursive || !trusts(from, &peer) {
            break;
        }
    }
    found
}

/// An address, perhaps with a port.
fn parse(word: &[u8]) -> Option<SocketAddr> {
    let text = std::str::from_utf8(word).ok()?;
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let alone = bare.unwrap_or(text).parse::<IpAddr>().ok();
    let alone = alone.map(|ip| SocketAddr::new(ip, 0));
    alone.or_else(|| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::{forwarded, parse};
    use crate::net::Endpoint;
    use crate::trusted::Source;

    #[test]
    fn the_last_untrusted_address_is_the_client() {
        let from: Vec<Source> = ["127.0.0.1", "10.0.1.0/24", "unix:"]
            .iter()
            .flat_map(|text| Source::read(text).unwrap())
            .collect();
        let check = |lists: &[&str], recursive, wanted: Option<&str>| {
            let peer = Endpoint::Ip("127.0.0.1:1".parse().unwrap());
            let lists = lists.iter().rev().map(|list| list.as_bytes());
            let got = forwarded(&from, recursive, &peer, lists);
            assert_eq!(
                got.map(|address| address.ip().to_string()).as_deref(),
                wanted
            );
        };
        check(&["192.0.2.1"], false, Some("192.0.2.1"));
        check(&["10.0.0.1, 192.0.2.1"], false, Some("192.0.2.1"));
        check(
            &["192.0.2.1, 10.0.1.1, 127.0.0.1"],
            false,
            Some("127.0.0.1"),
        );
        check(&["192.0.2.1, 10.0.1.1, 127.0.0.1"], true, Some("192.0.2.1"));
        check(&["1.1.1.1, 192.0.2.1,10.0.1.1 , "], true, Some("192.0.2.1"));
        check(
            &["192.0.2.1", "127.0.0.1, 10.0.1.1"],
            true,
            Some("192.0.2.1"),
        );
        check(
            &["192.0.2.1", "127.0.0.1, 10.0.1.1"],
            false,
            Some("10.0.1.1"),
        );
        check(&["192.0.2.1, evil, 10.0.1.1"], true, Some("10.0.1.1"));
        check(&["10.0.1.2"], true, Some("10.0.1.2"));
        check(&["", "x"], true, None);
        check(&[], true, None);
    }

    #[test]
    fn nobody_else_is_believed() {
        let from = Source::read("10.0.0.0/8").unwrap();
        let peer = Endpoint::Ip("192.0.2.9:1".parse().unwrap());
        let list: &[u8] = b"1.2.3.4";
        assert_eq!(forwarded(&from, true, &peer, [list].into_iter()), None);
    }

    #[test]
    fn addresses_with_ports() {
        for (text, wanted) in [
            ("1.2.3.4:5", Some("1.2.3.4:5")),
            ("::1", Some("[::1]:0")),
            ("[::1]", Some("[::1]:0")),
            ("[::1]:80", Some("[::1]:80")),
            ("1.2.3.4:", None),
            ("unix:/x", None),
        ] {
            let got = parse(text.as_bytes()).map(|address| address.to_string());
            assert_eq!(got.as_deref(), wanted, "{text}");
        }
    }
}
