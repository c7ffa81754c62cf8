//! The body of a request: how long it may be, where it is kept.

use nginx_conf::{Kind, Param, Spec};

use super::{SIZE, TIME, count, len, location, optional, put, span};
use crate::conf::contexts::LOCATIONS;
use crate::conf::{Apply, Row, size, word};
use crate::http::core::InFile;

/// The table.
pub(crate) static ROWS: &[Row] = &[
    location(
        "client_max_body_size",
        SIZE,
        "1m",
        "The longest body of a request; longer ones are answered by 413. 0 for no limit.",
        |location, directive, _| put(&mut location.core.body_len_max, size(word(directive, 0)?)),
    ),
    location(
        "client_body_buffer_size",
        SIZE,
        "16k",
        "What a request's body may take of memory; the rest goes to a temporary file.",
        |location, directive, _| put(&mut location.core.body_buffer_size, len(directive, 0)),
    ),
    location(
        "client_body_timeout",
        TIME,
        "60s",
        "How long a client may pause while it sends a body; then 408.",
        |location, directive, _| put(&mut location.core.body_timeout, span(directive)),
    ),
    Row::new(
        Spec::new(
            "client_body_temp_path",
            LOCATIONS,
            &[
                Param::required("path", Kind::Text),
                optional("level1", count()),
                optional("level2", count()),
                optional("level3", count()),
            ],
            "The directory for bodies that do not fit into memory. The levels are accepted; the files lie in the directory itself.",
        )
        .default("client_body_temp"),
        Apply::Location(|location, directive, cx| {
            let path = cx.cx.paths.at_prefix(word(directive, 0)?);
            location.core.body_temp_path = path.into();
            Ok(())
        }),
    ),
    location(
        "client_body_in_file_only",
        &[Param::required(
            "mode",
            Kind::Choice(&["on", "clean", "off"]),
        )],
        "off",
        "Whether every body goes to a file: `on` keeps it, `clean` removes it with the request.",
        |location, directive, _| {
            location.core.body_in_file = match word(directive, 0)? {
                "on" => InFile::Keep,
                "clean" => InFile::Clean,
                _ => InFile::Off,
            };
            Ok(())
        },
    ),
];
