//! Scenarios, the durable format, and random runs.

mod admin;
mod checker;
mod clients;
mod foreign;
mod formats;
mod joining;
mod limits;
mod offsets;
mod random;
mod rebalance;
mod requests;
mod restart;
mod static_members;
mod world;
