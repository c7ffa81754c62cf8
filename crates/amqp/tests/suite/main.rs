//! Queues and sessions over a real log on a simulated disk.
#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

mod client;
mod pitfalls;
mod queues;
mod rabbit;
mod routing;
mod sessions;
mod streams;
mod topics;
mod world;
