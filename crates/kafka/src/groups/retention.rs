//! What goes away by itself: positions that nobody needs any more, and groups that have none (KIP-211).
//!
//! Age is measured on the wall clock, because it must outlive restarts. A clock that jumps ahead by the retention time
//! makes positions of idle groups expire, as in Kafka; nothing else depends on it.

use base::Timestamp;

use super::context::Context;
use super::group::{Group, State};
use super::offsets::{Change, Slot, Stored};
use super::seat::Seat;
use super::writes::Then;

/// From when on the age of a group's positions counts.
#[derive(Debug, Clone, Copy)]
enum Base {
    /// They are needed now.
    Never,
    /// From this moment, for all of them.
    Since(Timestamp),
    /// From the commit of each.
    Commit,
}

impl Base {
    fn of(group: &Group) -> Self {
        match (&group.protocol_type, group.state) {
            (None, State::Empty) => Self::Commit,
            (Some(_), State::Empty) => Self::Since(group.state_since),
            // Topics that the members no longer read; the others are left out by name.
            (Some(_), State::Stable) if group.is_of_consumers() => Self::Commit,
            _ => Self::Never,
        }
    }

    fn is_expired(self, stored: &Stored, ctx: &Context<'_>) -> bool {
        let since = match self {
            Self::Never => return false,
            Self::Since(moment) => moment,
            Self::Commit => stored.committed_at,
        };
        match stored.expires_at {
            Some(expires_at) => ctx.wall >= expires_at,
            None => {
                let age = ctx.wall.0.saturating_sub(since.0);
                u64::try_from(age)
                    .is_ok_and(|age| u128::from(age) >= ctx.settings.offsets_retention.as_millis())
            }
        }
    }
}

/// Removes what has expired; the group itself, if it has no members and nothing is left.
pub(super) fn sweep(seat: &mut Seat, ctx: &mut Context<'_>) {
    let group = &seat.group;
    if group.state == State::Dead {
        return;
    }
    let base = Base::of(group);
    let is_expired = |name: &str, slot: &Slot| {
        if slot.is_busy() {
            return false;
        }
        match &slot.stored {
            // A write failed here. It may come back after a restart, so its removal is written.
            None => true,
            Some(stored) => !group.reads(name) && base.is_expired(stored, ctx),
        }
    };
    let mut expired = Vec::new();
    let mut is_all = true;
    for (topic, partition, slot) in seat.offsets.iter() {
        if is_expired(&topic.name, slot) {
            expired.push(Change {
                topic,
                partition,
                value: None,
            });
        } else {
            is_all = false;
        }
    }
    let is_unused = group.state == State::Empty && group.members.pending_len() == 0;
    if is_all && is_unused {
        tracing::info!(group = &*group.id, "removing an empty group");
        delete(seat, ctx, expired, Then::GroupDeleted { token: None });
    } else if !expired.is_empty() {
        ctx.persist_offsets(&group.id, &mut seat.offsets, expired, Then::Nothing);
    }
}

/// Deletes a group, which is Dead until that is durable. `changes` must remove everything that is known.
pub(super) fn delete(seat: &mut Seat, ctx: &mut Context<'_>, changes: Vec<Change>, then: Then) {
    seat.group.state = State::Dead;
    ctx.persist_deletion(&seat.group.id, &mut seat.offsets, changes, then);
}
