//! Metrics of each group of servers and each server of it.
//!
//! The labels are `face` (`http`, `stream`), `upstream`, `server` (as the configuration names it) and `address`.

use console::{Exposition, Kind};
use proxy::{Counts, LATENCY_BOUNDS_MS, PeerSnapshot, State, UpstreamSnapshot};
use std::collections::HashMap;

/// A server with the labels of its samples.
struct Labelled<'a> {
    peer: &'a PeerSnapshot,
    face: &'static str,
    upstream: &'a str,
    address: String,
}

impl<'a> Labelled<'a> {
    fn labels<'b>(&'b self, more: &[(&'b str, &'b str)]) -> Vec<(&'b str, &'b str)>
    where
        'a: 'b,
    {
        let own = [
            ("face", self.face),
            ("upstream", self.upstream),
            ("server", &*self.peer.server),
            ("address", &self.address),
        ];
        own.into_iter().chain(more.iter().copied()).collect()
    }
}

/// Writes those of all groups.
pub(super) fn write(upstreams: &[UpstreamSnapshot], out: &mut Exposition) {
    let servers = label(upstreams);
    if servers.is_empty() {
        return;
    }
    counters(&servers, out);
    classes(&servers, out);
    gauges(&servers, out);
    latencies(&servers, out);
    checks(&servers, out);
}

fn label(upstreams: &[UpstreamSnapshot]) -> Vec<Labelled<'_>> {
    let mut servers = Vec::new();
    for upstream in upstreams {
        let mut known = HashMap::<(&str, String), usize>::new();
        for peer in &upstream.peers {
            let address = peer.address.to_string();
            // A server that is listed twice is two of them, with figures of their own.
            let times = known.entry((&peer.server, address.clone())).or_default();
            *times += 1;
            servers.push(Labelled {
                peer,
                face: upstream.face,
                upstream: &upstream.name,
                address: match *times {
                    1 => address,
                    times => format!("{address}#{times}"),
                },
            });
        }
    }
    servers
}

type Read = fn(&Counts) -> u64;

fn counters(servers: &[Labelled<'_>], out: &mut Exposition) {
    let counters: [(&str, &str, Read); 5] = [
        (
            "mainstay_upstream_requests",
            "How often a server was chosen.",
            |counts| counts.requests,
        ),
        (
            "mainstay_upstream_retries",
            "How often a server was chosen for a request that another one had failed.",
            |counts| counts.retries,
        ),
        (
            "mainstay_upstream_unavailable",
            "How often a server was taken out because it had failed max_fails times.",
            |counts| counts.unavailable,
        ),
        (
            "mainstay_upstream_sent_bytes",
            "Bytes sent to a server.",
            |counts| counts.sent,
        ),
        (
            "mainstay_upstream_received_bytes",
            "Bytes received from a server.",
            |counts| counts.received,
        ),
    ];
    for (name, help, read) in counters {
        let mut family = out.family(name, Kind::Counter, help);
        for server in servers {
            family = family.sample(&server.labels(&[]), read(&server.peer.counts));
        }
    }
}

fn classes(servers: &[Labelled<'_>], out: &mut Exposition) {
    let help = "Answers of a server, by the class of their status.";
    let mut family = out.family("mainstay_upstream_responses", Kind::Counter, help);
    for server in servers {
        let counts = &server.peer.counts.responses;
        for (class, count) in ["1xx", "2xx", "3xx", "4xx", "5xx"].into_iter().zip(counts) {
            family = family.sample(&server.labels(&[("code", class)]), count);
        }
    }
    let help = "Attempts that a server failed, by what failed; a connection that was kept and turned out to be closed is `stale`.";
    let mut family = out.family("mainstay_upstream_failures", Kind::Counter, help);
    for server in servers {
        let counts = &server.peer.counts.failures;
        for (kind, count) in [
            ("connect", counts.connect),
            ("error", counts.error),
            ("timeout", counts.timeout),
            ("invalid_header", counts.invalid_header),
            ("status", counts.status),
            ("stale", counts.stale),
        ] {
            family = family.sample(&server.labels(&[("kind", kind)]), count);
        }
    }
}

fn gauges(servers: &[Labelled<'_>], out: &mut Exposition) {
    let states = [
        State::Up,
        State::Down,
        State::Draining,
        State::Unavailable,
        State::Checking,
        State::Unhealthy,
    ];
    let help = "1 for the state that a server is in, 0 for the others.";
    let mut family = out.family("mainstay_upstream_state", Kind::Gauge, help);
    for server in servers {
        for state in states {
            let labels = server.labels(&[("state", state.word())]);
            family = family.sample(&labels, u8::from(server.peer.state == state));
        }
    }
    let help = "Requests and sessions that a server has now.";
    let mut family = out.family("mainstay_upstream_connections", Kind::Gauge, help);
    for server in servers {
        family = family.sample(&server.labels(&[]), server.peer.conns);
    }
}

fn latencies(servers: &[Labelled<'_>], out: &mut Exposition) {
    let name = "mainstay_upstream_latency_seconds";
    let help = "How long a server took for what it served, from its choice to the end.";
    let mut family = out.family(name, Kind::Histogram, help);
    for server in servers {
        let counts = &server.peer.counts;
        family = family.histogram(
            &server.labels(&[]),
            LATENCY_BOUNDS_MS
                .into_iter()
                .map(seconds)
                .zip(counts.latency),
            counts.latency[LATENCY_BOUNDS_MS.len()],
            seconds(counts.latency_sum_ms),
        );
    }
}

fn checks(servers: &[Labelled<'_>], out: &mut Exposition) {
    let checked = || servers.iter().filter_map(|s| Some((s, s.peer.health?)));
    if checked().next().is_none() {
        return;
    }
    let name = "mainstay_upstream_checks";
    let mut family = out.family(name, Kind::Counter, "Health checks of a server.");
    for (server, health) in checked() {
        family = family.sample(&server.labels(&[]), health.checks);
    }
    let name = "mainstay_upstream_checks_failed";
    let help = "Health checks that a server failed.";
    let mut family = out.family(name, Kind::Counter, help);
    for (server, health) in checked() {
        family = family.sample(&server.labels(&[]), health.failures);
    }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "milliseconds beyond 2^53 are 285,000 years"
)]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}
