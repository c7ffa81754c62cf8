//! Sends a range of messages and reports each one that is acknowledged.

use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::message::{Header, Message as _, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer};
use serde_json::json;

use crate::scenario::Message;

#[derive(Default)]
struct Report {
    failures: AtomicUsize,
}

impl ClientContext for Report {}

impl ProducerContext for Report {
    /// The message's index.
    type DeliveryOpaque = Box<i32>;

    fn delivery(&self, result: &DeliveryResult<'_>, index: Box<i32>) {
        match result {
            Ok(message) => println!(
                "{}",
                json!({ "event": "acked", "index": *index, "partition": message.partition(), "offset": message.offset() })
            ),
            Err((error, _)) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                eprintln!("message {index}: {error}");
            }
        }
    }
}

pub fn run(bootstrap: &str, topic: &str, codec: &str, first: i32, count: i32) -> Result<(), Box<dyn Error>> {
    let producer: ThreadedProducer<Report> = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("acks", "all")
        .set("compression.type", codec)
        .set("linger.ms", "20")
        .create_with_context(Report::default())?;
    for index in first..first + count {
        let message = Message::new(index, codec);
        let mut headers = OwnedHeaders::new();
        for (key, value) in &message.headers {
            headers = headers.insert(Header { key, value: Some(value) });
        }
        let record = BaseRecord::with_opaque_to(topic, Box::new(message.index))
            .partition(message.partition)
            .key(&message.key)
            .payload(&message.value)
            .headers(headers);
        producer.send(record).map_err(|(error, _)| error)?;
    }
    producer.flush(Duration::from_secs(30))?;
    match producer.context().failures.load(Ordering::Relaxed) {
        0 => Ok(()),
        failures => Err(format!("{failures} messages were not delivered").into()),
    }
}
