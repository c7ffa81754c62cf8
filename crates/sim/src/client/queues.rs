//! The owner of some queues: it commits deposits, settlements and a cell together, several at a time,
//! and reads what nobody has settled.

use super::Context;
use crate::model::Owner;
use crate::rng::Rng;
use crate::violation::{Violation, ensure};
use base::{Clock, Offset, StreamId};
use commitlog::{CommitError, CommitOutcome, Stream};
use std::collections::VecDeque;
use tokio::sync::oneshot;

/// Makes `commits` commits.
pub(crate) async fn own_queues(
    context: Context,
    mut rng: Rng,
    key: u64,
    commits: u64,
) -> Result<(), Violation> {
    let shards = context.log.shards().len() as u64;
    let ids: Vec<StreamId> = {
        let mut model = context.model.lock();
        let owner = model.owners.entry(key);
        let owner = owner.or_insert_with(|| Owner::new(key, shards));
        owner.queues.iter().map(|queue| queue.id).collect()
    };
    for id in &ids {
        if context.shard_of(*id).open_queue(*id).await.is_err() {
            return Ok(());
        }
    }
    let window = usize::try_from(rng.between(1, 6)).unwrap_or(1);
    let mut in_flight = VecDeque::new();
    for _ in 0..commits {
        if context.stopping() {
            break;
        }
        let now = context.clock.wall();
        let entries = match context.model.lock().owners.get_mut(&key) {
            Some(owner) => owner.commit(&mut rng, now),
            None => unreachable!("owners are never removed"),
        };
        match context.shard_of(ids[0]).commit(entries).await {
            Ok(outcome) => in_flight.push_back(outcome),
            Err(_) => break,
        }
        while in_flight.len() >= window || (!in_flight.is_empty() && rng.one_in(3)) {
            if !land(&context, key, &mut in_flight).await? {
                return Ok(());
            }
        }
        if rng.one_in(3) {
            read_one(&context, &mut rng, key).await?;
        }
        context.linger(&mut rng, 15).await;
    }
    while !in_flight.is_empty() {
        if !land(&context, key, &mut in_flight).await? {
            return Ok(());
        }
    }
    Ok(())
}

/// Waits for the oldest commit; false where the log has closed.
async fn land(
    context: &Context,
    key: u64,
    in_flight: &mut VecDeque<oneshot::Receiver<CommitOutcome>>,
) -> Result<bool, Violation> {
    let Some(outcome) = in_flight.pop_front() else {
        return Ok(false);
    };
    match outcome.await {
        Ok(Ok(())) => {}
        Ok(Err(CommitError::Closed(_))) => return Ok(false),
        Ok(Err(error)) => return Err(Violation::new("commit", error.to_string())),
        Err(_) => return Err(Violation::new("answer", "a commit was dropped unanswered")),
    }
    context
        .trace
        .note(format_args!("owner {key}: a commit landed"));
    let mut model = context.model.lock();
    model.counts.commits += 1;
    let Some(owner) = model.owners.get_mut(&key) else {
        return Ok(false);
    };
    owner.landed();
    for queue in &owner.queues {
        let Some(stream) = context.log.stream(queue.id) else {
            continue;
        };
        let end = stream.bounds().high_watermark;
        ensure(end >= queue.end, "exposure", || {
            format!(
                "queue {}: {} is durable, readers see {end}",
                queue.id, queue.end
            )
        })?;
    }
    Ok(true)
}

/// Reads some message that is not settled: whatever else goes, its file must be there.
async fn read_one(context: &Context, rng: &mut Rng, key: u64) -> Result<(), Violation> {
    let picked = {
        let model = context.model.lock();
        let owner = model.owners.get(&key);
        let queue = owner.and_then(|owner| Some((owner, rng.pick(&owner.queues)?.id)));
        queue.and_then(|(owner, id)| Some((id, *rng.pick(&owner.wanted(id, 0))?)))
    };
    let Some((id, offset)) = picked else {
        return Ok(());
    };
    let Some(stream) = context.log.stream(id) else {
        return Err(Violation::new("A1", format!("queue {id} is gone")));
    };
    let bytes_max = usize::try_from(rng.between(1, 3000)).unwrap_or(1);
    let next = read_from(context, key, &stream, offset, bytes_max).await?;
    ensure(next > offset, "A1", || {
        format!("queue {id}: nothing is at {offset}")
    })
}

/// Reads once, compares, and returns the offset behind what was read without a gap.
async fn read_from(
    context: &Context,
    key: u64,
    stream: &Stream,
    offset: Offset,
    bytes_max: usize,
) -> Result<Offset, Violation> {
    let id = stream.id();
    let read = context.log.read_placed(stream, offset, bytes_max).await;
    let batches =
        read.map_err(|error| Violation::new("A1", format!("queue {id} at {offset}: {error}")))?;
    let mut model = context.model.lock();
    model.counts.read += batches.len() as u64;
    let Some(owner) = model.owners.get(&key) else {
        return Ok(offset);
    };
    let Some(queue) = owner.queues.iter().find(|queue| queue.id == id) else {
        return Ok(offset);
    };
    let (wanted, mut next) = (owner.wanted(id, offset), offset);
    for (base, batch) in &batches {
        let seen = owner.observed(batch)?;
        queue.check_batch(*base, &seen)?;
        // What lies between two batches was settled, and is in no index any more.
        let missing = wanted.iter().find(|wanted| (next..*base).contains(*wanted));
        ensure(missing.is_none(), "A1", || {
            format!("queue {id}: {missing:?} is not settled, and {base} was read behind {next}")
        })?;
        next = next.max(base + Offset::from(seen.header.last_offset_delta) + 1);
    }
    Ok(next)
}

/// Compares every queue with all that is known. Nothing may be committed meanwhile.
pub(crate) async fn check_queues(context: &Context, mut rng: Rng) -> Result<(), Violation> {
    let owners: Vec<(u64, bool, Vec<_>)> = {
        let model = context.model.lock();
        let owners = model.owners.iter();
        let known = owners.map(|(key, owner)| (*key, owner.is_at_rest(), owner.queues.clone()));
        known.collect()
    };
    for (key, at_rest, queues) in owners {
        for queue in queues {
            let id = queue.id;
            let Some(stream) = context.log.stream(id) else {
                ensure(queue.end == 0, "A1", || format!("queue {id} is gone"))?;
                continue;
            };
            let bounds = stream.bounds();
            let expected = (queue.start(), queue.end);
            ensure(
                (bounds.log_start, bounds.high_watermark) == expected,
                "A1",
                || format!("queue {id}: {bounds:?}, expected {expected:?}"),
            )?;
            // The shard's own cursor runs ahead of a log that has failed.
            if at_rest {
                let opened = context.shard_of(id).open_queue(id).await;
                let opened = opened.map_err(|error| Violation::new("A1", error.to_string()))?;
                queue.check_cursor(&opened.1)?;
            }
            let mut position = queue.start();
            while queue.unsettled.range(position..).next().is_some() {
                let bytes_max = usize::try_from(rng.between(1, 8000)).unwrap_or(1);
                let next = read_from(context, key, &stream, position, bytes_max).await?;
                ensure(next > position, "A1", || {
                    format!("queue {id}: nothing is at {position}")
                })?;
                position = next;
            }
        }
    }
    Ok(())
}
