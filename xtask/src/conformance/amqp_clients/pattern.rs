//! Whether an answer holds what a scenario expects.

use anyhow::{Result, bail, ensure};
use serde_json::Value;

/// An object holds at least the expected members, an array exactly the expected elements.
pub(in crate::conformance) fn check(expected: &Value, actual: &Value) -> Result<()> {
    at("", expected, actual)
}

fn at(place: &str, expected: &Value, actual: &Value) -> Result<()> {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            for (name, value) in expected {
                let place = format!("{place}.{name}");
                at(&place, value, actual.get(name).unwrap_or(&Value::Null))?;
            }
        }
        (Value::Array(expected), Value::Array(actual)) => {
            let (wanted, there) = (expected.len(), actual.len());
            ensure!(
                wanted == there,
                "{place}: {there} in place of {wanted}: {}",
                shown(&Value::from(actual.clone()))
            );
            for (index, (one, other)) in expected.iter().zip(actual).enumerate() {
                at(&format!("{place}[{index}]"), one, other)?;
            }
        }
        (expected, actual) if expected == actual => {}
        (expected, actual) => bail!("{place}: {} in place of {}", shown(actual), shown(expected)),
    }
    Ok(())
}

/// A value as it may stand in a report: a body of a megabyte says nothing more than its beginning.
fn shown(value: &Value) -> String {
    const CHARACTERS: usize = 500;
    let text = value.to_string();
    match text.char_indices().nth(CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check_fails(expected: Value, actual: Value, fails: bool) {
        assert_eq!(
            check(&expected, &actual).is_err(),
            fails,
            "{expected} {actual}"
        );
    }

    #[test]
    fn patterns() {
        check_fails(json!({"a": 1}), json!({"a": 1, "b": 2}), false);
        check_fails(json!({"a": null}), json!({}), false);
        check_fails(json!({"a": 1}), json!({"a": 2}), true);
        check_fails(json!({"a": 1}), json!({"b": 1}), true);
        check_fails(json!({"a": [1]}), json!({"a": [1]}), false);
        check_fails(json!({"a": [1]}), json!({"a": [1, 2]}), true);
        check_fails(json!({"a": []}), json!({"a": [1]}), true);
        check_fails(
            json!({"a": {"b": [{"c": 1}]}}),
            json!({"a": {"b": [{"c": 2}]}}),
            true,
        );
        check_fails(json!({"a": 1}), json!({"error": 404}), true);
    }
}
