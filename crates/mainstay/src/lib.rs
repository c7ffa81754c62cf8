//! The binary's parts: command line, configuration, and the commands that are clients of a running server.
//!
//! `main.rs` only parses, dispatches and turns outcomes into exit codes.

pub mod check;
pub mod cli;
pub mod client;
pub mod config;
pub mod console;
pub mod definitions;
pub mod demo;
pub mod failure;
pub mod group;
pub mod messages;
pub mod modules;
pub mod nginx;
mod offsets;
mod outcome;
pub mod permission;
pub mod queue;
pub mod serve;
pub mod table;
pub mod topic;
pub mod user;
pub mod vhost;
