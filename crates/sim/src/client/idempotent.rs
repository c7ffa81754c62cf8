//! A producer with an id: several batches in flight, and all that is unacknowledged is sent again,
//! in order, to whatever log comes after a crash (KIP-98).

use super::Context;
use super::plain::filler_len;
use crate::batch::{Label, Recipe, build};
use crate::model::{Idempotent, Removal};
use crate::rng::Rng;
use crate::violation::Violation;
use base::Clock;
use commitlog::{AppendOutcome, Appended, Batch, Refusal};
use std::collections::VecDeque;
use tokio::sync::oneshot;

/// What Kafka's clients have in flight at most for a partition.
const IN_FLIGHT_MAX: usize = 5;
/// How long a client waits after a refusal, milliseconds.
const RETRY_MS: u64 = 50;

/// How the oldest batch in flight ended.
enum Outcome {
    Acked,
    /// It must be sent again, and with it what was sent after it.
    Again,
    /// There is nobody to send it to any more.
    Over,
}

/// Sends until `batches` new batches are acknowledged.
pub(crate) async fn produce_idempotently(
    context: Context,
    mut rng: Rng,
    key: u64,
    batches: u64,
) -> Result<(), Violation> {
    let mut fresh = batches;
    let mut in_flight: VecDeque<oneshot::Receiver<AppendOutcome>> = VecDeque::new();
    loop {
        let unsent = {
            let model = context.model.lock();
            model.idempotent[&key].unacked.get(in_flight.len()).copied()
        };
        let may_send = in_flight.len() < IN_FLIGHT_MAX && !context.stopping();
        if may_send && (unsent.is_some() || fresh > 0) {
            let label = unsent.unwrap_or_else(|| {
                fresh -= 1;
                make(&context, &mut rng, key)
            });
            let Some(outcome) = send(&context, key, label).await else {
                return Ok(());
            };
            in_flight.push_back(outcome);
            if !rng.one_in(3) {
                continue;
            }
        }
        let Some(outcome) = in_flight.pop_front() else {
            return Ok(());
        };
        match settle(&context, key, outcome, false).await? {
            Outcome::Acked => {}
            Outcome::Over => return Ok(()),
            Outcome::Again => {
                while let Some(outcome) = in_flight.pop_front() {
                    settle(&context, key, outcome, true).await?;
                }
                context.clock.sleep_ms(RETRY_MS).await;
            }
        }
        context.linger(&mut rng, 10).await;
    }
}

fn make(context: &Context, rng: &mut Rng, key: u64) -> Label {
    let mut model = context.model.lock();
    let Idempotent { id, stream, .. } = model.idempotent[&key];
    let records = u16::try_from(rng.between(1, 3)).unwrap_or(1);
    let Some(producer) = model.idempotent.get_mut(&key) else {
        unreachable!("producers are never removed")
    };
    let label = Label {
        producer: id,
        number: producer.next_number,
    };
    let sequence = producer.next_sequence;
    producer.next_number += 1;
    producer.next_sequence = sequence.wrapping_add(i32::from(records)) & i32::MAX;
    producer.unacked.push_back(label);
    let bytes = build(&Recipe {
        label,
        idempotent: Some((i64::try_from(id).unwrap_or(i64::MAX), 0, sequence)),
        records,
        timestamp: context.clock.wall().0,
        filler_len: filler_len(rng),
    });
    // What is refused is sent again, so there is no gap.
    model.sending(stream, label, bytes, false);
    label
}

async fn send(
    context: &Context,
    key: u64,
    label: Label,
) -> Option<oneshot::Receiver<AppendOutcome>> {
    let (stream, bytes) = {
        let model = context.model.lock();
        let bytes = model.bytes_of(label).unwrap_or_default();
        (model.idempotent[&key].stream, bytes)
    };
    let batch = Batch { stream, bytes };
    context.shard_of(stream).append(vec![batch]).await.ok()
}

/// Waits for an outcome. `after_refusal`: an older batch was refused, so this one must have been too.
async fn settle(
    context: &Context,
    key: u64,
    outcome: oneshot::Receiver<AppendOutcome>,
    after_refusal: bool,
) -> Result<Outcome, Violation> {
    let Ok(outcome) = outcome.await else {
        return Err(Violation::new("answer", "an append was dropped unanswered"));
    };
    let Ok(outcomes) = outcome else {
        return Ok(Outcome::Over);
    };
    let mut model = context.model.lock();
    let stream = model.idempotent[&key].stream;
    let removed = model.stream(stream).removal != Removal::No;
    match outcomes.as_slice() {
        [Ok(_)] if after_refusal => Err(Violation::new(
            "K2",
            format!("stream {stream}: a batch was taken though the one before it was refused"),
        )),
        [Ok(Appended { base_offset, .. })] => {
            let unacked = model
                .idempotent
                .get_mut(&key)
                .and_then(|producer| producer.unacked.pop_front());
            let Some(label) = unacked else {
                return Err(Violation::new(
                    "answer",
                    "more answers than batches in flight",
                ));
            };
            context
                .trace
                .note(format_args!("acked {stream} {base_offset} {label:?}"));
            model.acked(label, *base_offset)?;
            Ok(Outcome::Acked)
        }
        [Err(Refusal::Full)] if context.is_full() => {
            model.counts.refused += 1;
            Ok(Outcome::Again)
        }
        [Err(Refusal::OutOfOrderSequence)] if after_refusal => Ok(Outcome::Again),
        [Err(Refusal::NoStream)] if removed => Ok(Outcome::Over),
        other => Err(Violation::new(
            "K2",
            format!("stream {stream}, producer {key}: a batch in order got {other:?}"),
        )),
    }
}
