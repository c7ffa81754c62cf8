//! What may be read of a running proxy at any time, by whoever shows its metrics.
//!
//! Reading takes the short lock of a group once, as a request does, and holds up nobody else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use balancer::PeerSnapshot;

use crate::shared::Counters;
use crate::upstream::{Group, Groups};
use crate::{http, stream};

/// A group of servers at one moment.
#[derive(Debug, Clone)]
pub struct UpstreamSnapshot {
    /// `http` or `stream`.
    pub face: &'static str,
    /// The name of its `upstream` block, or the host and port of a `proxy_pass`.
    pub name: String,
    /// Its servers, the backups last.
    pub peers: Vec<PeerSnapshot>,
}

/// A handle that outlives reloads.
#[derive(Debug, Default)]
pub struct Figures {
    counters: Arc<Counters>,
    in_force: Mutex<InForce>,
}

#[derive(Debug, Default)]
struct InForce {
    http: Arc<http::Config>,
    stream: Arc<stream::Config>,
}

impl Figures {
    pub(crate) fn new(counters: Arc<Counters>) -> Self {
        Self {
            counters,
            in_force: Mutex::default(),
        }
    }

    /// Shows the groups of these configurations from now on.
    pub(crate) fn show(&self, http: &Arc<http::Config>, stream: &Arc<stream::Config>) {
        let mut in_force = self.in_force.lock().unwrap_or_else(PoisonError::into_inner);
        in_force.http = http.clone();
        in_force.stream = stream.clone();
    }

    /// What is counted.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Every group of the configuration in force, in its order.
    #[must_use]
    pub fn upstreams(&self) -> Vec<UpstreamSnapshot> {
        let (http, stream) = {
            let in_force = self.in_force.lock().unwrap_or_else(PoisonError::into_inner);
            (in_force.http.clone(), in_force.stream.clone())
        };
        let mut upstreams = Vec::new();
        read("http", &http.groups, &mut upstreams);
        read("stream", &stream.groups, &mut upstreams);
        upstreams
    }
}

fn read<V>(face: &'static str, groups: &Groups<V>, upstreams: &mut Vec<UpstreamSnapshot>) {
    // Groups of one name differ by their ports, except where two places pass to the same one.
    let mut known = HashMap::<String, usize>::new();
    for group in groups.iter() {
        let name = name(group);
        let times = known.entry(name.clone()).or_default();
        *times += 1;
        upstreams.push(UpstreamSnapshot {
            face,
            name: match *times {
                1 => name,
                times => format!("{name}#{times}"),
            },
            peers: group.upstream.snapshot(),
        });
    }
}

fn name<V>(group: &Group<V>) -> String {
    let name = group.upstream.name();
    match group.port {
        None => name.to_string(),
        Some(0) => format!("unix:{name}"),
        Some(port) => format!("{name}:{port}"),
    }
}
