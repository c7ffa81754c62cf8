//! The types that an argument can have: what a table says about it, and the value that comes out.

use std::net::SocketAddr;

use crate::value::{self, Unit};

/// What an argument must be. Bounds are inclusive.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Any word.
    Text,
    /// `on` or `off`.
    Flag,
    /// `true` or `false` as Kafka writes it, `on` or `off` as nginx does.
    Boolean,
    /// A decimal number.
    Number {
        /// The smallest that is accepted.
        min: i64,
        /// The largest that is accepted; `i64::MAX` for no bound worth naming.
        max: i64,
    },
    /// A number of bytes, with `k`, `m` or `g` allowed.
    Size {
        /// The smallest that is accepted.
        min: i64,
        /// The largest that is accepted; `i64::MAX` for no bound worth naming.
        max: i64,
    },
    /// A time, in milliseconds once it is read.
    Time {
        /// What a number without a unit counts.
        bare: Unit,
        /// The smallest that is accepted, in milliseconds.
        min_ms: i64,
        /// The largest that is accepted, in milliseconds; `i64::MAX` for no bound worth naming.
        max_ms: i64,
    },
    /// One of a few words, in either case.
    Choice(&'static [&'static str]),
    /// An address to listen on ([`value::listen`]).
    Listen {
        /// The port where only an address is given.
        port: u16,
    },
    /// A host and a port ([`value::host_port`]).
    HostPort,
    /// A word with a grammar that only the table's owner knows.
    Custom {
        /// How to go on after 'expected'.
        expected: &'static str,
        /// Whether a word is such a one.
        accepts: fn(&str) -> bool,
    },
}

/// What an argument says, once read by its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Of [`Kind::Text`], [`Kind::Custom`] and, in the table's spelling, [`Kind::Choice`].
    Text(String),
    /// Of [`Kind::Flag`] and [`Kind::Boolean`].
    Flag(bool),
    /// Of [`Kind::Number`], [`Kind::Size`] (bytes) and [`Kind::Time`] (milliseconds).
    Number(i64),
    /// Of [`Kind::Listen`].
    Address(SocketAddr),
    /// Of [`Kind::HostPort`].
    HostPort(String, u16),
}

impl Kind {
    /// Reads a word; `None` where it is not of this kind, see [`Kind::expected`].
    #[must_use]
    pub fn read(&self, text: &str) -> Option<Value> {
        let bounded = |n: Option<i64>, min, max| n.filter(|n| (min..=max).contains(n));
        Some(match *self {
            Self::Text => Value::Text(text.to_owned()),
            Self::Flag => Value::Flag(value::flag(text)?),
            Self::Boolean => Value::Flag(boolean(text)?),
            Self::Number { min, max } => Value::Number(bounded(value::number(text), min, max)?),
            Self::Size { min, max } => Value::Number(bounded(value::size(text), min, max)?),
            Self::Time {
                bare,
                min_ms,
                max_ms,
            } => Value::Number(bounded(value::time(text, bare), min_ms, max_ms)?),
            Self::Choice(words) => {
                let word = words.iter().find(|word| word.eq_ignore_ascii_case(text))?;
                Value::Text((*word).to_owned())
            }
            Self::Listen { port } => Value::Address(value::listen(text, port)?),
            Self::HostPort => {
                let (host, port) = value::host_port(text)?;
                Value::HostPort(host, port)
            }
            Self::Custom { accepts, .. } => Value::Text(accepts(text).then(|| text.to_owned())?),
        })
    }

    /// How a message goes on after 'expected'.
    #[must_use]
    pub fn expected(&self) -> String {
        match *self {
            Self::Text => "a word".to_owned(),
            Self::Flag => "on or off".to_owned(),
            Self::Boolean => "on, off, true or false".to_owned(),
            Self::Number { min, max } => format!("a number{}", bounds(min, max)),
            Self::Size { min, max } => {
                format!("a size in bytes{} (k, m or g may follow)", bounds(min, max))
            }
            Self::Time {
                bare,
                min_ms,
                max_ms,
            } => {
                let bounds = bounds(min_ms, max_ms);
                match bare {
                    // Bounds that do not say their unit would be taken for seconds.
                    Unit::Second if bounds.is_empty() => {
                        "a time in seconds (units allowed: 500ms, 1h 30m)".to_owned()
                    }
                    Unit::Second => {
                        format!(
                            "a time in seconds (units allowed: 500ms, 1h 30m){bounds} milliseconds"
                        )
                    }
                    Unit::Millisecond => {
                        format!("a time in ms{bounds} (units allowed: 30s, 1h 30m)")
                    }
                }
            }
            Self::Choice([only]) => (*only).to_owned(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::Listen { .. } => {
                "PORT or ADDRESS:PORT (an IP address, [IPv6], localhost or *)".to_owned()
            }
            Self::HostPort => "HOST:PORT".to_owned(),
            Self::Custom { expected, .. } => expected.to_owned(),
        }
    }
}

fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        value::flag(text)
    }
}

/// Bounds in words, with a blank before them; nothing where there is none worth naming.
fn bounds(min: i64, max: i64) -> String {
    match (min, max) {
        (i64::MIN, i64::MAX) => String::new(),
        (i64::MIN, max) => format!(" of at most {max}"),
        (-1, i64::MAX) => " of at least 0, or -1 for no limit".to_owned(),
        (min, i64::MAX) => format!(" of at least {min}"),
        (min, max) => format!(" from {min} to {max}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Value};
    use crate::value::Unit;

    #[test]
    fn a_kind_reads_what_it_says_it_expects() {
        let check = |kind: Kind, text: &str, value: Option<Value>| {
            assert_eq!(kind.read(text), value, "{kind:?} {text}");
        };
        let number = Kind::Number { min: 1, max: 4 };
        check(number, "4", Some(Value::Number(4)));
        check(number, "5", None);
        check(number, "x", None);
        let time = Kind::Time {
            bare: Unit::Millisecond,
            min_ms: -1,
            max_ms: i64::MAX,
        };
        check(time, "-1", Some(Value::Number(-1)));
        check(time, "-2", None);
        check(time, "7d", Some(Value::Number(604_800_000)));
        check(
            Kind::Size { min: 0, max: 2048 },
            "2k",
            Some(Value::Number(2048)),
        );
        check(Kind::Size { min: 0, max: 2048 }, "3k", None);
        check(Kind::Boolean, "TRUE", Some(Value::Flag(true)));
        check(Kind::Boolean, "off", Some(Value::Flag(false)));
        check(Kind::Flag, "true", None);
        check(
            Kind::Choice(&["CreateTime"]),
            "createtime",
            Some(Value::Text("CreateTime".into())),
        );
        check(Kind::Choice(&["a", "b"]), "c", None);
        check(Kind::HostPort, "a:1", Some(Value::HostPort("a".into(), 1)));
    }

    #[test]
    fn expectations_name_their_bounds() {
        let expected = |min, max| Kind::Number { min, max }.expected();
        assert_eq!(expected(i64::MIN, i64::MAX), "a number");
        assert_eq!(expected(1, i64::MAX), "a number of at least 1");
        assert_eq!(expected(1, 4), "a number from 1 to 4");
        assert_eq!(
            expected(-1, i64::MAX),
            "a number of at least 0, or -1 for no limit"
        );
        assert_eq!(
            Kind::Choice(&["text", "json"]).expected(),
            "one of text, json"
        );
    }
}
