//! `hash KEY consistent`: a ketama ring over the servers' names as configured.
//!
//! A server has 160 points for each unit of weight, each the CRC-32 of host, NUL, port and the point before it. The
//! peers of one name (a name with several addresses) share its points and take turns.

use std::sync::Arc;

use base::Monotonic;

use super::{MISSES_MAX, round_robin};
use crate::choice::{Ask, Tried};
use crate::group::Peers;
use crate::spec::KETAMA_WEIGHT_MAX;

/// Points for each unit of weight: what ketama's other implementations have.
const POINTS: u64 = 160;

/// The weight in all that a ring gets whose peers' weights are beyond [`KETAMA_WEIGHT_MAX`]. The configuration may not
/// have such weights, but SRV records may; a ring is made while the group is locked, and has to be made quickly.
const SCALED_WEIGHT: u64 = 1000;

#[derive(Debug, Clone, Copy)]
struct Point {
    hash: u32,
    /// [`crate::peer::Peer::mark`].
    mark: u32,
}

/// The ring, sorted by hash.
#[derive(Debug, Default)]
pub(crate) struct Ring {
    points: Vec<Point>,
}

impl Ring {
    /// Makes the ring of these peers and numbers their names.
    pub(crate) fn new(peers: &mut Peers) -> Self {
        let mut names: Vec<Arc<str>> = Vec::new();
        let mut points = Vec::new();
        for peer in &mut peers.list {
            let mark = names.iter().position(|name| *name == peer.server);
            let mark = mark.unwrap_or_else(|| {
                names.push(Arc::clone(&peer.server));
                names.len() - 1
            });
            peer.mark = u32::try_from(mark).unwrap_or(u32::MAX);
            let weight = u64::from(peer.weight);
            let number = if peers.total_weight > KETAMA_WEIGHT_MAX {
                (weight * SCALED_WEIGHT * POINTS / peers.total_weight).max(1)
            } else {
                weight * POINTS
            };
            place(&peer.server, peer.mark, number, &mut points);
        }
        points.sort_by_key(|point: &Point| point.hash);
        points.dedup_by_key(|point| point.hash);
        Self { points }
    }

    /// The first point at or above the key's hash; past the last one the ring begins again.
    fn find(&self, key: &[u8]) -> u32 {
        let hash = crc32fast::hash(key);
        let at = self.points.partition_point(|point| point.hash < hash);
        u32::try_from(at).unwrap_or(0)
    }
}

fn place(server: &str, mark: u32, number: u64, points: &mut Vec<Point>) {
    let (host, port) = split(server);
    let mut base = crc32fast::Hasher::new();
    base.update(host);
    base.update(&[0]);
    base.update(port);
    let mut hash: u32 = 0;
    for _ in 0..number {
        let mut crc = base.clone();
        crc.update(&hash.to_le_bytes());
        hash = crc.finalize();
        points.push(Point { hash, mark });
    }
}

/// Host and port as the ring sees them; a path has no port, and neither has a name that is written without one.
fn split(server: &str) -> (&[u8], &[u8]) {
    let bytes = server.as_bytes();
    if bytes.len() >= 5 && bytes[..5].eq_ignore_ascii_case(b"unix:") {
        return (&bytes[5..], b"");
    }
    let digits = bytes.iter().rev().take_while(|byte| byte.is_ascii_digit());
    let port_at = bytes.len() - digits.count();
    match port_at.checked_sub(1) {
        Some(colon) if bytes[colon] == b':' => (&bytes[..colon], &bytes[port_at..]),
        _ => (bytes, b""),
    }
}

pub(super) fn pick(
    peers: &mut Peers,
    ring: &Ring,
    ask: &Ask<'_>,
    tried: &mut Tried,
    now: Monotonic,
) -> Option<usize> {
    if peers.single || ask.key.is_empty() || ring.points.is_empty() {
        return round_robin::pick(peers, tried, now);
    }
    let mut at = tried.hash.unwrap_or_else(|| ring.find(ask.key));
    while tried.misses <= MISSES_MAX {
        let mark = ring.points[at as usize % ring.points.len()].mark;
        let turn = round_robin::turn(&mut peers.list, now, |peer| {
            peer.mark == mark && peer.usable(tried, now)
        });
        if turn.is_some() {
            tried.hash = Some(at);
            return turn;
        }
        at += 1;
        tried.misses += 1;
    }
    tried.hash = Some(at);
    round_robin::pick(peers, tried, now)
}
