//! Upstream groups: which server serves next, what counts as its failure, and what may be sent again.
//!
//! An [`Upstream`] is one group, shared by all workers. A request asks it to [`Upstream::pick`] a peer and gives the
//! [`Choice`] back with an [`Outcome`]. The algorithms choose as nginx 1.31 does, choice by choice; each is one file
//! under `pick`. Active health checks, name resolution and reloads feed the same group from outside.
//!
//! Nothing here knows a byte of HTTP, opens a socket, reads a clock or draws a random number; those are inputs.
//! In the steady state neither a pick nor a report allocates memory.

mod address;
mod change;
mod choice;
mod group;
mod health;
mod inherit;
mod peer;
mod pick;
mod resolve;
pub mod retry;
mod snapshot;
mod spec;
mod stats;
mod upstream;

pub use address::Address;
pub use change::{Change, Reason, State};
pub use choice::{Ask, Choice, NoLive, Outcome, PeerId, Tried, Verdict};
pub use health::{Check, HealthSpec};
pub use resolve::{ADDRESSES_MAX, Resolved, Srv};
pub use retry::Failure;
pub use snapshot::{HealthSnapshot, PeerSnapshot};
pub use spec::{KETAMA_WEIGHT_MAX, Method, ServerSpec, SpecError, UpstreamSpec, WEIGHT_MAX};
pub use stats::{Counts, FailureCounts, LATENCY_BOUNDS_MS};
pub use upstream::Upstream;
