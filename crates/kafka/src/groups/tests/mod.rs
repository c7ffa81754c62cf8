//! Scenarios, the durable format, and random runs.

mod admin;
mod checker;
mod foreign;
mod formats;
mod limits;
mod offsets;
mod random;
mod rebalance;
mod restart;
mod static_members;
mod world;
