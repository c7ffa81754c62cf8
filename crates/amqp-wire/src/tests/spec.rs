//! The tables are those of RabbitMQ's own description of the protocol.

use std::path::PathBuf;

use serde_json::Value;

use crate::field::FieldInfo;
use crate::frame::{FRAME_END, FRAME_MIN_SIZE, FrameKind};
use crate::method::Method;
use crate::properties::Properties;
use crate::reply_code::{ReplyCode, Severity};

fn spec() -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("spec/amqp-rabbitmq-0.9.1.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap()
}

/// A field of the description as ours is written: its name in Rust and its type.
fn described(spec: &Value, field: &Value) -> String {
    let of_domain = |domain: &str| {
        let pair = list(spec, "domains").iter().find(|pair| pair[0] == domain);
        pair.unwrap()[1].as_str().unwrap().to_owned()
    };
    let field_type = match field["type"].as_str() {
        Some(field_type) => field_type.to_owned(),
        None => of_domain(text(field, "domain")),
    };
    let name = text(field, "name").replace('-', "_");
    let name = if name == "type" { "kind" } else { &name };
    format!("{name}: {field_type}")
}

fn declared(field: &FieldInfo) -> String {
    format!("{}: {}", field.name, field.field_type.name())
}

#[test]
fn methods_are_those_described() {
    let spec = spec();
    let mut described_methods = Vec::new();
    for class in list(&spec, "classes") {
        for method in list(class, "methods") {
            let fields = list(method, "arguments").iter();
            described_methods.push((
                (
                    class["id"].as_u64().unwrap(),
                    method["id"].as_u64().unwrap(),
                ),
                format!("{}.{}", text(class, "name"), text(method, "name")),
                fields
                    .map(|field| described(&spec, field))
                    .collect::<Vec<_>>(),
            ));
        }
    }
    described_methods.sort();
    let declared_methods: Vec<_> = Method::ALL
        .iter()
        .map(|info| {
            (
                (u64::from(info.class_id), u64::from(info.method_id)),
                info.to_string(),
                info.fields.iter().map(declared).collect::<Vec<_>>(),
            )
        })
        .collect();
    assert_eq!(declared_methods, described_methods);
}

#[test]
fn properties_are_those_described() {
    let spec = spec();
    let basic = list(&spec, "classes")
        .iter()
        .find(|class| class["name"] == "basic");
    let fields = list(basic.unwrap(), "properties").iter();
    let described: Vec<_> = fields.map(|field| described(&spec, field)).collect();
    let declared: Vec<_> = Properties::FIELDS.iter().map(declared).collect();
    assert_eq!(declared, described);
}

#[test]
fn constants_are_those_described() {
    let spec = spec();
    let mut codes = 0;
    for constant in list(&spec, "constants") {
        let name = text(constant, "name");
        let value = u32::try_from(constant["value"].as_u64().unwrap()).unwrap();
        let kind = match name {
            "FRAME-METHOD" => Some(FrameKind::Method),
            "FRAME-HEADER" => Some(FrameKind::Header),
            "FRAME-BODY" => Some(FrameKind::Body),
            "FRAME-HEARTBEAT" => Some(FrameKind::Heartbeat),
            _ => None,
        };
        match (name, kind) {
            (_, Some(kind)) => {
                assert_eq!(kind as u32, value);
                assert_eq!(FrameKind::from_code(kind as u8), Some(kind));
            }
            ("FRAME-MIN-SIZE", _) => assert_eq!(value, FRAME_MIN_SIZE),
            ("FRAME-END", _) => assert_eq!(value, u32::from(FRAME_END)),
            _ => {
                let code = ReplyCode::from_code(u16::try_from(value).unwrap()).expect(name);
                let severity = match constant["class"].as_str() {
                    Some("soft-error") => Severity::Channel,
                    Some("hard-error") => Severity::Connection,
                    _ => Severity::Success,
                };
                assert_eq!(code.to_string(), name.replace('-', "_"));
                assert_eq!(code.severity(), severity, "{name}");
                codes += 1;
            }
        }
    }
    assert_eq!(codes, ReplyCode::ALL.len());
}
