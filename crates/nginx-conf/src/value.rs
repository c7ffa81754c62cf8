//! Words to values: nginx's notations for numbers, sizes, times, flags and addresses.
//!
//! Every function answers `None` for what it cannot read; [`crate::Kind::expected`] says what it reads.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What a time without a unit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// As in nginx's directives.
    Second,
    /// As in Kafka's settings whose names end in `.ms`.
    Millisecond,
}

/// A decimal number with an optional minus sign.
#[must_use]
pub fn number(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// A number of bytes: a number, or one with `k`, `m` or `g` (times 1024 each) behind it.
#[must_use]
pub fn size(text: &str) -> Option<i64> {
    let (digits, factor) = match text.as_bytes().last()? {
        b'k' | b'K' => (&text[..text.len() - 1], 1 << 10),
        b'm' | b'M' => (&text[..text.len() - 1], 1 << 20),
        b'g' | b'G' => (&text[..text.len() - 1], 1 << 30),
        _ => (text, 1),
    };
    number(digits)?.checked_mul(factor)
}

/// A time in milliseconds: a number, or numbers with units in falling order, blanks allowed between
/// them: `1h 30m`, `500ms`. The units are `ms s m h d w M y` (a month has 30 days, a year 365); a
/// last number without a unit counts `bare`.
#[must_use]
pub fn time(text: &str, bare: Unit) -> Option<i64> {
    if let Some(plain) = number(text) {
        return match bare {
            Unit::Second => plain.checked_mul(SECOND_MS),
            Unit::Millisecond => Some(plain),
        };
    }
    let mut rest = text;
    let mut total: i64 = 0;
    let mut last_unit_ms = i64::MAX;
    while !rest.is_empty() {
        let digits_len = rest.bytes().take_while(u8::is_ascii_digit).count();
        let count = number(&rest[..digits_len])?;
        rest = &rest[digits_len..];
        let (unit_ms, unit_len) = unit(rest, bare)?;
        if unit_ms >= last_unit_ms {
            return None;
        }
        last_unit_ms = unit_ms;
        total = total.checked_add(count.checked_mul(unit_ms)?)?;
        rest = rest[unit_len..].trim_start_matches(' ');
    }
    (!text.is_empty()).then_some(total)
}

const SECOND_MS: i64 = 1000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// The unit at the start of `rest`: how many milliseconds it has, and how many bytes it takes.
fn unit(rest: &str, bare: Unit) -> Option<(i64, usize)> {
    let bytes = rest.as_bytes();
    Some(match bytes.first() {
        None => match bare {
            Unit::Second => (SECOND_MS, 0),
            Unit::Millisecond => (1, 0),
        },
        Some(b'm') if bytes.get(1) == Some(&b's') => (1, 2),
        Some(b's') => (SECOND_MS, 1),
        Some(b'm') => (MINUTE_MS, 1),
        Some(b'h') => (HOUR_MS, 1),
        Some(b'd') => (DAY_MS, 1),
        Some(b'w') => (7 * DAY_MS, 1),
        Some(b'M') => (30 * DAY_MS, 1),
        Some(b'y') => (365 * DAY_MS, 1),
        Some(_) => return None,
    })
}

/// `on` or `off`, in either case.
#[must_use]
pub fn flag(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("on") {
        Some(true)
    } else if text.eq_ignore_ascii_case("off") {
        Some(false)
    } else {
        None
    }
}

/// An address to listen on: `PORT`, `ADDRESS` or `ADDRESS:PORT`, where the address is an IPv4 address, an IPv6
/// address in brackets, `localhost` (127.0.0.1) or `*` (0.0.0.0). A port alone means 127.0.0.1, *not* all
/// addresses as in nginx; an address alone takes `port_default`. Names are not looked up.
#[must_use]
pub fn listen(text: &str, port_default: u16) -> Option<SocketAddr> {
    if let Some(port) = port(text) {
        return Some((Ipv4Addr::LOCALHOST, port).into());
    }
    let (host, port) = split_port(text)?;
    let ip = match host {
        "*" => Ipv4Addr::UNSPECIFIED.into(),
        "localhost" => Ipv4Addr::LOCALHOST.into(),
        _ => ip(host)?,
    };
    Some((ip, port.unwrap_or(port_default)).into())
}

/// `HOST:PORT`: a name, an IPv4 address or an IPv6 address in brackets, and a port above 0.
/// The host is given back without brackets.
#[must_use]
pub fn host_port(text: &str) -> Option<(String, u16)> {
    let (host, port) = split_port(text)?;
    let port = port.filter(|port| *port > 0)?;
    if ip(host).is_some() {
        return Some((host.trim_matches(['[', ']']).to_owned(), port));
    }
    /// The longest name that DNS allows (RFC 1035).
    const NAME_LEN_MAX: usize = 253;
    let is_name_byte = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    let is_name = !host.is_empty() && host.len() <= NAME_LEN_MAX && host.bytes().all(is_name_byte);
    is_name.then(|| (host.to_owned(), port))
}

fn port(text: &str) -> Option<u16> {
    number(text).and_then(|n| u16::try_from(n).ok())
}

/// An IPv4 address, or an IPv6 address in brackets.
fn ip(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        Some(inner) => inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    }
}

