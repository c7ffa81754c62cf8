//! What the balancer writes to the log that it stands beside.

/// The way into the log, given by whoever runs the balancer. It never blocks and never fails: what finds no room is dropped
/// and counted there. Called on workers and on the keeper.
pub trait Outlet: Send + Sync {
    /// Something happened to an upstream server: one JSON object, for the topic `mainstay.events`.
    fn event(&self, json: String);

    /// One line of an access log, without the line end, for a topic.
    fn append(&self, topic: &str, line: &[u8]);
}

/// An outlet that drops everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nowhere;

impl Outlet for Nowhere {
    fn event(&self, _json: String) {}

    fn append(&self, _topic: &str, _line: &[u8]) {}
}
