//! Field tables as JSON, and back.
//!
//! JSON has fewer types, so that not everything comes back as it was: integers come back with 64 bits, timestamps
//! and decimals as numbers, bytes as text. Integers are compared by value everywhere.

use super::error::ApiError;
use amqp_wire::{RawTable, Table, Value as Field};
use bytes::Bytes;
use serde_json::{Map, Number, Value, json};

/// A table, as it is stored, as an object.
pub(crate) fn to_json(table: &Bytes) -> Value {
    match Table::decode(RawTable::new(table)) {
        Ok(table) => object(&table),
        // What is stored was judged when it was declared.
        Err(_) => json!({}),
    }
}

fn object(table: &Table) -> Value {
    let entries = table.iter().map(|(name, value)| {
        let name = String::from_utf8_lossy(name).into_owned();
        (name, field(value))
    });
    Value::Object(entries.collect())
}

fn field(value: &Field) -> Value {
    match value {
        Field::Bool(value) => json!(value),
        Field::F32(value) => json!(value),
        Field::F64(value) => json!(value),
        Field::Decimal { scale, value } => {
            json!(f64::from(*value) / 10_f64.powi(i32::from(*scale)))
        }
        Field::LongStr(text) | Field::Bytes(text) => json!(String::from_utf8_lossy(text)),
        Field::Array(values) => values.iter().map(field).collect(),
        Field::Timestamp(seconds) => json!(seconds),
        Field::Table(table) => object(table),
        Field::Void => Value::Null,
        integer => json!(integer.as_integer()),
    }
}

/// An object as a table, in the order of its names. Nothing counts as empty.
pub(crate) fn from_json(value: Option<&Value>) -> Result<Bytes, ApiError> {
    let malformed = |reason: &str| ApiError::BadRequest(format!("arguments: {reason}"));
    let empty = Map::new();
    let entries = match value {
        None | Some(Value::Null) => &empty,
        Some(Value::Object(entries)) => entries,
        // Erlang cannot tell an empty list from an empty object, and old definitions show it.
        Some(Value::Array(list)) if list.is_empty() => &empty,
        Some(_) => return Err(malformed("expected an object")),
    };
    let table = table(entries).map_err(|reason| malformed(&reason))?;
    table
        .to_bytes()
        .map_err(|error| malformed(&error.to_string()))
}

fn table(entries: &Map<String, Value>) -> Result<Table, String> {
    let mut table = Table::new();
    let mut names: Vec<_> = entries.keys().collect();
    names.sort();
    for name in names {
        table.insert(name, value(&entries[name])?);
    }
    Ok(table)
}

/// The nesting is bounded by the JSON parser's.
fn value(value: &Value) -> Result<Field, String> {
    Ok(match value {
        Value::Null => Field::Void,
        Value::Bool(value) => Field::Bool(*value),
        Value::Number(number) => self::number(number)?,
        Value::String(text) => Field::from(text.as_str()),
        Value::Array(values) => {
            Field::Array(values.iter().map(self::value).collect::<Result<_, _>>()?)
        }
        Value::Object(entries) => Field::Table(table(entries)?),
    })
}

fn number(number: &Number) -> Result<Field, String> {
    if let Some(integer) = number.as_i64() {
        Ok(Field::I64(integer))
    } else if number.is_u64() {
        Err(format!("{number} has more than 63 bits"))
    } else {
        number
            .as_f64()
            .map(Field::F64)
            .ok_or_else(|| format!("{number} is not a number"))
    }
}

#[cfg(test)]
mod tests {
    use super::{from_json, to_json};
    use amqp_wire::{Table, Value as Field};
    use serde_json::json;

    #[test]
    fn what_json_can_say_comes_back() {
        let arguments = json!({
            "x-message-ttl": 60000,
            "x-dead-letter-exchange": "amq.direct",
            "nested": { "list": [1, true, null, 1.5, "größer"], "empty": {} },
        });
        let table = from_json(Some(&arguments)).expect("a table");
        assert_eq!(to_json(&table), arguments);
        for empty in [None, Some(&json!(null)), Some(&json!({})), Some(&json!([]))] {
            assert_eq!(from_json(empty).expect("a table").len(), 0);
        }
        for bad in [
            json!(1),
            json!([1]),
            json!({ "a": u64::MAX }),
            json!({ "n".repeat(256): 1 }),
        ] {
            assert!(from_json(Some(&bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_order_of_names_does_not_matter() {
        let one = from_json(Some(&json!({ "b": 1, "a": 2 })));
        assert_eq!(one, from_json(Some(&json!({ "a": 2, "b": 1 }))));
    }

    #[test]
    fn every_type_of_field_is_shown() {
        let table: Table = [
            ("bytes", Field::Bytes("b".into())),
            (
                "decimal",
                Field::Decimal {
                    scale: 2,
                    value: 275,
                },
            ),
            ("i8", Field::I8(-1)),
            ("timestamp", Field::Timestamp(7)),
            ("u32", Field::U32(3)),
        ]
        .into_iter()
        .collect();
        let shown = to_json(&table.to_bytes().expect("short"));
        assert_eq!(
            shown,
            json!({ "bytes": "b", "decimal": 2.75, "i8": -1, "timestamp": 7, "u32": 3 })
        );
    }
}
