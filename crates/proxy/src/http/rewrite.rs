//! `set`, `rewrite`, `if`, `return` and `break`: a small program per level, run in the order of the file.

use std::sync::Arc;

use nginx_conf::Directive;

use super::{HttpCx, Location};
use crate::conf::{Done, Row};

/// What one level does.
#[derive(Debug, Clone, Default)]
pub(crate) struct Program {
    steps: Vec<Step>,
}

#[derive(Debug, Clone)]
enum Step {
    /// Where the condition holds, the level of the block takes over.
    If(Arc<Location>),
    /// An `if` whose block is not read yet.
    Pending,
}

impl Program {
    /// Puts the blocks of the `if`s, read last because they start from all of the level's own values, where they belong.
    pub(crate) fn settle(&mut self, blocks: Vec<Arc<Location>>) {
        let pending = self
            .steps
            .iter_mut()
            .filter(|step| matches!(step, Step::Pending));
        for (step, block) in pending.zip(blocks) {
            *step = Step::If(block);
        }
    }
}

/// Takes the condition of an `if` in; its block follows by [`Program::settle`].
pub(crate) fn add_if(location: &mut Location, _: &Directive, _: &mut HttpCx<'_, '_>) -> Done {
    location.program.steps.push(Step::Pending);
    Ok(())
}

/// The table.
pub(crate) static ROWS: &[Row] = &[];
