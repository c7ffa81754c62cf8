//! Positions: committing, fetching and deleting them.

use base::Timestamp;

use super::context::Context;
use super::group::{Group, State};
use super::offsets::{Change, Offsets, Stored};
use super::seat::Seat;
use super::writes::Then;
use super::{
    CommitOffset, CommitOffsets, CommittedOffset, DeleteOffsets, Error, PartitionOutcome, Position,
    Reply, Token, Wanted,
};

/// Handles a commit to a group that exists.
pub(super) fn commit(seat: &mut Seat, ctx: &mut Context<'_>, token: Token, commit: CommitOffsets) {
    if let Err(error) = check(&seat.group, &commit) {
        return ctx.reply(token, Reply::CommitOffsets(Err(error)));
    }
    if matches!(seat.group.state, State::Stable | State::PreparingRebalance) {
        seat.group.extend_session(&commit.member_id, ctx.now);
    }
    let expires_at = commit.retention.map(|keep| after(ctx.wall, keep));
    let mut outcomes = Vec::with_capacity(commit.offsets.len());
    let mut changes = Vec::with_capacity(commit.offsets.len());
    for offset in commit.offsets {
        let is_too_large = offset.metadata.len() > ctx.settings.offset_metadata_bytes_max;
        outcomes.push(PartitionOutcome {
            topic: offset.topic.id,
            partition: offset.partition,
            error: is_too_large.then_some(Error::OffsetMetadataTooLarge),
        });
        if !is_too_large {
            changes.push(change(offset, ctx.wall, expires_at));
        }
    }
    if changes.is_empty() {
        return ctx.reply(token, Reply::CommitOffsets(Ok(outcomes)));
    }
    let then = Then::Committed { token, outcomes };
    ctx.persist_offsets(&seat.group.id, &mut seat.offsets, changes, then);
}

/// Whether the client may commit. A simple consumer has no generation and may do so while the group has no members.
fn check(group: &Group, commit: &CommitOffsets) -> Result<(), Error> {
    let is_empty = group.state == State::Empty;
    let is_simple = commit.generation < 0;
    if group.state == State::Dead {
        return Err(Error::CoordinatorNotAvailable);
    }
    if is_simple && is_empty {
        return Ok(());
    }
    if is_simple && commit.member_id.is_empty() && commit.instance_id.is_none() {
        return Err(Error::UnknownMemberId);
    }
    group.check_member(&commit.member_id, commit.instance_id.as_deref())?;
    if commit.generation != group.generation {
        return Err(Error::IllegalGeneration);
    }
    match group.state {
        // The member knows its generation but not yet what it is to consume, so it cannot have consumed it.
        State::CompletingRebalance => Err(Error::RebalanceInProgress),
        _ => Ok(()),
    }
}

fn change(offset: CommitOffset, wall: Timestamp, expires_at: Option<Timestamp>) -> Change {
    let position = Position {
        offset: offset.offset,
        leader_epoch: offset.leader_epoch,
        metadata: offset.metadata,
    };
    Change {
        topic: offset.topic,
        partition: offset.partition,
        value: Some(Stored {
            position,
            committed_at: offset.timestamp.unwrap_or(wall),
            expires_at,
        }),
    }
}

/// What is durable. A group that is being deleted still shows its positions: the deletion may fail.
pub(super) fn fetch(offsets: Option<&Offsets>, wanted: Wanted) -> Vec<CommittedOffset> {
    match wanted {
        Wanted::Partitions(partitions) => {
            let committed = |(topic, partition)| CommittedOffset {
                topic,
                partition,
                position: offsets.and_then(|o| o.get(topic, partition)).cloned(),
            };
            partitions.into_iter().map(committed).collect()
        }
        Wanted::All => {
            let slots = offsets.into_iter().flat_map(Offsets::iter);
            let committed = slots.filter_map(|(topic, partition, slot)| {
                let stored = slot.stored.as_ref()?;
                Some(CommittedOffset {
                    topic: topic.id,
                    partition,
                    position: Some(stored.position.clone()),
                })
            });
            committed.collect()
        }
    }
}

/// Handles the deletion of single positions (KIP-496).
pub(super) fn delete(
    seat: &mut Seat,
    ctx: &mut Context<'_>,
    token: Token,
    deletion: DeleteOffsets,
) {
    if let Err(error) = seat.group.check_delete_offsets() {
        return ctx.reply(token, Reply::DeleteOffsets(Err(error)));
    }
    let mut outcomes = Vec::with_capacity(deletion.offsets.len());
    let mut changes = Vec::new();
    for offset in deletion.offsets {
        let is_read = seat.group.reads(&offset.topic.name);
        outcomes.push(PartitionOutcome {
            topic: offset.topic.id,
            partition: offset.partition,
            error: is_read.then_some(Error::GroupSubscribedToTopic),
        });
        if !is_read && seat.offsets.knows(offset.topic.id, offset.partition) {
            changes.push(Change {
                topic: offset.topic,
                partition: offset.partition,
                value: None,
            });
        }
    }
    if changes.is_empty() {
        return ctx.reply(token, Reply::DeleteOffsets(Ok(outcomes)));
    }
    let then = Then::OffsetsDeleted { token, outcomes };
    ctx.persist_offsets(&seat.group.id, &mut seat.offsets, changes, then);
}

fn after(wall: Timestamp, wait: std::time::Duration) -> Timestamp {
    let wait = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
    Timestamp(wall.0.saturating_add(wait))
}
