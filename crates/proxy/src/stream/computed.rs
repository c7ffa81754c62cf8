//! `map`, `geo` and `split_clients` of the TCP face.

use nginx_conf::{Body, Directive, Kind, Param, Presence, Spec};

use super::{Draft, StreamCx, Var};
use crate::conf::contexts::STREAM;
use crate::conf::{Apply, Done, Row};
use crate::script::{Computed, Geo, Map, ReadComputed, Split, define};

const SOURCE_AND_NAME: &[Param] = &[
    Param::required("text", Kind::Text),
    Param::required("$variable", Kind::Text),
];

/// The table.
pub(crate) static ROWS: &[Row] = &[
    Row::new(
        Spec::new(
            "map",
            &[STREAM],
            SOURCE_AND_NAME,
            "A variable whose value depends on a text: a text and its value a line; `~REGEX` and `~*REGEX` (in either case), `default`, and with `hostnames` names with a star. It is computed when it is first read; `volatile` computes it each time.",
        )
        .body(Body::Entries)
        .repeatable(),
        Apply::Stream(|draft, directive, cx| {
            add(draft, directive, cx, |directive, registry| {
                Map::read(directive, registry).map(Computed::Map)
            })
        }),
    ),
    Row::new(
        Spec::new(
            "geo",
            &[STREAM],
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
        Apply::Stream(|draft, directive, cx| {
            add(draft, directive, cx, |directive, registry| {
                Geo::read(directive, registry).map(Computed::Geo)
            })
        }),
    ),
    Row::new(
        Spec::new(
            "split_clients",
            &[STREAM],
            SOURCE_AND_NAME,
            "A variable whose value is drawn by the hash of a text, the same for the same text: `12.5%` and a value a line, `*` for what is left.",
        )
        .body(Body::Entries)
        .repeatable(),
        Apply::Stream(|draft, directive, cx| {
            add(draft, directive, cx, |directive, registry| {
                Split::read(directive, registry).map(Computed::Split)
            })
        }),
    ),
];

fn add(
    draft: &mut Draft,
    directive: &Directive,
    cx: &mut StreamCx<'_, '_>,
    read: ReadComputed<Var>,
) -> Done {
    define(&mut draft.computed, directive, &mut cx.registry, read)
}
