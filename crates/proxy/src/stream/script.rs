//! `set`: variables that get a value for each session; `return`: a fixed answer.

use nginx_conf::{Kind, Param, Spec};

use super::config::Handler;
use super::{Session, Template, proxy};
use crate::conf::contexts::{STREAM_SERVER, STREAMS};
use crate::conf::{Apply, List, Row, word};
use crate::script::{Definition, UserId};

/// The assignments of one server, in the order of the file.
pub(crate) type Assignments = List<(UserId, Template)>;

/// Makes them.
pub(crate) fn run(session: &Session) {
    for (id, value) in session.server.set.iter() {
        session.slots.set(*id, &value.to_bytes(session));
    }
}

/// The table.
pub(crate) static ROWS: &[Row] = &[
    Row::new(
        Spec::new(
            "return",
            &[STREAM_SERVER],
            &[Param::required("value", Kind::Text)],
            "Answers every session with a text, which may hold variables, and closes it.",
        ),
        Apply::StreamServer(|server, directive, cx| {
            word(directive, 0)?;
            let text = cx.template(&directive.args[0])?;
            proxy::handle(server, Handler::Return(text))
        }),
    ),
    Row::new(
        Spec::new(
            "set",
            STREAMS,
            &[
                Param::required("variable", Kind::Text),
                Param::required("value", Kind::Text),
            ],
            "Gives a variable a value, which may hold variables.",
        )
        .repeatable(),
        Apply::StreamServer(|server, directive, cx| {
            let name = word(directive, 0)?;
            let name = name
                .strip_prefix('$')
                .ok_or_else(|| format!("invalid variable name \"{name}\""))?;
            let id = cx.registry.define(name, Definition::Assigned)?;
            let value = cx.template(&directive.args[1])?;
            server.set.add(cx.cx.level(), (id, value));
            Ok(())
        }),
    ),
];
