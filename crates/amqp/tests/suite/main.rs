//! Queues and sessions over a real log on a simulated disk.

mod client;
mod queues;
mod world;
