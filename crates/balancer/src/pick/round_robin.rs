//! Smooth weighted round robin: every peer saves up its weight, the richest is taken and pays for all.

use base::Monotonic;

use crate::choice::Tried;
use crate::group::Peers;
use crate::peer::Peer;

pub(super) fn pick(peers: &mut Peers, tried: &Tried, now: Monotonic) -> Option<usize> {
    if peers.single {
        return peers.list.first().filter(|peer| peer.open()).map(|_| 0);
    }
    turn(&mut peers.list, now, |peer| peer.usable(tried, now))
}

/// One turn among the peers that may take part.
pub(super) fn turn(
    list: &mut [Peer],
    now: Monotonic,
    takes_part: impl Fn(&Peer) -> bool,
) -> Option<usize> {
    let mut total = 0;
    let mut best: Option<(usize, i64)> = None;
    for (slot, peer) in list.iter_mut().enumerate() {
        if !takes_part(peer) {
            continue;
        }
        total += peer.save_up(now);
        if best.is_none_or(|(_, richest)| peer.current > richest) {
            best = Some((slot, peer.current));
        }
    }
    let (slot, _) = best?;
    list[slot].current -= total;
    Some(slot)
}
