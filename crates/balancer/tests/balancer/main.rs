//! The balancer's promises, as data: nginx's sequences, failures and recovery, membership, reloads, health, memory.
#![allow(
    clippy::unwrap_used,
    reason = "a test that meets a surprise should fail"
)]

mod algorithms;
mod failures;
mod health;
mod membership;
mod memory;
mod properties;
mod reload;
mod retry;
mod spec;
mod stand;
