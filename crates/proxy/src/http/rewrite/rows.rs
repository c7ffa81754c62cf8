//! The table of the rewrite directives.

use std::sync::Arc;

use nginx_conf::{Context, Directive, Kind, Param, Presence, Spec, Word};

use super::replace::Rewrite;
use super::{HttpCx, Location, Step, Var};
use crate::conf::contexts::{LOCATION, LOCATION_IF, SERVER, SERVER_IF};
use crate::conf::{Apply, Done, Row, word};
use crate::script::Definition;

const REWRITES: &[Context] = &[SERVER, SERVER_IF, LOCATION, LOCATION_IF];

const fn optional(name: &'static str) -> Param {
    Param {
        name,
        kind: Kind::Text,
        presence: Presence::Optional,
    }
}

/// The table.
pub(crate) static ROWS: &[Row] = &[
    Row::new(
        Spec::new(
            "set",
            REWRITES,
            &[
                Param::required("$variable", Kind::Text),
                Param::required("value", Kind::Text),
            ],
            "Gives a variable a value, which may have variables in it.",
        )
        .repeatable(),
        Apply::Location(set),
    ),
    Row::new(
        Spec::new(
            "rewrite",
            REWRITES,
            &[
                Param::required("regex", Kind::Text),
                Param::required("replacement", Kind::Text),
                optional("flag"),
            ],
            "Changes a URI that matches. `last` looks for its location at once, `break` stays in this one, `redirect` (302) and `permanent` (301) send the client there. A `?` at the end drops the query.",
        )
        .repeatable(),
        Apply::Location(|location, directive, cx| {
            let rewrite = Rewrite::read(directive, cx)?;
            location.program.steps.push(Step::Rewrite(Arc::new(rewrite)));
            Ok(())
        }),
    ),
    Row::new(
        Spec::new(
            "return",
            REWRITES,
            &[Param::required("code|url", Kind::Text), optional("text|url")],
            "Answers: a status from 0 to 999, with a text or, for redirects, an address; or an address alone (302). 444 closes the connection without an answer.",
        )
        .repeatable(),
        Apply::Location(answer),
    ),
    Row::new(
        Spec::new(
            "break",
            REWRITES,
            &[],
            "Ends the rewrite directives of this level.",
        )
        .repeatable(),
        Apply::Location(|location, _, _| {
            location.program.steps.push(Step::Break);
            Ok(())
        }),
    ),
];

/// The variable that a word names, for being given a value: one of the configuration, `$args` or `$limit_rate`.
pub(crate) fn variable(target: &Word, cx: &mut HttpCx<'_, '_>) -> Result<Var, String> {
    let name = target.text.strip_prefix('$');
    let name = name.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| format!("invalid variable name \"{}\"", target.text))?;
    cx.registry.stand_at(&target.place);
    match super::super::var::builtin(name) {
        Some(known @ Var::Builtin(builtin)) if matches!(builtin.name, "args" | "limit_rate") => {
            Ok(known)
        }
        Some(Var::Builtin(_) | Var::Capture(_)) => {
            Err(format!("the duplicate \"{name}\" variable"))
        }
        _ => cx
            .registry
            .define(name, Definition::Assigned)
            .map(Var::User),
    }
}

fn set(location: &mut Location, directive: &Directive, cx: &mut HttpCx<'_, '_>) -> Done {
    let [target, value] = directive.args.as_slice() else {
        return Err("expected a variable and a value".to_owned());
    };
    let variable = variable(target, cx)?;
    let value = Arc::new(cx.template(value)?);
    location.program.steps.push(Step::Set(variable, value));
    Ok(())
}

fn answer(location: &mut Location, directive: &Directive, cx: &mut HttpCx<'_, '_>) -> Done {
    let first = word(directive, 0)?;
    let step = match (first.parse::<u16>(), directive.args.get(1)) {
        (Ok(status @ 0..=999), None) => Step::Return(status, None),
        (Ok(status @ 0..=999), Some(text)) => {
            Step::Return(status, Some(Arc::new(cx.template(text)?)))
        }
        (_, None)
            if ["http://", "https://", "$scheme"]
                .iter()
                .any(|start| first.starts_with(start)) =>
        {
            let url = directive.args.first().map(|url| cx.template(url));
            Step::Return(302, url.transpose()?.map(Arc::new))
        }
        _ => return Err(format!("invalid return code \"{first}\"")),
    };
    location.program.steps.push(step);
    Ok(())
}
