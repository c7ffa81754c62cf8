//! The threads of the data path: workers, which serve connections, and the keeper, which does what is nobody's in particular.
//!
//! A worker runs a single-threaded event loop with a [`Service`] in it: one value per worker that is made from the
//! configuration, serves each accepted connection in a task of its own, and is told of a new configuration. [`Workers`] is the
//! other side: it starts the threads, hands them configurations and listening sockets, ends them, and hears of a thread that
//! ended by itself. The HTTP and stream faces implement `Service` together; nothing here knows a protocol.
//!
//! **Reload.** `Workers::configure` gives every worker the new configuration and sockets and returns when all have them: from
//! then on no connection is accepted under the old ones. Connections go on; each takes the configuration from its service when
//! it wants a newer one, and says so ([`Lease::renew`]); with a time given, those that have not by then are ended.
//!
//! **Quit.** A worker that quits closes its listeners, serves the connections that waited on them, wakes the idle ones
//! ([`Alarm::guard_idle`](crate::net::Alarm::guard_idle)), and ends when the last connection has. **Stop** ends it at once.
//!
//! A panic in a connection's task ends that connection only and is reported as [`Trouble::Panic`].

mod connection;
mod keeper;
mod lease;
mod seat;
mod service;
mod thread;
mod workers;

pub(crate) use keeper::{Job, Keeper};
pub(crate) use lease::Lease;
pub(crate) use service::{Accepted, Seat, Service, Trouble};
pub(crate) use thread::Ended;
pub(crate) use workers::Workers;
