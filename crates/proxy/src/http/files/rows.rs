//! The table of the directives about files.

use std::sync::Arc;

use nginx_conf::{Context, Directive, Kind, Param, Presence, Spec};

use super::{Alias, Root, Since, TryFiles};
use crate::conf::contexts::{LOCATION, LOCATIONS, LOCATIONS_IF, SERVER};
use crate::conf::{Apply, Done, Row, number, word};
use crate::http::{HttpCx, Location};

const PATH: &[Param] = &[Param::required("path", Kind::Text)];
const FILES: &[Param] = &[Param {
    name: "file",
    kind: Kind::Text,
    presence: Presence::Repeated,
}];
const SERVER_LOCATION: &[Context] = &[SERVER, LOCATION];

/// The table.
pub(crate) static ROWS: &[Row] = &[
    Row::new(
        Spec::new(
            "root",
            LOCATIONS_IF,
            PATH,
            "The folder below which files are; the whole path of a request follows. Relative names start from the prefix.",
        )
        .default("html"),
        Apply::Location(|location, directive, cx| root(location, directive, cx, false)),
    ),
    Row::new(
        Spec::new(
            "alias",
            &[LOCATION],
            PATH,
            "The folder or file that stands in place of the location's prefix.",
        ),
        Apply::Location(|location, directive, cx| root(location, directive, cx, true)),
    ),
    Row::new(
        Spec::new(
            "index",
            LOCATIONS,
            FILES,
            "The files that answer for a folder; the first one that is there. A name that begins with `/` is redirected to inside.",
        )
        .default("index.html")
        .repeatable(),
        Apply::Location(|location, directive, cx| {
            for name in &directive.args {
                let name = cx.template(name)?;
                location.files.index.add(cx.cx.level(), name);
            }
            Ok(())
        }),
    ),
    Row::new(
        Spec::new(
            "try_files",
            SERVER_LOCATION,
            FILES,
            "Answers with the first file (or, with `/` at its end, folder) that is there; else goes on at the last one, a URI, `@NAME` or `=CODE`.",
        ),
        Apply::Location(|location, directive, cx| {
            location.files.try_files = Some(Arc::new(TryFiles::read(directive, cx)?));
            Ok(())
        }),
    ),
    Row::new(
        Spec::new(
            "if_modified_since",
            LOCATIONS,
            &[Param::required("off|exact|before", Kind::Choice(&["off", "exact", "before"]))],
            "How the time of a client's copy is compared with that of the file.",
        )
        .default("exact"),
        Apply::Location(|location, directive, _| {
            location.files.since = match word(directive, 0)? {
                "off" => Since::Off,
                "before" => Since::Before,
                _ => Since::Exact,
            };
            Ok(())
        }),
    ),
    Row::new(
        Spec::new(
            "max_ranges",
            LOCATIONS,
            &[Param::required("number", Kind::Text)],
            "How many ranges a request may ask for; with more, or with 0, it gets the whole.",
        ),
        Apply::Location(|location, directive, _| {
            location.files.ranges_max = Some(number(word(directive, 0)?)?);
            Ok(())
        }),
    ),
];

fn root(
    location: &mut Location,
    directive: &Directive,
    cx: &mut HttpCx<'_, '_>,
    is_alias: bool,
) -> Done {
    let level = cx.cx.level();
    if location.files.root.is_some() && location.files.root_level == level {
        return Err("there is a root or alias here already".to_owned());
    }
    if is_alias && location.is_named {
        return Err("cannot be used inside the named location".to_owned());
    }
    let mut path = directive.args.first().cloned().ok_or("expected a path")?;
    let own: &[&str] = if is_alias {
        &[
            "$document_root",
            "${document_root}",
            "$realpath_root",
            "${realpath_root}",
        ]
    } else {
        &[
            "$document_root",
            "${document_root}",
            "$realpath_root",
            "${realpath_root}",
            "$request_filename",
        ]
    };
    if own.iter().any(|name| path.text.contains(name)) {
        return Err("cannot be made of itself".to_owned());
    }
    if !is_alias && path.text.ends_with('/') {
        path.text.pop();
    }
    let to = cx.template(&path)?;
    let literal = to.as_literal().is_some().then(|| {
        let path = cx.cx.paths.at_prefix(&path.text);
        path.into_os_string()
            .into_encoded_bytes()
            .into_boxed_slice()
    });
    let alias = match (is_alias, location.is_regex) {
        (false, _) => Alias::No,
        (true, true) => Alias::Whole,
        (true, false) => Alias::Prefix(location.pattern.len()),
    };
    location.files.root = Some(Arc::new(Root { to, literal, alias }));
    location.files.root_level = level;
    Ok(())
}
