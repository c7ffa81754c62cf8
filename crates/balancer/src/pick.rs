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

/// Chooses a peer, of the `backup` ones if no primary one can be used; from then on the request stays with those, until
/// they are used up, too.
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
        let place = primary(group, ask, tried, now);
        if place.is_some() || group.backup.list.is_empty() {
            return place;
        }
        tried.on_backup = true;
        return backup(group, tried, now);
    }
    // A primary peer may have come back, or may have room again, since the request left them: nginx would not look.
    backup(group, tried, now).or_else(|| primary(group, ask, tried, now))
}

fn primary(group: &mut Group, ask: &Ask<'_>, tried: &mut Tried, now: Monotonic) -> Option<Place> {
    let peers = &mut group.primary;
    let slot = match group.spec.method {
        Method::RoundRobin => round_robin::pick(peers, tried, now),
        Method::LeastConn => least_conn::pick(peers, tried, now),
        Method::IpHash => ip_hash::pick(peers, ask, tried, now),
        Method::Hash { consistent: false } => hash::pick(peers, ask, tried, now),
        Method::Hash { consistent: true } => ketama::pick(peers, &group.ring, ask, tried, now),
        Method::Random { two } => random::pick(peers, two, ask, tried, now),
    }?;
    let backup = false;
    Some(Place { backup, slot })
}

fn backup(group: &mut Group, tried: &Tried, now: Monotonic) -> Option<Place> {
    let peers = &mut group.backup;
    let slot = match group.spec.method {
        Method::LeastConn => least_conn::pick(peers, tried, now),
        _ => round_robin::pick(peers, tried, now),
    }?;
    let backup = true;
    Some(Place { backup, slot })
}
