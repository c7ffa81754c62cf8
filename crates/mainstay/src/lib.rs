//! The binary's parts: command line, configuration, and the commands that are clients of a running server.
//!
//! `main.rs` only parses, dispatches and turns outcomes into exit codes.

pub mod check;
pub mod cli;
pub mod client;
pub mod config;
pub mod failure;
pub mod group;
mod offsets;
pub mod serve;
pub mod table;
pub mod topic;
