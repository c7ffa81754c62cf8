//! `map`, `geo` and `split_clients` of the HTTP face.

use nginx_conf::{Body, Directive, Kind, Param, Presence, Spec};

use super::{Draft, HttpCx, Request, Var};
use crate::conf::contexts::HTTP;
use crate::conf::{Apply, Done, Row};
use crate::script::{self, Geo, Map, ReadComputed, Split, define};

/// A rule of the HTTP face.
pub(crate) type Computed = script::Computed<Var>;

const SOURCE_AND_NAME: &[Param] = &[
    Param::required("text", Kind::Text),
    Param::required("$variable", Kind::Text),
];

/// The table.
pub(crate) static ROWS: &[Row] = &[
    Row::new(
        Spec::new(
            "map",
            &[HTTP],
            SOURCE_AND_NAME,
            "A variable whose value depends on a text: a text and its value a line; `~REGEX` and `~*REGEX` (in either case), `default`, and with `hostnames` names with a star. It is computed when it is first read; `volatile` computes it each time.",
        )
        .body(Body::Entries)
        .repeatable(),
        Apply::Http(|draft, directive, cx| {
            add(draft, directive, cx, |directive, registry| {
                Map::read(directive, registry).map(Computed::Map)
            })
        }),
    ),
    Row::new(
        Spec::new(
            "geo",
            &[HTTP],
            &[
                Param::required("$address|$variable", Kind::Text),
                Param {
                    name: "$variable",
                    kind: Kind::Text,
                    presence: Presence::Optional,
                },
            ],
            "A variable whose value depends on the client's address, or on the one that `$address` says: a network and its value a line, `FIRST-LAST` for ranges, `default`, `delete`.",
        )
        .body(Body::Entries)
        .repeatable(),
        Apply::Http(|draft, directive, cx| {
            add(draft, directive, cx, |directive, registry| {
                Geo::read(directive, registry).map(Computed::Geo)
            })
        }),
    ),
    Row::new(
        Spec::new(
            "split_clients",
            &[HTTP],
            SOURCE_AND_NAME,
            "A variable whose value is drawn by the hash of a text, the same for the same text: `12.5%` and a value a line, `*` for what is left.",
        )
        .body(Body::Entries)
        .repeatable(),
        Apply::Http(|draft, directive, cx| {
            add(draft, directive, cx, |directive, registry| {
                Split::read(directive, registry).map(Computed::Split)
            })
        }),
    ),
];

fn add(
    draft: &mut Draft,
    directive: &Directive,
    cx: &mut HttpCx<'_, '_>,
    read: ReadComputed<Var>,
) -> Done {
    define(&mut draft.computed, directive, &mut cx.registry, read)
}

/// Appends what the rule of that number says of the request.
pub(super) fn append(request: &Request, number: usize, out: &mut Vec<u8>) -> Option<bool> {
    let rule = request.config.computed.get(number)?;
    let matches = |regex: &script::Regex, subject: &[u8]| {
        let mut captures = request.captures.borrow_mut();
        regex.captures(subject, &mut captures, |id, value| {
            request.slots.set(id, value);
        })
    };
    rule.append(request, &matches, out);
    Some(rule.is_volatile())
}
