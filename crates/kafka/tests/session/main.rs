//! The Kafka face from frame to frame: every API over a simulated disk, in virtual time.

mod abuse;
mod admin;
mod client;
mod consuming;
mod coordination;
mod fixture;
mod producing;
mod records;
mod versions;
mod world;