/// Splits off `:PORT` where there is one; colons inside brackets belong to the host.
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    match text.rsplit_once(':') {
        Some((host, digits)) if !digits.ends_with(']') => Some((host, Some(port(digits)?))),
        _ => Some((text, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Unit, flag, host_port, listen, number, size, time};

    #[test]
    fn numbers_and_sizes() {
        let check = |text, n, s| assert_eq!((number(text), size(text)), (n, s), "{text}");
        check("0", Some(0), Some(0));
        check("-1", Some(-1), Some(-1));
        check("1k", None, Some(1024));
        check("2M", None, Some(2 << 20));
        check("3g", None, Some(3 << 30));
        check("9223372036854775807", Some(i64::MAX), Some(i64::MAX));
        check("9223372036854775808", None, None);
        check("9223372036854775807k", None, None);
        for text in ["", "-", "k", "+1", "1.5", "1kb", "0x10", " 1", "ä"] {
            check(text, None, None);
        }
    }

    #[test]
    fn times() {
        let check = |text, seconds, ms| {
            let got = (time(text, Unit::Second), time(text, Unit::Millisecond));
            assert_eq!(got, (seconds, ms), "{text}");
        };
        check("5", Some(5000), Some(5));
        check("-1", Some(-1000), Some(-1));
        for (text, ms) in [
            ("500ms", 500),
            ("5s", 5000),
            ("2m", 120_000),
            ("1h 30m", 5_400_000),
            ("1h30m", 5_400_000),
            ("1d", 86_400_000),
            ("1w", 604_800_000),
            ("1M", 2_592_000_000),
            ("1y", 31_536_000_000),
            ("1s 5ms", 1005),
        ] {
            check(text, Some(ms), Some(ms));
        }
        check("1m 30", Some(90_000), Some(60_030));
        for text in [
            "",
            "s",
            "5x",
            "1m 1h",
            "1h 1h",
            "5 s",
            "-5s",
            "99999999999999y",
            "1hä",
        ] {
            check(text, None, None);
        }
    }

    #[test]
    fn flags() {
        assert_eq!(
            [flag("on"), flag("OFF"), flag("yes")],
            [Some(true), Some(false), None]
        );
    }

    #[test]
    fn addresses_to_listen_on() {
        let check = |text: &str, expected: Option<&str>| {
            let got = listen(text, 9092).map(|a| a.to_string());
            assert_eq!(got.as_deref(), expected, "{text}");
        };
        check("9092", Some("127.0.0.1:9092"));
        check("0", Some("127.0.0.1:0"));
        check("*:80", Some("0.0.0.0:80"));
        check("*", Some("0.0.0.0:9092"));
        check("localhost:1", Some("127.0.0.1:1"));
        check("10.0.0.1", Some("10.0.0.1:9092"));
        check("[::1]", Some("[::1]:9092"));
        check("[::]:80", Some("[::]:80"));
        for text in [
            "",
            ":80",
            "65536",
            "1.2.3.4:",
            "1.2.3.4:65536",
            "::1",
            "[::1",
            "[1.2.3.4]:1",
            "host:1",
            "a]",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn hosts_with_ports() {
        let check = |text: &str, expected: Option<(&str, u16)>| {
            let got = host_port(text);
            assert_eq!(
                got.as_ref().map(|(h, p)| (h.as_str(), *p)),
                expected,
                "{text}"
            );
        };
        check("a.example:9092", Some(("a.example", 9092)));
        check("10.0.0.1:1", Some(("10.0.0.1", 1)));
        check("[::1]:1", Some(("::1", 1)));
        for text in ["", "a", ":1", "a:0", "a b:1", "[::1]", "::1:1", "a:65536"] {
            check(text, None);
        }
    }
}
