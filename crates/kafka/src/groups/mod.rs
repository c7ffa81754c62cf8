//! The group coordinator of Kafka's classic protocol: who is a member, who consumes what, and how far each
//! group has come.
//!
//! [`Coordinator`] is a plain state machine. A driver gives it time, requests and the outcome of writes as
//! [`Input`]s and carries out its [`Effect`]s. There is one per shard, and it holds all groups of that shard.
//!
//! What it promises:
//! - every [`Token`] is answered exactly once, as long as the driver reports every write back;
//! - nothing that depends on a write is answered before that write is durable;
//! - a committed position that was acknowledged or shown never goes back to an older commit, whatever the order in
//!   which writes finish, fail, or are found again after a restart (invariant K5);
//! - after a restart a group has the members, generation and assignments of its last durable state, with new
//!   session time-outs, so that its consumers go on without a rebalance.
//!
//! What it does not do: it resolves no topic names, checks no permissions, knows no wire format and no API
//! version (handlers translate those to flags), and has no consumer groups of KIP-848, share groups or
//! transactions: those stand beside `group` and share `offsets`, `writes` and `coordinator`.
//!
//! Where it differs from Kafka, on purpose:
//! - all protocols of a member are stored, so that after a restart nobody looks changed;
//! - a static member that comes back with other topics causes a rebalance (KAFKA-12759), and one that comes back to a
//!   full group is let in;
//! - a join or sync that is sent again while the first one waits answers the first with `REBALANCE_IN_PROGRESS`; Kafka
//!   never answers it;
//! - an id that was given out and is not used delays a rebalance, but its end neither begins one nor cuts the initial
//!   delay short;
//! - a group that is being deleted shows its offsets until the deletion is durable, because it may fail;
//! - groups, their members and their bytes have limits (`settings`).
//!
//! The nouns, from the outside in: `coordinator` (dispatch and timers), `group` (the state machine),
//! `members` and `member`, `offsets` (committed positions), `writes` (what is under way to the log),
//! `entries` (the durable format, `docs/formats/group-state.md`).
//!
//! Source of the behaviour: Apache Kafka's classic group coordinator, KIP-62 (rebalance time-out), KIP-134 (initial
//! delay), KIP-211 (retention of offsets), KIP-345 (static members), KIP-394 (member ids first), KIP-496 (deletion
//! of offsets), KIP-814 (static leader skips the assignment).

mod commit;
mod context;
mod coordinator;
mod effect;
mod entries;
mod error;
mod group;
mod input;
mod join;
mod leave;
mod member;
mod members;
mod offsets;
mod rebalance;
mod restore;
mod retention;
mod seat;
mod settings;
mod subscription;
mod sync;
mod timers;
mod writes;

#[cfg(test)]
mod tests;

pub use coordinator::Coordinator;
pub use effect::{
    CommittedOffset, Described, DescribedMember, Effect, Entry, JoinRefused, Joined, JoinedMember,
    Left, Listed, PartitionOutcome, Reply, Synced,
};
pub use entries::BadEntry;
pub(crate) use entries::reread;
pub use error::{Error, WriteFailed};
pub use group::State;
pub use input::{
    CommitOffset, CommitOffsets, DeleteGroup, DeleteOffset, DeleteOffsets, Describe, FetchOffsets,
    Heartbeat, Input, Join, Leave, Leaver, List, Protocol, Request, Sync, Ticket, Token, Topic,
    TopicId, Wanted,
};
pub use offsets::Position;
pub use restore::Restore;
pub use settings::Settings;
