//! The bindings of headers exchanges: arguments that a message's headers must have, all of them or any.

use amqp_wire::{RawTable, RawValue};

const X_MATCH: &str = "x-match";

/// A binding's `x-match` is not one of those that there are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadMatch {
    /// It is a text that says something else.
    #[error("Invalid x-match field value {0:?}; expected all, any, all-with-x, or any-with-x")]
    Value(String),
    /// It is no text.
    #[error("Invalid x-match field type; expected longstr")]
    Type,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rule {
    /// Every argument must be met, not only one.
    all: bool,
    /// Arguments whose names begin with `x-` count, too.
    with_x: bool,
}

/// Checks the arguments of a binding from a headers exchange.
///
/// # Errors
/// Where its `x-match` means nothing.
pub fn check(arguments: RawTable<'_>) -> Result<(), BadMatch> {
    rule(arguments).map(drop)
}

fn rule(arguments: RawTable<'_>) -> Result<Rule, BadMatch> {
    let (all, with_x) = match arguments.get(X_MATCH) {
        Ok(Some(RawValue::LongStr(text))) => match text {
            b"all" => (true, false),
            b"any" => (false, false),
            b"all-with-x" => (true, true),
            b"any-with-x" => (false, true),
            other => {
                return Err(BadMatch::Value(String::from_utf8_lossy(other).into_owned()));
            }
        },
        Ok(Some(_)) => return Err(BadMatch::Type),
        Ok(None) | Err(_) => (true, false),
    };
    Ok(Rule { all, with_x })
}

/// Whether the headers of a message meet the arguments of a binding.
pub(super) fn matches(arguments: RawTable<'_>, headers: RawTable<'_>) -> bool {
    let Ok(rule) = rule(arguments) else {
        return false;
    };
    let mut wanted = arguments.iter().flatten().filter(|(name, _)| {
        let is_ours = name.as_bytes() == X_MATCH.as_bytes();
        !is_ours && (rule.with_x || !name.as_bytes().starts_with(b"x-"))
    });
    let met = |(name, value): (amqp_wire::ShortBytes<'_>, RawValue<'_>)| {
        let mut same = headers
            .iter()
            .flatten()
            .filter(|(header, _)| *header == name);
        same.next().is_some_and(|(_, found)| equal(value, found))
    };
    if rule.all {
        wanted.all(met)
    } else {
        wanted.any(met)
    }
}

/// An argument without a value is met by any value. Integers are compared by value, whatever their width;
/// everything else must have the same type, too.
fn equal(wanted: RawValue<'_>, found: RawValue<'_>) -> bool {
    match (wanted, found) {
        (RawValue::Void, _) => true,
        (wanted, found) => match (wanted.as_integer(), found.as_integer()) {
            (Some(wanted), Some(found)) => wanted == found,
            _ => wanted == found,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{check, matches};
    use amqp_wire::{RawTable, Table, Value};
    use bytes::Bytes;

    fn table(entries: &[(&'static str, Value)]) -> Bytes {
        let mut table = Table::new();
        for (name, value) in entries {
            table.insert(name, value.clone());
        }
        table.to_bytes().expect("short")
    }

    fn text(text: &'static str) -> Value {
        Value::LongStr(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn all_and_any_look_at_names_without_x_and_their_siblings_at_all() {
        let headers = table(&[("a", text("1")), ("n", Value::I32(7)), ("x-s", text("2"))]);
        let cases = [
            (
                vec![("a", text("1")), ("n", Value::I64(7))],
                [true, true, true, true],
            ),
            (
                vec![("a", text("1")), ("n", Value::I64(8))],
                [false, true, false, true],
            ),
            (vec![("a", text("2"))], [false, false, false, false]),
            (vec![("a", Value::Void)], [true, true, true, true]),
            (vec![("n", text("7"))], [false, false, false, false]),
            (vec![("x-s", text("other"))], [true, false, false, false]),
            (vec![("x-s", text("2"))], [true, false, true, true]),
            (vec![("missing", Value::Void)], [false, false, false, false]),
            (vec![], [true, false, true, false]),
        ];
        for (arguments, expected) in cases {
            for (rule, expected) in ["all", "any", "all-with-x", "any-with-x"]
                .into_iter()
                .zip(expected)
            {
                let arguments = [arguments.clone(), vec![("x-match", text(rule))]].concat();
                let bound = table(&arguments);
                let found = matches(RawTable::new(&bound), RawTable::new(&headers));
                assert_eq!(found, expected, "{rule} {arguments:?}");
            }
        }
    }

    #[test]
    fn an_unknown_rule_is_refused() {
        assert!(check(RawTable::new(&table(&[("x-match", text("some"))]))).is_err());
        assert!(check(RawTable::new(&table(&[("x-match", Value::I32(1))]))).is_err());
        assert!(check(RawTable::new(&table(&[("a", Value::I32(1))]))).is_ok());
    }
}
