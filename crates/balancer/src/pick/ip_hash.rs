//! `ip_hash`: by the client's network (IPv4: the first three bytes) or address (IPv6).

use std::net::IpAddr;

use base::Monotonic;

use super::{MISSES_MAX, round_robin};
use crate::choice::{Ask, Tried};
use crate::group::Peers;

/// What the hash begins with, is multiplied with, and is kept below: nginx's numbers.
const SEED: u32 = 89;
const FACTOR: u32 = 113;
const MODULUS: u32 = 6271;

pub(super) fn pick(
    peers: &mut Peers,
    ask: &Ask<'_>,
    tried: &mut Tried,
    now: Monotonic,
) -> Option<usize> {
    if peers.list.len() < 2 {
        return round_robin::pick(peers, tried, now);
    }
    let mut hash = tried.hash.unwrap_or(SEED);
    while tried.misses <= MISSES_MAX {
        hash = match ask.client {
            Some(IpAddr::V4(address)) => extend(hash, &address.octets()[..3]),
            Some(IpAddr::V6(address)) => extend(hash, &address.octets()),
            None => extend(hash, &[0; 3]),
        };
        let slot = peers.at_weight(u64::from(hash) % peers.total_weight);
        if peers.list[slot].usable(tried, now) {
            tried.hash = Some(hash);
            return Some(slot);
        }
        tried.misses += 1;
    }
    round_robin::pick(peers, tried, now)
}

fn extend(hash: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(hash, |hash, byte| {
        (hash * FACTOR + u32::from(*byte)) % MODULUS
    })
}
