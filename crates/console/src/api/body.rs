//! The fields of a request's body.

use super::error::ApiError;
use bytes::Bytes;
use serde_json::{Map, Value};

/// A JSON object.
pub(crate) struct Body(Map<String, Value>);

impl Body {
    /// Reads a body; one without anything is an object without fields.
    pub(crate) fn parse(body: &Bytes) -> Result<Self, ApiError> {
        if body.is_empty() {
            return Ok(Self(Map::new()));
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            _ => Err(ApiError::BadRequest("not_json".to_owned())),
        }
    }

    /// The fields of an object within.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        value.as_object().cloned().map(Self)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    /// A text, or nothing where there is no such field.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, ApiError> {
        self.get(name)
            .map(|value| value.as_str().ok_or_else(|| wrong(name, "a string", value)))
            .transpose()
    }

    /// A text that must be there.
    pub(crate) fn needed(&self, name: &str) -> Result<&str, ApiError> {
        let missing = || ApiError::BadRequest(format!("[{{key_missing,{name}}}]"));
        self.text(name)?.ok_or_else(missing)
    }

    /// A truth, false where there is no such field. Some clients send it as a text.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(value)) => Ok(*value),
            Some(Value::String(text)) if text == "true" => Ok(true),
            Some(Value::String(text)) if text == "false" => Ok(false),
            Some(value) => Err(wrong(name, "true or false", value)),
        }
    }
}

fn wrong(name: &str, expected: &str, found: &Value) -> ApiError {
    ApiError::BadRequest(format!("{name}: expected {expected}, found {found}"))
}
