//! `CC` and `BCC`: headers that name further routing keys of a message. `BCC` is for the broker only.

use amqp_wire::{Properties, RawTable, RawValue, Table};
use bytes::Bytes;

const CC: &str = "CC";
const BCC: &str = "BCC";

/// `CC` or `BCC` is no array.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unacceptable type in header {0}: an array is expected")]
pub struct BadCopies(&'static str);

/// The routing key that a message was published under and those of its `CC` and `BCC` headers. Values that
/// are no text name no key.
///
/// # Errors
/// Where one of the headers is no array.
pub fn routing_keys<'a>(
    routing_key: &'a str,
    headers: Option<RawTable<'a>>,
) -> Result<Vec<&'a str>, BadCopies> {
    let mut keys = vec![routing_key];
    for name in [CC, BCC] {
        match headers.and_then(|headers| headers.get(name).ok().flatten()) {
            None => {}
            Some(RawValue::Array(copies)) => {
                keys.extend(copies.iter().flatten().filter_map(RawValue::as_str));
            }
            Some(_) => return Err(BadCopies(name)),
        }
    }
    Ok(keys)
}

/// Whether a header of this name adds routing keys.
#[must_use]
pub fn is_copies(name: &[u8]) -> bool {
    name == CC.as_bytes() || name == BCC.as_bytes()
}

/// The properties without `BCC`, where there is one.
#[must_use]
pub fn without_blind_copies(properties: &Properties<'_>) -> Option<Bytes> {
    let headers = properties.headers?;
    headers.get(BCC).ok()??;
    let mut kept = Table::decode(headers).ok()?;
    while kept.remove(BCC).is_some() {}
    let kept = kept.to_bytes().ok()?;
    let properties = Properties {
        headers: Some(RawTable::new(&kept)),
        ..*properties
    };
    properties.to_bytes().ok()
}

#[cfg(test)]
mod tests {
    use super::{routing_keys, without_blind_copies};
    use amqp_wire::{Properties, RawProperties, RawTable, Table, Value};
    use bytes::Bytes;

    fn copies(names: &[&'static str]) -> Value {
        let text = |name: &&'static str| Value::LongStr(Bytes::from_static(name.as_bytes()));
        Value::Array(names.iter().map(text).collect())
    }

    #[test]
    fn copies_add_keys_and_blind_ones_are_taken_out() {
        let mut headers = Table::new();
        headers.insert("CC", copies(&["a", "b"]));
        headers.insert("other", Value::I32(1));
        headers.insert("BCC", copies(&["c"]));
        let headers = headers.to_bytes().expect("short");
        let properties = Properties {
            headers: Some(RawTable::new(&headers)),
            priority: Some(3),
            ..Properties::default()
        };
        assert_eq!(
            routing_keys("k", properties.headers),
            Ok(vec!["k", "a", "b", "c"])
        );
        let stripped = without_blind_copies(&properties).expect("there is a BCC");
        let stripped = RawProperties::new(&stripped)
            .decode()
            .expect("encoded just now");
        assert_eq!(stripped.priority, Some(3));
        assert_eq!(routing_keys("k", stripped.headers), Ok(vec!["k", "a", "b"]));
        assert_eq!(without_blind_copies(&stripped), None);
    }

    #[test]
    fn copies_must_be_an_array() {
        let mut headers = Table::new();
        headers.insert("CC", Value::I32(1));
        let headers = headers.to_bytes().expect("short");
        assert!(routing_keys("k", Some(RawTable::new(&headers))).is_err());
    }
}
