//! A producer without an id: it sends each batch once, several at a time, and never again.

use super::Context;
use crate::batch::{Label, Recipe, build};
use crate::model::Removal;
use crate::rng::Rng;
use crate::violation::{Violation, ensure};
use base::{Clock, StreamId};
use commitlog::{AppendOutcome, Appended, Batch, Refusal};
use std::collections::VecDeque;
use tokio::sync::oneshot;

/// What the batches of a request are, in their order.
type Labels = Vec<(StreamId, Label)>;

type InFlight = VecDeque<(Labels, oneshot::Receiver<AppendOutcome>)>;

/// Sends `requests` requests.
pub(crate) async fn produce(
    context: Context,
    mut rng: Rng,
    requests: u64,
) -> Result<(), Violation> {
    let producer = {
        let mut model = context.model.lock();
        model.next_producer += 1;
        model.next_producer
    };
    let window = usize::try_from(rng.between(1, 6)).unwrap_or(1);
    let mut in_flight = InFlight::new();
    let mut number = 0;
    for _ in 0..requests {
        if context.stopping() {
            break;
        }
        let Some((labels, batches)) = request(&context, &mut rng, producer, &mut number) else {
            break;
        };
        let stream = batches[0].stream;
        match context.shard_of(stream).append(batches).await {
            Ok(outcome) => in_flight.push_back((labels, outcome)),
            Err(_) => break,
        }
        while in_flight.len() >= window || (!in_flight.is_empty() && rng.one_in(4)) {
            if !settle(&context, &mut in_flight).await? {
                return Ok(());
            }
        }
        context.linger(&mut rng, 20).await;
    }
    while !in_flight.is_empty() {
        if !settle(&context, &mut in_flight).await? {
            return Ok(());
        }
    }
    Ok(())
}

/// One to three batches for streams of one shard.
fn request(
    context: &Context,
    rng: &mut Rng,
    producer: u64,
    number: &mut u64,
) -> Option<(Labels, Vec<Batch>)> {
    let mut model = context.model.lock();
    let live = model.live_streams();
    let first = *rng.pick(&live)?;
    let shards = context.log.shards().len() as u64;
    let same_shard: Vec<_> = live
        .into_iter()
        .filter(|stream| stream.0 % shards == first.0 % shards)
        .collect();
    let (mut labels, mut batches) = (Vec::new(), Vec::new());
    for at in 0..rng.between(1, 3) {
        let stream = if at == 0 {
            first
        } else {
            *rng.pick(&same_shard)?
        };
        let label = Label {
            producer,
            number: *number,
        };
        *number += 1;
        let bytes = build(&Recipe {
            label,
            idempotent: None,
            records: u16::try_from(rng.between(1, 4)).unwrap_or(1),
            timestamp: context.clock.wall().0 - i64::try_from(rng.below(50)).unwrap_or(0),
            filler_len: filler_len(rng),
        });
        model.sending(stream, label, bytes.clone(), context.is_full());
        labels.push((stream, label));
        batches.push(Batch { stream, bytes });
    }
    Some((labels, batches))
}

/// Mostly small, sometimes larger than what a file may hold.
pub(crate) fn filler_len(rng: &mut Rng) -> u16 {
    let len = match rng.below(40) {
        0 => rng.below(9000),
        1..8 => rng.below(1500),
        _ => rng.below(200),
    };
    u16::try_from(len).unwrap_or(0)
}

/// Waits for the outcome of the oldest request; false where the log has closed.
async fn settle(context: &Context, in_flight: &mut InFlight) -> Result<bool, Violation> {
    let Some((labels, outcome)) = in_flight.pop_front() else {
        return Ok(true);
    };
    let Ok(outcome) = outcome.await else {
        return Err(Violation::new("answer", "an append was dropped unanswered"));
    };
    let Ok(outcomes) = outcome else {
        return Ok(false);
    };
    ensure(outcomes.len() == labels.len(), "answer", || {
        format!("{outcomes:?} for {labels:?}")
    })?;
    for ((stream, label), outcome) in labels.into_iter().zip(outcomes) {
        judge(context, stream, label, outcome)?;
    }
    Ok(true)
}

fn judge(
    context: &Context,
    stream: StreamId,
    label: Label,
    outcome: Result<Appended, Refusal>,
) -> Result<(), Violation> {
    let mut model = context.model.lock();
    match outcome {
        Ok(appended) => {
            context.trace.note(format_args!(
                "acked {stream} {} {label:?}",
                appended.base_offset
            ));
            let stamped = model.stream(stream).log_append_time;
            ensure(
                appended.log_append_time.is_some() == stamped,
                "stamp",
                || format!("{appended:?}, stamped {stamped}"),
            )?;
            model.acked(label, appended.base_offset)
        }
        Err(refusal) => {
            let excused = match refusal {
                Refusal::Full => context.is_full(),
                Refusal::NoStream => model.stream(stream).removal != Removal::No,
                _ => false,
            };
            model.refused(label);
            ensure(excused, "refusal", || {
                format!("{label:?} in stream {stream} got {refusal:?}")
            })
        }
    }
}
