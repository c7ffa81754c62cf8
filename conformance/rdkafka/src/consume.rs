//! One member of a group, until it is told to commit.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use serde_json::json;

use crate::scenario;

struct Report;

impl ClientContext for Report {}

impl ConsumerContext for Report {
    fn post_rebalance(&self, _consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(partitions) = rebalance {
            let mut numbers: Vec<i32> = partitions.elements().iter().map(|element| element.partition()).collect();
            numbers.sort_unstable();
            println!("{}", json!({ "event": "assigned", "partitions": numbers }));
        }
    }
}

pub fn run(bootstrap: &str, topic: &str, group: &str) -> Result<(), Box<dyn Error>> {
    let consumer: BaseConsumer<Report> = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", group)
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .set("session.timeout.ms", "6000")
        .set("heartbeat.interval.ms", "1000")
        .create_with_context(Report)?;
    consumer.subscribe(&[topic])?;
    let order = scenario::commit_order();
    while !order.load(Ordering::Relaxed) {
        // The library repairs lost connections itself; the harness sees whether records arrive.
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(200)) {
            report(&message);
        }
    }
    consumer.commit_consumer_state(CommitMode::Sync)?;
    let committed = consumer.committed(Duration::from_secs(10))?;
    let offsets: Vec<(i32, i64)> = committed
        .elements()
        .iter()
        .filter_map(|element| Some((element.partition(), element.offset().to_raw()?)))
        .collect();
    println!("{}", json!({ "event": "committed", "offsets": offsets }));
    Ok(())
}

fn report(message: &BorrowedMessage<'_>) {
    let text = |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
    let mut headers = BTreeMap::new();
    for header in message.headers().into_iter().flat_map(|headers| headers.iter()) {
        headers.insert(header.key.to_owned(), text(header.value));
    }
    println!(
        "{}",
        json!({
            "event": "record",
            "partition": message.partition(),
            "offset": message.offset(),
            "key": text(message.key()),
            "value": text(message.payload()),
            "headers": headers,
        })
    );
}
