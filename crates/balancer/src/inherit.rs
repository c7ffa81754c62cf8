//! A reload: a new group takes over what the older one of its name knows.
//!
//! Peers are the same where server and address are. They keep identity, connections and counters (shared from then on,
//! so that requests of the older configuration still count), failures, turn and health. Weights and limits are new.

use std::sync::Arc;

use base::Monotonic;

use crate::address::Address;
use crate::group::{Group, machine};
use crate::peer::Peer;

pub(crate) fn inherit(group: &mut Group, older: &Group, now: Monotonic) {
    adopt_addresses(group, older, now);
    let mut known: Vec<&Peer> = older.peers().collect();
    for peer in group.peers_mut() {
        let same = |known: &&Peer| known.address == peer.address && known.server == peer.server;
        if let Some(at) = known.iter().position(same) {
            take_over(peer, known.remove(at), now);
        }
    }
    group.regroup();
}

/// A followed name keeps its addresses until it is resolved anew: a reload is no reason to lose them.
fn adopt_addresses(group: &mut Group, older: &Group, now: Monotonic) {
    for (line, server) in group.spec.servers.iter().enumerate() {
        let (host, port) = host_and_port(&server.name);
        let before = older.spec.servers.iter().position(|before| {
            let (known, known_port) = host_and_port(&before.name);
            // A port that is not written is the proxy's to know.
            let same_kind = port.is_some() == known_port.is_some();
            before.resolve && known == host && same_kind && before.service == server.service
        });
        let Some(before) = before.filter(|_| server.resolve && server.addresses.is_empty()) else {
            continue;
        };
        let lists = [
            (&mut group.primary, &older.primary),
            (&mut group.backup, &older.backup),
        ];
        for (peers, known) in lists {
            let known = known.list.iter().filter(|peer| peer.line == before);
            peers.list.extend(known.map(|known| {
                let name = Arc::clone(&known.server);
                let weight = if server.weight == 1 && server.service.is_some() {
                    known.weight
                } else {
                    server.weight
                };
                let health = machine(&group.spec, server, now);
                let address = with_port(&known.address, port);
                let name = if server.service.is_some() {
                    name
                } else {
                    server.name.as_str().into()
                };
                Peer::new(server, line, address, name, weight, health)
            }));
        }
    }
}

/// A server as configured, in its parts.
fn host_and_port(name: &str) -> (&str, Option<u16>) {
    let split = name.rsplit_once(':');
    let parsed = split.and_then(|(host, port)| Some((host, port.parse().ok()?)));
    parsed.map_or((name, None), |(host, port)| (host, Some(port)))
}

/// The address that a name had, with the port that is written now.
fn with_port(address: &Address, port: Option<u16>) -> Address {
    match (address, port) {
        (Address::Ip(address), Some(port)) => Address::Ip((address.ip(), port).into()),
        (address, _) => address.clone(),
    }
}

fn take_over(peer: &mut Peer, known: &Peer, now: Monotonic) {
    peer.id = known.id;
    peer.shared = Arc::clone(&known.shared);
    peer.fails = known.fails;
    peer.failed_at = known.failed_at;
    peer.window_at = known.window_at;
    if !peer.slow_start.is_zero() {
        peer.back_at = known.back_at;
    }
    if peer.weight == known.weight {
        peer.effective = known.effective;
        peer.current = known.current;
    }
    if let (Some(machine), Some(before)) = (&mut peer.health, &known.health) {
        *machine = before.taken_over(now);
    }
}
