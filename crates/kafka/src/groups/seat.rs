//! A group's place in the coordinator: its members and its positions, side by side.
//!
//! Other kinds of groups will bring other members and have the same positions.

use base::Monotonic;

use super::context::Context;
use super::group::{Group, State};
use super::offsets::Offsets;
use super::writes::Then;
use super::{Ticket, WriteFailed};

/// A group, its positions, and its alarm.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) group: Group,
    pub(super) offsets: Offsets,
    /// The newest ticket before the group came into being: outcomes of that one and older ones are about an earlier
    /// group of the same name.
    pub(super) born_after: Ticket,
    /// The alarm that is set.
    pub(super) armed: Option<Monotonic>,
    /// What the coordinator has counted for it.
    pub(super) counted: usize,
}

impl Seat {
    pub(super) fn new(group: Group, born_after: Ticket) -> Self {
        Self {
            group,
            offsets: Offsets::default(),
            born_after,
            armed: None,
            counted: 0,
        }
    }

    /// Whether nothing would be lost by forgetting it.
    pub(super) fn is_forgettable(&self) -> bool {
        self.group.is_forgettable() && self.offsets.is_empty()
    }

    /// What it costs.
    pub(super) fn bytes(&self) -> usize {
        self.group.bytes() + self.offsets.bytes()
    }

    /// Does what follows a write; says whether the group is gone.
    pub(super) fn follow(
        &mut self,
        ctx: &mut Context<'_>,
        outcome: Result<(), WriteFailed>,
        then: Then,
    ) -> bool {
        let group = &mut self.group;
        let mut is_gone = false;
        match then {
            Then::Assign {
                generation,
                assignments,
            } => group.assigned(ctx, outcome, generation, assignments),
            Then::Resume(resumption) => group.resume(ctx, outcome, *resumption),
            then => {
                if matches!(then, Then::GroupDeleted { .. }) {
                    is_gone = outcome.is_ok();
                    group.state = State::Empty;
                }
                if let Some((token, reply)) = then.answer(outcome) {
                    ctx.reply(token, reply);
                }
            }
        }
        is_gone
    }
}
