//! The task that appends what waits, as a client of the node's own Kafka broker would.

use super::{Lines, Outlet};
use bytes::Bytes;
use kafka::{Broker, Endpoint, MakeError, Peer, Session};
use kafka_wire::compression::Compression;
use kafka_wire::messages::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use kafka_wire::records::{BatchBuilder, HeadersView};
use kafka_wire::{ErrorCode, decode_response, encode_request};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long a line waits at most before it is appended.
const INTERVAL: Duration = Duration::from_millis(100);
/// Batches end before this many bytes: half of Kafka's default of `message.max.bytes`.
const BATCH_BYTES: usize = 512 << 10;
/// The version of the Produce requests: the last one that names topics.
const PRODUCE_VERSION: i16 = 12;
/// How long the broker may take to make a batch durable, in milliseconds.
const DURABLE_MS_MAX: i32 = 30_000;
/// The length of a frame's length, which a session is not given.
const FRAME_PREFIX_LEN: usize = 4;

/// The running task. It keeps the log open until [`Self::finish`].
pub(crate) struct Carrier {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Carrier {
    /// Begins to append what waits in `outlet`.
    pub(crate) fn start(outlet: Arc<Outlet>, broker: Arc<Broker>) -> Self {
        let stop = CancellationToken::new();
        let mut way = Way::new(outlet, broker);
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            while !stopped.is_cancelled() {
                tokio::select! {
                    () = stopped.cancelled() => {}
                    () = tokio::time::sleep(INTERVAL) => {}
                    () = way.outlet.hurry.notified() => {}
                }
                way.append_all().await;
            }
        });
        Self { stop, task }
    }

    /// Appends what waits, and lets the log go.
    pub(crate) async fn finish(self) {
        self.stop.cancel();
        // A panic in it has been reported by the runtime, and there is nothing left to append with.
        let _ = self.task.await;
    }

    /// Lets the log go at once; what waits goes on waiting.
    pub(crate) async fn abort(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// A session of the broker, and the topics that are known to exist.
struct Way {
    outlet: Arc<Outlet>,
    broker: Arc<Broker>,
    session: Session,
    made: Vec<String>,
    correlation_id: i32,
}

impl Way {
    fn new(outlet: Arc<Outlet>, broker: Arc<Broker>) -> Self {
        let peer = Peer {
            address: "balancer".to_owned(),
            reached: Endpoint {
                host: "localhost".to_owned(),
                port: 0,
            },
        };
        Self {
            outlet,
            session: Session::new(broker.clone(), peer),
            broker,
            made: Vec::new(),
            correlation_id: 0,
        }
    }

    async fn append_all(&mut self) {
        for (topic, lines) in self.outlet.take() {
            if let Err(reason) = self.make(&topic).await {
                self.lost(&topic, lines.marks.len(), &reason);
                continue;
            }
            for (batch, count) in batches(&lines) {
                let records = u64::try_from(count).unwrap_or(u64::MAX);
                match self.produce(&topic, batch).await {
                    Ok(()) => {
                        let appended = &self.outlet.counters.appended;
                        appended.fetch_add(records, Ordering::Relaxed);
                    }
                    Err(reason) => {
                        // It may have been deleted, and shall be made again.
                        self.made.retain(|known| *known != topic);
                        self.lost(&topic, count, &reason);
                    }
                }
            }
        }
    }

    fn lost(&self, topic: &str, count: usize, reason: &str) {
        let records = u64::try_from(count).unwrap_or(u64::MAX);
        let failed = &self.outlet.counters.failed;
        failed.fetch_add(records, Ordering::Relaxed);
        tracing::warn!(
            topic,
            count,
            reason,
            "lines of the balancer could not be appended"
        );
    }

    /// Makes the topic unless it is there, whatever `auto.create.topics.enable` says: the configuration names it.
    async fn make(&mut self, topic: &str) -> Result<(), String> {
        if self.made.iter().any(|known| known == topic) {
            return Ok(());
        }
        // One partition, so that the lines stay in their order.
        let made = self.broker.make_topic(topic, 1, BTreeMap::new()).await;
        match made {
            Ok(_) | Err(MakeError::Change(cluster::ChangeError::Exists)) => {}
            Err(error) => return Err(error.to_string()),
        }
        self.made.push(topic.to_owned());
        Ok(())
    }

    async fn produce(&mut self, topic: &str, batch: Bytes) -> Result<(), String> {
        self.correlation_id = self.correlation_id.wrapping_add(1);
        let request = ProduceRequest {
            acks: -1,
            timeout_ms: DURABLE_MS_MAX,
            topic_data: vec![TopicProduceData {
                name: topic.into(),
                partition_data: vec![PartitionProduceData {
                    index: 0,
                    records: Some(batch),
                }],
                ..TopicProduceData::default()
            }],
            ..ProduceRequest::default()
        };
        let frame = encode_request(
            PRODUCE_VERSION,
            self.correlation_id,
            Some("mainstay"),
            &request,
        );
        let mut frame = frame.map_err(|error| error.to_string())?.into_bytes();
        let frame = frame.split_off(FRAME_PREFIX_LEN);
        let reply = self.session.handle(frame).await;
        let reply = reply.map_err(|close| close.to_string())?;
        let answer = reply.finish().await.map_err(|close| close.to_string())?;
        let mut answer = answer.ok_or("no answer")?.into_bytes();
        let answer = answer.split_off(FRAME_PREFIX_LEN);
        let decoded = decode_response::<ProduceRequest>(&answer, PRODUCE_VERSION);
        let (_, answer) = decoded.map_err(|error| error.to_string())?;
        let partitions = answer.responses.iter().flat_map(|t| &t.partition_responses);
        match partitions
            .map(|p| p.error_code)
            .find(|code| code.is_error())
        {
            None | Some(ErrorCode::None) => Ok(()),
            Some(code) => Err(code.to_string()),
        }
    }
}

/// The lines as record batches, each with its number of lines.
fn batches(lines: &Lines) -> Vec<(Bytes, usize)> {
    let mut batches = Vec::new();
    let mut builder = BatchBuilder::new(Compression::None);
    let mut count = 0;
    let finish = |builder: BatchBuilder, count: usize, batches: &mut Vec<_>| {
        // What has lines and is not compressed can be built.
        if let Ok(batch) = builder.build() {
            batches.push((batch, count));
        }
    };
    for (timestamp, line) in lines.iter() {
        if count > 0 && builder.uncompressed_len() + line.len() > BATCH_BYTES {
            let next = BatchBuilder::new(Compression::None);
            finish(std::mem::replace(&mut builder, next), count, &mut batches);
            count = 0;
        }
        if builder
            .push(timestamp, None, Some(line), HeadersView::default())
            .is_ok()
        {
            count += 1;
        }
    }
    finish(builder, count, &mut batches);
    batches
}
