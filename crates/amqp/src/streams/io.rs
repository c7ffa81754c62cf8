//! What stream queues ask of the log, as futures that own what they need.

use super::chunk::{CHUNK_BYTES, LIMITS};
use base::{Clock, Offset};
use bytes::Bytes;
use commitlog::{Bounds, Log, ReadError, Stream};
use kafka_wire::record_batch::BatchHeader;
use kafka_wire::records::first_at_or_after;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// How long a read that the disk did not answer waits for the next try.
const RETRY: Duration = Duration::from_secs(1);

/// What was read.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// The end of the stream as the read began.
    pub(crate) end: Offset,
    /// The batches; `None` where the offset is not there any more.
    pub(crate) batches: Option<Vec<Bytes>>,
}

/// Where streams are read.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) log: Arc<Log>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Source {
    /// Batches from an offset on, however often that has to be tried.
    pub(crate) async fn read(self, stream: Arc<Stream>, from: Offset) -> Loaded {
        loop {
            let end = stream.bounds().high_watermark;
            match self.log.read(&stream, from, CHUNK_BYTES).await {
                Ok(batches) => {
                    let batches = Some(batches);
                    return Loaded { end, batches };
                }
                Err(ReadError::Io(error)) if !stream.is_removed() => {
                    self.failed(&stream, &error).await;
                }
                Err(_) => return Loaded { end, batches: None },
            }
        }
    }

    /// The first record of a time, milliseconds since 1970, or later.
    pub(crate) async fn seek(self, stream: Arc<Stream>, timestamp: i64) -> Option<Offset> {
        let mut from = stream.bounds().log_start;
        loop {
            let found = self.log.batch_at_timestamp(&stream, timestamp, from).await;
            let batch = match found {
                Ok(batch) => batch?,
                Err(ReadError::Io(error)) if !stream.is_removed() => {
                    self.failed(&stream, &error).await;
                    continue;
                }
                Err(_) => return None,
            };
            let header = BatchHeader::parse(&batch).ok()?;
            match first_at_or_after(&batch, timestamp, from, LIMITS) {
                Ok(Some(record)) => return Some(record.offset),
                // Its header says that there is such a record, but not behind the log start.
                Ok(None) => from = header.last_offset().saturating_add(1),
                // Whoever reads from there on passes over it, and says so.
                Err(_) => return Some(header.base_offset),
            }
        }
    }

    async fn failed(&self, stream: &Stream, error: &io::Error) {
        tracing::warn!(%error, stream = %stream.id(), "a stream cannot be read and is tried again");
        self.clock.sleep_until(self.clock.now() + RETRY).await;
    }
}

/// Completes when a stream is not as it was `seen` any more.
pub(crate) async fn changed(stream: Arc<Stream>, seen: Bounds) {
    let bell = Bell {
        stream,
        notify: Arc::new(Notify::new()),
    };
    loop {
        // Registered first and looked at afterwards, so that nothing that comes between is missed. A stream
        // rings once.
        bell.stream.notify_next(&bell.notify);
        if bell.stream.bounds() != seen || bell.stream.is_removed() {
            return;
        }
        bell.notify.notified().await;
    }
}

/// A bell at a stream, taken away when nobody waits for it any more.
struct Bell {
    stream: Arc<Stream>,
    notify: Arc<Notify>,
}

impl Drop for Bell {
    fn drop(&mut self) {
        self.stream.forget(&self.notify);
    }
}
