//! The `upstream` block of the TCP face: a table; what it says is read in [`crate::upstream`].

use nginx_conf::{Directive, Param, Spec};

use super::{StreamCx, UpstreamDraft};
use crate::conf::contexts::STREAM_UPSTREAM;
use crate::conf::{Apply, Done, Row};
use crate::upstream::rows;

type Read = fn(&mut UpstreamDraft, &Directive, &mut StreamCx<'_, '_>) -> Done;

const fn row(
    name: &'static str,
    params: &'static [Param],
    help: &'static str,
    default: &'static str,
    apply: Read,
) -> Row {
    Row::new(
        Spec::new(name, &[STREAM_UPSTREAM], params, help).default(default),
        Apply::StreamUpstream(apply),
    )
}

/// The table.
pub(crate) static ROWS: &[Row] = &[
    Row::new(
        Spec::new(
            "server",
            &[STREAM_UPSTREAM],
            rows::ADDRESS,
            rows::SERVER_HELP,
        )
        .repeatable(),
        Apply::StreamUpstream(|draft, directive, _| rows::server(draft, directive, None)),
    ),
    row(
        "zone",
        rows::ZONE,
        rows::ZONE_HELP,
        "",
        |draft, directive, _| rows::zone(draft, directive),
    ),
    row(
        "hash",
        rows::HASH,
        rows::HASH_HELP,
        "",
        |draft, directive, cx| rows::hash(draft, directive, &mut cx.registry),
    ),
    row(
        "least_conn",
        &[],
        rows::LEAST_HELP,
        "",
        |draft, directive, _| rows::least_conn(draft, directive),
    ),
    row(
        "random",
        rows::RANDOM,
        rows::RANDOM_HELP,
        "",
        |draft, directive, _| rows::random(draft, directive),
    ),
    row(
        "resolver",
        rows::ADDRESSES,
        rows::RESOLVER_HELP,
        "",
        |draft, directive, _| rows::resolver(draft, directive),
    ),
    row(
        "resolver_timeout",
        rows::TIME,
        "How long a name may take.",
        "30s",
        |draft, directive, _| rows::resolver_timeout(draft, directive),
    ),
];
