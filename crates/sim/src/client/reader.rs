//! Readers: one that follows the tail, and one that reads everything to compare it with the model.

use super::Context;
use crate::batch::Seen;
use crate::model::Removal;
use crate::rng::Rng;
use crate::violation::{Violation, ensure};
use base::{Offset, StreamId};
use commitlog::{Bounds, Log, ReadError, Stream};
use std::sync::Arc;
use tokio::sync::Notify;

/// Follows one stream from some offset on until it is told to stop.
pub(crate) async fn follow(context: Context, mut rng: Rng, key: u64) -> Result<(), Violation> {
    let live = context.model.lock().live_streams();
    let Some(id) = rng.pick(&live).copied() else {
        return Ok(());
    };
    let Some(stream) = context.log.stream(id) else {
        return Ok(());
    };
    let bounds = stream.bounds();
    let span = u64::try_from(bounds.high_watermark - bounds.log_start).unwrap_or(0);
    let mut position = bounds.log_start + i64::try_from(rng.below(span + 1)).unwrap_or(0);
    let bell = Arc::new(Notify::new());
    let mut stop = context.stop.clone();
    while !context.stopping() && !stream.is_removed() {
        stream.notify_next(&bell);
        if position < stream.bounds().high_watermark {
            stream.forget(&bell);
            position = read_some(&context, &mut rng, &stream, position).await?;
            context.linger(&mut rng, 15).await;
            continue;
        }
        context.model.lock().tailers.insert(key, (id, position));
        tokio::select! {
            biased;
            () = bell.notified() => {}
            _ = stop.changed() => {}
        }
        stream.forget(&bell);
        context.model.lock().tailers.remove(&key);
    }
    Ok(())
}

/// Reads once and returns the offset to go on from.
async fn read_some(
    context: &Context,
    rng: &mut Rng,
    stream: &Stream,
    position: Offset,
) -> Result<Offset, Violation> {
    let bytes_max = usize::try_from(rng.between(1, 4000)).unwrap_or(1);
    match context.log.read(stream, position, bytes_max).await {
        Ok(batches) => {
            let seen = observe(context, stream, &batches)?;
            if let [_, .., _] = batches.as_slice() {
                let len: usize = batches.iter().map(bytes::Bytes::len).sum();
                ensure(len <= bytes_max, "read", || {
                    format!("{len} bytes, {bytes_max} asked for")
                })?;
            }
            let next = check_run(stream, position, &seen)?;
            context
                .trace
                .note(format_args!("read {} {position}..{next}", stream.id()));
            Ok(next)
        }
        Err(ReadError::OutOfRange { log_start, .. }) => {
            ensure(position < log_start, "read", || {
                format!(
                    "stream {}: {position} is out of range, it starts at {log_start}",
                    stream.id()
                )
            })?;
            Ok(log_start)
        }
        Err(ReadError::Io(error)) => Err(Violation::new(
            "read",
            format!("stream {} at {position}: {error}", stream.id()),
        )),
    }
}

fn observe(
    context: &Context,
    stream: &Stream,
    batches: &[bytes::Bytes],
) -> Result<Vec<Seen>, Violation> {
    let mut model = context.model.lock();
    let seen = batches
        .iter()
        .map(|batch| model.observed(stream.id(), batch));
    seen.collect()
}

/// What one read gave follows each other, from the batch that holds `position` on.
fn check_run(stream: &Stream, position: Offset, seen: &[Seen]) -> Result<Offset, Violation> {
    let id = stream.id();
    // A trim may have come between the look at the bounds and the search.
    let start = stream.bounds().log_start.max(position);
    let Some(first) = seen.first() else {
        let removed = stream.is_removed() || start > position;
        ensure(removed, "read", || {
            format!("stream {id}: nothing is at {position}, below the high watermark")
        })?;
        return Ok(start);
    };
    let holds = first.header.base_offset <= start && position <= first.header.last_offset();
    ensure(holds, "read", || {
        format!(
            "stream {id}: {position} was asked for, {:?} came",
            first.header
        )
    })?;
    let mut next = first.header.base_offset;
    for batch in seen {
        // What was trimmed between two look-ups is skipped.
        let trimmed = next < batch.header.base_offset && next < stream.bounds().log_start;
        ensure(batch.header.base_offset == next || trimmed, "K3", || {
            format!(
                "stream {id}: {} follows instead of {next}",
                batch.header.base_offset
            )
        })?;
        next = batch.next_offset();
    }
    ensure(next <= stream.bounds().high_watermark, "exposure", || {
        format!("stream {id}: {next} is beyond the high watermark")
    })?;
    Ok(next)
}

