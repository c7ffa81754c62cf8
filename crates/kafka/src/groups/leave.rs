//! Leaving: members that say goodbye, and members that an operator removes.

use super::context::Context;
use super::group::{Group, State};
use super::join::head;
use super::{Error, Leave, Leaver, Left, Reply, Token};

impl Group {
    pub(super) fn leave(&mut self, ctx: &mut Context<'_>, token: Token, leave: Leave) {
        if self.state == State::Dead {
            return ctx.reply(token, Reply::Leave(Err(Error::CoordinatorNotAvailable)));
        }
        let mut left = Vec::with_capacity(leave.members.len());
        let members_before = self.members.len();
        for leaver in leave.members {
            let error = self.leave_one(ctx, &leaver).err();
            left.push(Left {
                member_id: leaver.member_id,
                instance_id: leaver.instance_id,
                error,
            });
        }
        let emptied = if self.members.len() < members_before {
            self.rebalance(ctx, "members left")
        } else {
            // It may have been an id that was given out, which a rebalance has waited for.
            self.complete_if_joined(ctx)
        };
        match emptied {
            // Else a restart would bring the member back after it was told that it has left.
            Some(ticket) => ctx.writes.answer_leave(ticket, token, left),
            None => ctx.reply(token, Reply::Leave(Ok(left))),
        }
    }

    fn leave_one(&mut self, ctx: &mut Context<'_>, leaver: &Leaver) -> Result<(), Error> {
        let instance_id = leaver.instance_id.as_deref();
        let id = if leaver.member_id.is_empty() {
            // An operator removes a static member by its instance id alone.
            let id = instance_id.and_then(|id| self.members.of_instance(id));
            id.ok_or(Error::UnknownMemberId)?.to_owned()
        } else {
            leaver.member_id.clone()
        };
        if self.members.remove_pending(&id) {
            return Ok(());
        }
        self.check_member(&id, instance_id)?;
        let reason = head(leaver.reason.as_deref().unwrap_or("none given"));
        tracing::info!(group = &*self.id, member = id, reason, "leaves");
        self.remove(ctx, &id);
        Ok(())
    }
}
