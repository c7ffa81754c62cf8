//! The fewest connections for its weight; among equals, smooth round robin.

use base::Monotonic;

use super::round_robin;
use crate::choice::Tried;
use crate::group::Peers;

pub(super) fn pick(peers: &mut Peers, tried: &Tried, now: Monotonic) -> Option<usize> {
    if peers.single {
        return round_robin::pick(peers, tried, now);
    }
    let mut best: Option<(usize, u64, u64)> = None;
    let mut equals = false;
    for (slot, peer) in peers.list.iter().enumerate() {
        if !peer.usable(tried, now) {
            continue;
        }
        let (conns, weight) = (u64::from(peer.conns()), peer.ramped(peer.weight, now));
        match best {
            Some((_, least, of)) if conns * of > least * weight => {}
            Some((_, least, of)) if conns * of == least * weight => equals = true,
            _ => {
                best = Some((slot, conns, weight));
                equals = false;
            }
        }
    }
    let (first, least, of) = best?;
    if !equals {
        return Some(first);
    }
    // Connections change under our feet, because they end without the lock: the equals may be fewer now, but `first`
    // itself is one in any case where nothing is left.
    let turn = round_robin::turn(&mut peers.list[first..], now, |peer| {
        let (conns, weight) = (u64::from(peer.conns()), peer.ramped(peer.weight, now));
        conns * of == least * weight && peer.usable(tried, now)
    });
    Some(first + turn.unwrap_or(0))
}
