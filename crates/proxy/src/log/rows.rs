//! `log_format` and `access_log`, for both faces: what is written becomes a format or a log.

use std::sync::Arc;

use nginx_conf::{Directive, Kind, Param, Presence};

use super::{AccessLog, Escape, Format, Target, Words};
use crate::conf::{Cx, LogTarget, word};
use crate::script::{Part, Registry, Template};

const REST: Param = Param {
    name: "parameter",
    kind: Kind::Text,
    presence: Presence::Optional,
};

pub(crate) const FORMAT: &[Param] = &[
    Param::required("name", Kind::Text),
    Param {
        presence: Presence::Rest,
        ..REST
    },
];
pub(crate) const LOG: &[Param] = &[
    Param::required("path", Kind::Text),
    REST,
    REST,
    REST,
    REST,
    REST,
];

/// Takes a `log_format` in.
pub(crate) fn add_format<V: Clone>(
    formats: &mut Vec<Arc<Format<V>>>,
    directive: &Directive,
    registry: &mut Registry<V>,
) -> Result<(), String> {
    let name: Box<str> = word(directive, 0)?.into();
    let mut escape = Escape::Default;
    let mut parts: Vec<Part<V>> = Vec::new();
    for (index, word) in directive.args.iter().enumerate().skip(1) {
        if let (1, Some(value)) = (index, word.text.strip_prefix("escape=")) {
            escape = match value {
                "default" => Escape::Default,
                "json" => Escape::Json,
                "none" => Escape::None,
                other => return Err(format!("unknown log format escaping \"{other}\"")),
            };
            continue;
        }
        registry.stand_at(&word.place);
        parts.extend(registry.template(&word.text)?.parts().iter().cloned());
    }
    if formats.iter().any(|known| known.name == name) {
        return Err(format!("duplicate \"log_format\" name \"{name}\""));
    }
    formats.push(Arc::new(Format {
        name,
        escape,
        template: Template::of(parts),
    }));
    Ok(())
}

/// Reads an `access_log`; `None` for `off`. `usual` is the format where none is named.
pub(crate) fn read_log<V>(
    directive: &Directive,
    formats: &[Arc<Format<V>>],
    usual: Option<&str>,
    registry: &mut Registry<V>,
    cx: &mut Cx<'_>,
) -> Result<Option<AccessLog<V>>, String> {
    let path = directive.args.first().ok_or("expected a file")?;
    if path.text == "off" {
        return Ok(None);
    }
    let words = Words::read(directive)?;
    let name = words
        .format
        .or(usual)
        .ok_or("log format is not specified")?;
    let known = formats.iter().find(|format| &*format.name == name);
    let format = known
        .cloned()
        .ok_or_else(|| format!("unknown log format \"{name}\""))?;
    let condition = words.condition.map(|word| {
        registry.stand_at(&word.place);
        registry.template(&word.text)
    });
    let condition = condition.transpose()?;
    let target = if let Some(topic) = path.text.strip_prefix("kafka:") {
        cx.paths.topic(topic)?;
        Target::Topic(topic.into())
    } else if path.text.starts_with("syslog:") {
        return Err("syslog is not supported yet".to_owned());
    } else {
        registry.stand_at(&path.place);
        let template = registry.template(&path.text)?;
        if template.as_literal().is_some() {
            let file = match path.text.as_str() {
                "/dev/stderr" => LogTarget::Stderr,
                name => LogTarget::File(cx.paths.at_prefix(name)),
            };
            Target::File(cx.logs.file(file))
        } else {
            Target::Path(template)
        }
    };
    Ok(Some(AccessLog {
        target,
        format,
        limits: words.limits,
        condition,
    }))
}
