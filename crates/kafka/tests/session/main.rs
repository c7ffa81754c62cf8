//! The Kafka face from frame to frame: every API over a simulated disk, in virtual time.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

mod abuse;
mod admin;
mod client;
mod consuming;
mod coordination;
mod fetch_sessions;
mod fixture;
mod offsets;
mod producing;
mod records;
mod settings;
mod versions;
mod world;