/// Reads every stream from end to end and compares it with all that is known.
/// Nothing may be written meanwhile.
pub(crate) async fn read_everything(context: &Context, mut rng: Rng) -> Result<(), Violation> {
    let ids: Vec<_> = context.model.lock().streams.keys().copied().collect();
    for id in ids {
        let Some(stream) = context.log.stream(id) else {
            let mut model = context.model.lock();
            let known = model.stream(id);
            let nothing = known.removal != Removal::No || known.end_min() == 0;
            ensure(nothing, "K1", || format!("stream {id} is gone"))?;
            if known.removal == Removal::Asked {
                known.removal = Removal::Done;
            }
            continue;
        };
        let bounds = stream.bounds();
        let content = read_stream(context, &mut rng, &stream, bounds).await?;
        check_epochs(&context.log, &stream, &content)?;
        check_timestamps(context, &mut rng, &stream, &content).await?;
        let mut model = context.model.lock();
        let known = model.stream(id);
        ensure(known.removal != Removal::Done, "removal", || {
            format!("stream {id} was removed and is back")
        })?;
        known.check_bounds(bounds)?;
        known.check_content(bounds, &content)?;
    }
    Ok(())
}

async fn read_stream(
    context: &Context,
    rng: &mut Rng,
    stream: &Stream,
    bounds: Bounds,
) -> Result<Vec<Seen>, Violation> {
    let (mut content, mut position) = (Vec::new(), bounds.log_start);
    while position < bounds.high_watermark {
        let bytes_max = usize::try_from(rng.between(1, 8000)).unwrap_or(1);
        let read = context.log.read(stream, position, bytes_max).await;
        let batches = read.map_err(|error| {
            Violation::new(
                "K1",
                format!("stream {} at {position}: {error}", stream.id()),
            )
        })?;
        let stored_unacked = {
            let model = context.model.lock();
            let unknown = |batch: &&bytes::Bytes| {
                let seen = Seen::read(batch);
                let known = model.streams.get(&stream.id());
                seen.is_some_and(|seen| known.is_some_and(|k| k.offset_of(seen.label).is_none()))
            };
            batches.iter().filter(unknown).count() as u64
        };
        context.model.lock().counts.stored_unacked += stored_unacked;
        let seen = observe(context, stream, &batches)?;
        position = check_run(stream, position, &seen)?;
        content.extend(seen);
    }
    Ok(content)
}

/// Epochs grow along a stream, and the stream knows where each begins.
fn check_epochs(log: &Log, stream: &Stream, content: &[Seen]) -> Result<(), Violation> {
    let mut last = 0;
    for seen in content {
        let epoch = u32::try_from(seen.header.partition_leader_epoch).unwrap_or(u32::MAX);
        ensure(last <= epoch && epoch <= log.epoch().0, "K3", || {
            format!("stream {}: epoch {epoch} after {last}", stream.id())
        })?;
        last = epoch;
        // Below the log start the stream need not know.
        let offset = seen.header.base_offset.max(stream.bounds().log_start);
        let known = stream.epoch_at(offset).map(|epoch| epoch.0);
        ensure(known == Some(epoch), "K3", || {
            format!(
                "stream {}: {offset} has epoch {epoch}, the stream says {known:?}",
                stream.id()
            )
        })?;
    }
    Ok(())
}

/// The search by time finds what a search of everything finds.
async fn check_timestamps(
    context: &Context,
    rng: &mut Rng,
    stream: &Stream,
    content: &[Seen],
) -> Result<(), Violation> {
    let Some(sample) = rng.pick(content) else {
        return Ok(());
    };
    let timestamp = sample.header.max_timestamp + i64::from(rng.one_in(3));
    let from = stream.bounds().log_start;
    let expected = content
        .iter()
        .find(|seen| seen.header.max_timestamp >= timestamp)
        .map(|seen| seen.header.base_offset);
    let found = context
        .log
        .batch_at_timestamp(stream, timestamp, from)
        .await;
    let found = found.map_err(|error| Violation::new("read", error.to_string()))?;
    let found = found
        .as_ref()
        .and_then(Seen::read)
        .map(|seen| seen.header.base_offset);
    ensure(found == expected, "read", || {
        format!(
            "stream {}: at time {timestamp} is {found:?}, expected {expected:?}",
            stream.id()
        )
    })
}

/// The streams whose tail a reader waits at though there is more.
pub(crate) fn missed_bells(
    log: &Log,
    waiting: impl Iterator<Item = (StreamId, Offset)>,
) -> Vec<StreamId> {
    let missed = |(id, position): &(StreamId, Offset)| {
        log.stream(*id)
            .is_some_and(|stream| stream.bounds().high_watermark > *position)
    };
    waiting.filter(missed).map(|(id, _)| id).collect()
}
