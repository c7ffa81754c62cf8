//! The balancer's promises, as data: nginx's sequences, failures and recovery, membership, reloads, health, memory.

mod algorithms;
mod failures;
mod retry;
mod stand;
