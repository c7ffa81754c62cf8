//! The scenario's messages and the order that ends a member.

use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const PARTITIONS: i32 = 4;

/// Everything about a message follows from its index and codec.
pub struct Message {
    pub index: i32,
    pub partition: i32,
    pub key: String,
    pub value: String,
    pub headers: [(&'static str, String); 2],
}

impl Message {
    pub fn new(index: i32, codec: &str) -> Message {
        let partition = index % PARTITIONS;
        let padding = "x".repeat(usize::try_from(index % 7 * 50).unwrap_or(0));
        Message {
            index,
            partition,
            key: format!("key-{index}"),
            value: format!("value-{index}-{codec}-{padding}"),
            headers: [("codec", codec.to_owned()), ("partition", partition.to_string())],
        }
    }
}

/// Becomes true when the harness writes to standard input or closes it.
pub fn commit_order() -> Arc<AtomicBool> {
    let order = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&order);
    std::thread::spawn(move || {
        // An error means that nobody can give orders any more, which ends the member too.
        let _ = std::io::stdin().read(&mut [0; 16]);
        told.store(true, Ordering::Relaxed);
    });
    order
}
