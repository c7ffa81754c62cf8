//! `set`, `rewrite`, `if`, `return` and `break`: a small program per level, run in the order of the file.
//!
//! [`run`] runs one level. It changes the request's URI and variables and the location that holds, and says how it ended; what
//! follows from that (another look-up, an answer) is the phases' to do.

mod condition;
mod replace;
mod rows;

use std::sync::Arc;

use nginx_conf::Directive;

use super::{Flow, HttpCx, Location, Request, Template, Var};
use crate::conf::Done;
use condition::Condition;
use replace::Rewrite;

pub(crate) use rows::{ROWS, variable};

/// What one level does.
#[derive(Debug, Clone, Default)]
pub(crate) struct Program {
    steps: Vec<Step>,
}

#[derive(Debug, Clone)]
enum Step {
    /// Where the condition holds, the level of the block takes over.
    If(Arc<Condition>, Arc<Location>),
    /// An `if` whose block is not read yet.
    Pending(Arc<Condition>),
    Set(Var, Arc<Template>),
    Rewrite(Arc<Rewrite>),
    Break,
    Return(u16, Option<Arc<Template>>),
}

/// How a level ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ran {
    /// At its end, or at a `break` or `last`; the URI is what it was, or stays with this location.
    End,
    /// The URI changed: the location is to be found again.
    Changed,
    /// The request is answered so.
    Flow(Flow),
    /// It is answered with this status and this body (`return CODE TEXT`); `error_page` does not apply.
    Text(u16, Vec<u8>),
}

impl Program {
    /// Puts the blocks of the `if`s, read last because they start from all of the level's own values, where they belong.
    pub(crate) fn settle(&mut self, blocks: Vec<Arc<Location>>) {
        let mut blocks = blocks.into_iter();
        for step in &mut self.steps {
            if let Step::Pending(condition) = step
                && let Some(block) = blocks.next()
            {
                *step = Step::If(condition.clone(), block);
            }
        }
    }

    /// Whether it does nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

/// Takes the condition of an `if` in; its block follows by [`Program::settle`].
pub(crate) fn add_if(
    location: &mut Location,
    directive: &Directive,
    cx: &mut HttpCx<'_, '_>,
) -> Done {
    let condition = Condition::read(&directive.args, cx);
    // A place is kept for the block even so, because blocks are put in by their order.
    let kept = condition.as_ref().ok().cloned();
    let kept = kept.unwrap_or_else(|| Condition::True(Template::default()));
    location.program.steps.push(Step::Pending(Arc::new(kept)));
    condition.map(drop)
}

/// Runs the program of the request's server, or of its location.
pub(crate) fn run(request: &mut Request, at: &Arc<Location>) -> Ran {
    let mut changed = false;
    let in_location = !at.name.is_empty();
    match level(request, at, in_location, &mut changed) {
        Some(Ran::End) | None if changed => Ran::Changed,
        Some(ran) => ran,
        None => Ran::End,
    }
}

/// `None` where the level ran to its end, so that the one around it goes on.
fn level(
    request: &mut Request,
    at: &Arc<Location>,
    in_location: bool,
    changed: &mut bool,
) -> Option<Ran> {
    for step in &at.program.steps {
        let ended = match step {
            Step::Pending(_) => None,
            Step::If(condition, block) => {
                if !condition.holds(request) {
                    continue;
                }
                // Outside of locations an `if` has no values of its own.
                if in_location {
                    request.lost_handler |=
                        block.handler.is_none() && request.location.handler.is_some();
                    request.location = block.clone();
                }
                level(request, block, in_location, changed)
            }
            Step::Set(variable, value) => {
                let value = value.to_bytes(request);
                assign(request, variable, &value);
                None
            }
            Step::Rewrite(rewrite) => rewrite.run(request, changed),
            Step::Break => {
                if std::mem::take(changed) {
                    request.is_prefix_valid = false;
                }
                Some(Ran::End)
            }
            Step::Return(status, text) => Some(answer(request, *status, text.as_deref())),
        };
        if ended.is_some() {
            return ended;
        }
    }
    None
}

/// Gives a variable of [`rows::variable`] its value.
pub(crate) fn assign(request: &mut Request, variable: &Var, value: &[u8]) {
    match variable {
        Var::User(id) => request.slots.set(*id, value),
        Var::Builtin(builtin) if builtin.name == "args" => request.set_args(value),
        Var::Builtin(builtin) if builtin.name == "limit_rate" => {
            let rate = std::str::from_utf8(value).ok();
            let rate = rate.and_then(nginx_conf::value::size);
            if let Some(rate) = rate.and_then(|rate| u64::try_from(rate).ok()) {
                request.response.rate = Some((rate, 0));
            }
        }
        // The tables let no other be set.
        _ => {}
    }
}

fn answer(request: &mut Request, status: u16, text: Option<&Template>) -> Ran {
    if text.is_none() && status >= 400 {
        return Ran::Flow(Flow::Respond(status));
    }
    let text = text.map_or_else(Vec::new, |text| text.to_bytes(request));
    if matches!(status, 301 | 302 | 303 | 307 | 308) {
        request.response.location = text;
        return Ran::Flow(Flow::Respond(status));
    }
    Ran::Text(status, text)
}
