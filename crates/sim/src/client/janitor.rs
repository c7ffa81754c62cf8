//! Upkeep at any time: checkpoints, retention, trims, removals, new streams, and now and then a close.

use super::Context;
use crate::model::{Removal, Shared};
use crate::rng::Rng;
use crate::violation::{Violation, ensure};
use base::{Clock, StreamId};
use commitlog::{Policy, Stream, UpkeepError};

/// Does `rounds` things.
pub(crate) async fn look_after(
    context: Context,
    mut rng: Rng,
    rounds: u64,
) -> Result<(), Violation> {
    for _ in 0..rounds {
        if context.stopping() {
            break;
        }
        let ms = rng.between(1, 40);
        context.clock.sleep_ms(ms).await;
        let open = match rng.below(20) {
            0..8 => excuse(&context, "look_after", context.log.look_after().await)?,
            8..13 => excuse(
                &context,
                "retain",
                context.log.retain(context.clock.wall()).await,
            )?,
            13..17 => trim(&context, &mut rng).await,
            17 => remove(&context, &mut rng).await,
            18 => {
                let stream = new_stream(&context.model, &mut rng);
                open_stream(&context, stream).await.is_some()
            }
            _ => excuse(&context, "close", context.log.close().await)?,
        };
        if !open {
            return Ok(());
        }
    }
    Ok(())
}

/// False where the log has closed.
fn excuse(
    context: &Context,
    what: &str,
    outcome: Result<(), UpkeepError>,
) -> Result<bool, Violation> {
    context
        .trace
        .note(format_args!("{what} {}", outcome.is_ok()));
    match outcome {
        Ok(()) => Ok(true),
        Err(UpkeepError::Closed(_)) => Ok(false),
        Err(UpkeepError::Io(error)) => {
            let full = error.kind() == std::io::ErrorKind::StorageFull && context.is_full();
            ensure(full || context.is_failing(), "upkeep", || {
                format!("{what}: {error}")
            })?;
            Ok(true)
        }
    }
}

async fn trim(context: &Context, rng: &mut Rng) -> bool {
    let live = context.model.lock().live_streams();
    let Some((id, stream)) = rng
        .pick(&live)
        .and_then(|id| Some((*id, context.log.stream(*id)?)))
    else {
        return true;
    };
    let bounds = stream.bounds();
    // Mostly a part, rarely everything and what is not durable yet.
    let span = u64::try_from(bounds.high_watermark - bounds.log_start).unwrap_or(0);
    let extra = if rng.one_in(8) { span + 2 } else { span / 3 };
    let offset = bounds.log_start + i64::try_from(rng.below(extra + 1)).unwrap_or(0);
    context.model.lock().stream(id).trimming(offset);
    let outcome = context.shard_of(id).trim(id, offset).await;
    context
        .trace
        .note(format_args!("trimmed {id} to {offset} {}", outcome.is_ok()));
    if outcome.is_ok() {
        let mut model = context.model.lock();
        model.counts.trims += 1;
        // A trim beyond the end trims up to the end.
        let reached = stream.bounds().log_start;
        model.stream(id).trimmed(reached.min(offset));
    }
    outcome.is_ok()
}

async fn remove(context: &Context, rng: &mut Rng) -> bool {
    /// Streams that are always left to write to.
    const STREAMS_MIN: usize = 4;
    let live = context.model.lock().live_streams();
    let Some(id) = rng
        .pick(&live)
        .copied()
        .filter(|_| live.len() > STREAMS_MIN)
    else {
        return true;
    };
    context.model.lock().stream(id).removal = Removal::Asked;
    let outcome = context.shard_of(id).remove(id).await;
    context
        .trace
        .note(format_args!("removed {id} {}", outcome.is_ok()));
    if outcome.is_ok() {
        let mut model = context.model.lock();
        model.counts.trims += 1;
        model.stream(id).removal = Removal::Done;
    }
    outcome.is_ok()
}

/// A stream that does not exist yet, with some policy.
pub(crate) fn new_stream(model: &Shared, rng: &mut Rng) -> StreamId {
    let mut model = model.lock();
    model.next_stream += 1;
    let id = StreamId(model.next_stream);
    let stream = model.stream(id);
    stream.retention_bytes = rng.one_in(4).then(|| rng.between(1000, 20_000));
    stream.log_append_time = rng.one_in(5);
    id
}

/// Opens a stream with its policy, as a broker does that knows both from its catalog.
pub(crate) async fn open_stream(context: &Context, id: StreamId) -> Option<std::sync::Arc<Stream>> {
    let stream = context.shard_of(id).open(id).await.ok()?;
    let mut model = context.model.lock();
    let known = model.stream(id);
    known.open = true;
    stream.set_policy(Policy {
        retention_ms: None,
        retention_bytes: known.retention_bytes,
        log_append_time: known.log_append_time,
    });
    Some(stream)
}
