//! Deterministic simulation of the commit log and of the queues on it: the real code over a simulated disk, clock and
//! scheduler, with clients that check every promise.
//!
//! A run is a number of *lives*: a process opens the log, clients use it, and then it is killed,
//! loses its power, fails to sync or is closed, at a moment that the seed decides. The next life
//! opens what is left of the disk and compares it with all that any client was told or shown.
//! One seed replays a run exactly; [`Outcome::hash`] shows that it did.
//!
//! It does not simulate a network, more than one process at a time, or bit rot.

mod batch;
mod broker;
mod client;
mod clock;
mod executor;
mod life;
mod model;
mod plan;
mod pool;
mod rng;
mod run;
mod trace;
mod violation;

pub use model::Counts;
pub use run::{Half, Outcome, run};
pub use violation::Violation;
