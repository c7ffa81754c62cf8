//! `random`: a weighted draw; with `two`, of two draws the one with fewer connections for its weight.

use base::Monotonic;

use super::{MISSES_MAX, round_robin};
use crate::choice::{Ask, Tried};
use crate::group::Peers;

pub(super) fn pick(
    peers: &mut Peers,
    two: bool,
    ask: &Ask<'_>,
    tried: &mut Tried,
    now: Monotonic,
) -> Option<usize> {
    if peers.list.len() < 2 {
        return round_robin::pick(peers, tried, now);
    }
    let mut draws = Draws(ask.random);
    let mut first: Option<usize> = None;
    while tried.misses <= MISSES_MAX {
        let slot = peers.at_weight(draws.next() % peers.total_weight);
        if first == Some(slot) || !peers.list[slot].usable(tried, now) {
            tried.misses += 1;
            continue;
        }
        match first {
            None if two => first = Some(slot),
            None => return Some(slot),
            Some(first) => return Some(less_loaded(peers, first, slot)),
        }
    }
    round_robin::pick(peers, tried, now)
}

/// Of two peers the one with fewer connections for its weight; of equals, the one that was drawn last.
fn less_loaded(peers: &Peers, first: usize, last: usize) -> usize {
    let load = |slot: usize, by: usize| {
        u64::from(peers.list[slot].conns()) * u64::from(peers.list[by].weight)
    };
    if load(last, first) > load(first, last) {
        first
    } else {
        last
    }
}

/// SplitMix64: the draws of one pick, from one random number of the driver's.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
