//! Reading many partitions within common limits, and waiting until there is enough.

use super::Context;
use crate::fetch_sessions::Wanted;
use crate::partitions;
use base::Monotonic;
use bytes::Bytes;
use commitlog::{Bounds, ReadError, Stream};
use kafka_wire::ErrorCode;
use std::sync::Arc;
use tokio::sync::Notify;

/// What a Fetch is bounded by, in bytes of records.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// The most in all partitions together.
    pub(super) bytes_max: usize,
    /// What is worth an answer before the time is over.
    pub(super) bytes_min: usize,
    /// Whether the first batch of all is given even where it is larger than the limits, and no other is (KIP-74).
    /// Otherwise each partition gives its first batch, for the response to be cut.
    pub(super) first_batch_whole: bool,
}

/// What a partition has for the client.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) bounds: Bounds,
    pub(super) batches: Vec<Bytes>,
}

pub(super) type Answer = Result<Found, ErrorCode>;

/// A partition that can be read.
struct Source {
    stream: Arc<Stream>,
    offset: i64,
    bytes_max: usize,
}

/// What one pass over all partitions gave.
struct Pass {
    answers: Vec<Answer>,
    bytes: usize,
    /// Bytes that all streams had, to tell whether another pass could be worth it.
    bytes_in_streams: u64,
    failed: bool,
}

/// Reads all partitions; where that is less than enough, waits for more until the time is over.
pub(super) async fn read(
    context: &Context<'_>,
    wanted: &[Wanted],
    limits: Limits,
    until: Monotonic,
) -> Vec<Answer> {
    let sources: Vec<_> = wanted
        .iter()
        .map(|wanted| source(context, wanted))
        .collect();
    let mut pass = read_once(context, &sources, limits).await;
    let clock = &context.broker.clock;
    if enough(&pass, limits) || clock.now() >= until {
        return pass.answers;
    }
    let mut time_is_over = clock.sleep_until(until);
    let waiting = Waiting::new(&sources);
    loop {
        // Registered first and read afterwards, so that nothing that comes between is missed.
        waiting.register();
        let more = waiting.bytes().saturating_sub(pass.bytes_in_streams);
        let worth_it = pass.bytes as u64 + more >= limits.bytes_min as u64;
        if worth_it || waiting.has_changed(&pass.answers) {
            pass = read_once(context, &sources, limits).await;
            if enough(&pass, limits) {
                return pass.answers;
            }
        }
        tokio::select! {
            () = waiting.bell.notified() => {}
            () = &mut time_is_over => return read_once(context, &sources, limits).await.answers,
        }
    }
}

fn enough(pass: &Pass, limits: Limits) -> bool {
    pass.failed || pass.bytes >= limits.bytes_min
}

fn source(context: &Context<'_>, wanted: &Wanted) -> Result<Source, ErrorCode> {
    let broker = context.broker;
    let topics = broker.catalog.topics();
    let by_id = context.version >= 13;
    let topic = partitions::topic(&topics, &wanted.topic, wanted.topic_id, by_id)?;
    let asked = &wanted.partition;
    let stream = partitions::stream(broker, topic, asked.partition)?;
    partitions::check_leader_epoch(broker, asked.current_leader_epoch)?;
    Ok(Source {
        stream,
        offset: asked.fetch_offset,
        bytes_max: usize::try_from(asked.partition_max_bytes).unwrap_or(0),
    })
}

async fn read_once(
    context: &Context<'_>,
    sources: &[Result<Source, ErrorCode>],
    limits: Limits,
) -> Pass {
    let mut pass = Pass {
        answers: Vec::with_capacity(sources.len()),
        bytes: 0,
        bytes_in_streams: 0,
        failed: false,
    };
    for source in sources {
        let answer = match source {
            Ok(source) => {
                pass.bytes_in_streams += source.stream.bytes();
                read_one(context, source, limits, pass.bytes).await
            }
            Err(error_code) => Err(*error_code),
        };
        match &answer {
            Ok(found) => pass.bytes += found.batches.iter().map(Bytes::len).sum::<usize>(),
            Err(_) => pass.failed = true,
        }
        pass.answers.push(answer);
    }
    pass
}

async fn read_one(
    context: &Context<'_>,
    source: &Source,
    limits: Limits,
    bytes_before: usize,
) -> Answer {
    let stream = &source.stream;
    if stream.is_removed() {
        return Err(ErrorCode::UnknownTopicOrPartition);
    }
    let bounds = stream.bounds();
    if source.offset < bounds.log_start || source.offset > bounds.high_watermark {
        return Err(ErrorCode::OffsetOutOfRange);
    }
    let mut found = Found {
        bounds,
        batches: Vec::new(),
    };
    let left = limits.bytes_max.saturating_sub(bytes_before);
    let bytes_max = source.bytes_max.min(left);
    let whole = !limits.first_batch_whole || bytes_before == 0;
    let full = left == 0 && bytes_before > 0;
    if source.offset == bounds.high_watermark || full || (bytes_max == 0 && !whole) {
        return Ok(found);
    }
    found.batches = context
        .broker
        .log
        .read(stream, source.offset, bytes_max)
        .await
        .map_err(|error| match error {
            ReadError::OutOfRange { .. } => ErrorCode::OffsetOutOfRange,
            ReadError::Io(error) => {
                tracing::error!(%error, stream = %stream.id(), "a partition cannot be read");
                ErrorCode::KafkaStorageError
            }
        })?;
    let first_len = found.batches.first().map_or(0, Bytes::len);
    if first_len > bytes_max && !whole {
        found.batches.clear();
    }
    Ok(found)
}

/// A bell at every partition. Dropping it takes the bell away, so that a client that has gone leaves nothing behind.
struct Waiting<'a> {
    streams: Vec<&'a Arc<Stream>>,
    bell: Arc<Notify>,
}

impl<'a> Waiting<'a> {
    fn new(sources: &'a [Result<Source, ErrorCode>]) -> Self {
        Self {
            streams: sources
                .iter()
                .flatten()
                .map(|source| &source.stream)
                .collect(),
            bell: Arc::new(Notify::new()),
        }
    }

    fn register(&self) {
        for stream in &self.streams {
            // A stream that has not rung still has the bell of the round before.
            stream.forget(&self.bell);
            stream.notify_next(&self.bell);
        }
    }

    fn bytes(&self) -> u64 {
        self.streams.iter().map(|stream| stream.bytes()).sum()
    }

    /// Whether a partition was removed or trimmed, which is worth an answer by itself.
    fn has_changed(&self, answers: &[Answer]) -> bool {
        let read = answers.iter().flatten();
        self.streams.iter().zip(read).any(|(stream, found)| {
            stream.is_removed() || stream.bounds().log_start != found.bounds.log_start
        })
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        for stream in &self.streams {
            stream.forget(&self.bell);
        }
    }
}
