//! The Kafka face: sessions, one module per API, and the group coordinator, without sockets, tasks or clocks.
//!
//! # For the driver
//!
//! [`Broker::open`] takes an opened log and catalog and returns the broker and the tasks that coordinate its groups, to
//! be run to their end; they end when the broker and all sessions are dropped. Each connection gets a
//! [`Session`]. The driver reads frames (a length of four bytes, big-endian, then as many; not above
//! [`Settings::socket_request_max_bytes`]) and runs two halves side by side:
//!
//! ```text
//! let (queue, mut replies) = mpsc::channel(PIPELINE_REQUESTS_MAX as usize);
//! let requests = async {
//!     while let Some(frame) = frames.next().await? {           // and watch for the end of the connection meanwhile
//!         queue.send(session.handle(frame).await?).await?;
//!     }
//! };
//! let responses = async {
//!     while let Some(reply) = replies.recv().await {
//!         if let Some(mut response) = reply.finish().await? {  // a `Buf`: write it vectored
//!             socket.write_all_buf(&mut response).await?;
//!         }
//!     }
//! };
//! ```
//! - [`Session::handle`] may take minutes (a long poll, a rebalance). When the client goes away the future is dropped,
//!   and cleans up after itself.
//! - Requests are handled one after the other, as Kafka does; only Produce requests overlap. Responses leave in the order of
//!   the requests. The second half has to run while the first one waits.
//! - [`Close`] is the reason why a connection ends. Log it with the peer's address, let the replies before it finish,
//!   then close.
//!
//! # What it promises
//!
//! An acknowledgement means that the records are durable. Records are not copied here, and never decompressed but for
//! clients older than magic 2 and for look-ups by time. No input panics; what a request can make the broker hold is bounded by
//! its frame and by named limits.

mod api;
mod broker;
mod broker_config;
mod config;
mod coordination;
mod counters;
mod fetch_sessions;
pub mod fuzz;
mod group_error;
pub mod groups;
mod operations;
mod partitions;
mod session;
mod settings;
mod topic_config;
pub mod topic_name;
mod topics;

pub use broker::{Broker, Ground, Opened};
pub use counters::{Counter, Counters};
pub use session::{
    CONTROL_REQUEST_BYTES_MAX, Close, PIPELINE_BYTES_MAX, PIPELINE_REQUESTS_MAX, Peer, Reply,
    Session,
};
pub use settings::{Endpoint, Settings, TimestampType};
pub use topics::{MakeError, WriteRules};
