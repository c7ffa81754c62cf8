//! `hash KEY`: by CRC-32 of the key, hashed again with a counter before it while the peer cannot be used.

use base::Monotonic;

use super::{MISSES_MAX, round_robin};
use crate::choice::{Ask, Tried};
use crate::group::Peers;

pub(super) fn pick(
    peers: &mut Peers,
    ask: &Ask<'_>,
    tried: &mut Tried,
    now: Monotonic,
) -> Option<usize> {
    if peers.list.len() < 2 || ask.key.is_empty() {
        return round_robin::pick(peers, tried, now);
    }
    while tried.misses <= MISSES_MAX {
        let sum = tried
            .hash
            .unwrap_or(0)
            .wrapping_add(hash(ask.key, tried.rehash));
        tried.hash = Some(sum);
        tried.rehash += 1;
        let slot = peers.at_weight(u64::from(sum) % peers.total_weight);
        if peers.list[slot].usable(tried, now) {
            return Some(slot);
        }
        tried.misses += 1;
    }
    round_robin::pick(peers, tried, now)
}

/// 15 bits of the CRC-32 of the key, with the number of the repetition before it as decimal digits.
fn hash(key: &[u8], repetition: u32) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    if repetition > 0 {
        let mut digits = [0; 10];
        let mut at = digits.len();
        let mut rest = repetition;
        while rest > 0 {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        crc.update(&digits[at..]);
    }
    crc.update(key);
    (crc.finalize() >> 16) & 0x7fff
}
