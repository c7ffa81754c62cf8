//! The algorithms, one file each, behind one shape: peers and a request in, the position of the chosen peer out.

mod hash;
mod ip_hash;
pub(crate) mod ketama;
mod least_conn;
mod random;
mod round_robin;

use base::Monotonic;

use crate::choice::{Ask, Tried};
use crate::group::Group;
use crate::spec::Method;

/// After so many useless hashes or draws a group is used round robin. nginx's number.
const MISSES_MAX: u32 = 20;

/// Where the chosen peer is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) backup: bool,
    pub(crate) slot: usize,
}

/// Chooses a peer, of the `backup` ones if no primary one can be used; from then on the request stays with those.
pub(crate) fn pick(
    group: &mut Group,
    ask: &Ask<'_>,
    tried: &mut Tried,
    now: Monotonic,
) -> Option<Place> {
    if tried.generation != group.generation {
        tried.forget_path();
        tried.generation = group.generation;
    }
    if !tried.on_backup {
        let slot = match group.spec.method {
            Method::RoundRobin => round_robin::pick(&mut group.primary, tried, now),
            Method::LeastConn => least_conn::pick(&mut group.primary, tried, now),
            Method::IpHash => ip_hash::pick(&mut group.primary, ask, tried, now),
            Method::Hash { consistent: false } => hash::pick(&mut group.primary, ask, tried, now),
            Method::Hash { consistent: true } => {
                ketama::pick(&mut group.primary, &group.ring, ask, tried, now)
            }
            Method::Random { two } => random::pick(&mut group.primary, two, ask, tried, now),
        };
        if let Some(slot) = slot {
            let backup = false;
            return Some(Place { backup, slot });
        }
        if group.backup.list.is_empty() {
            return None;
        }
        tried.on_backup = true;
    }
    let slot = match group.spec.method {
        Method::LeastConn => least_conn::pick(&mut group.backup, tried, now),
        _ => round_robin::pick(&mut group.backup, tried, now),
    };
    let backup = true;
    slot.map(|slot| Place { backup, slot })
}
