//! The peers of a group: the primary ones, the `backup` ones, and what is derived of both.

use std::sync::Arc;

use base::Monotonic;

use crate::health::Machine;
use crate::peer::Peer;
use crate::pick::ketama::Ring;
use crate::spec::{Method, ServerSpec, UpstreamSpec};

/// Peers among which an algorithm chooses.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    pub(crate) list: Vec<Peer>,
    pub(crate) total_weight: u64,
    /// The only peer of the whole group: it is used whatever it failed.
    pub(crate) single: bool,
}

impl Peers {
    /// The peer in whose share of the total weight `at` lies.
    pub(crate) fn at_weight(&self, mut at: u64) -> usize {
        for (index, peer) in self.list.iter().enumerate() {
            let weight = u64::from(peer.weight);
            if at < weight {
                return index;
            }
            at -= weight;
        }
        0
    }

    fn tries(&self) -> usize {
        self.list.iter().filter(|peer| !peer.down).count()
    }
}

#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) name: Arc<str>,
    pub(crate) spec: UpstreamSpec,
    pub(crate) primary: Peers,
    pub(crate) backup: Peers,
    pub(crate) ring: Ring,
    /// Counts changes of membership, so that a request notices one in its midst.
    pub(crate) generation: u64,
}

impl Group {
    pub(crate) fn new(spec: UpstreamSpec, now: Monotonic) -> Self {
        let mut group = Self {
            name: spec.name.as_str().into(),
            primary: Peers::default(),
            backup: Peers::default(),
            ring: Ring::default(),
            generation: 0,
            spec,
        };
        for (line, server) in group.spec.servers.iter().enumerate() {
            let name: Arc<str> = server.name.as_str().into();
            let peers = if server.backup {
                &mut group.backup
            } else {
                &mut group.primary
            };
            for address in &server.addresses {
                let health = machine(&group.spec, server, now);
                let server_name = Arc::clone(&name);
                let peer = Peer::new(
                    server,
                    line,
                    address.clone(),
                    server_name,
                    server.weight,
                    health,
                );
                peers.list.push(peer);
            }
        }
        group.regroup();
        group
    }

    /// Derives again what depends on the membership.
    pub(crate) fn regroup(&mut self) {
        self.generation += 1;
        for peers in [&mut self.primary, &mut self.backup] {
            peers.total_weight = peers.list.iter().map(|peer| u64::from(peer.weight)).sum();
        }
        self.primary.single = self.primary.list.len() == 1 && self.backup.list.is_empty();
        if self.spec.method == (Method::Hash { consistent: true }) {
            self.ring = Ring::new(&mut self.primary);
        }
    }

    pub(crate) fn tries(&self) -> u32 {
        u32::try_from(self.primary.tries() + self.backup.tries()).unwrap_or(u32::MAX)
    }

    pub(crate) fn peers(&self) -> impl Iterator<Item = &Peer> {
        self.primary.list.iter().chain(&self.backup.list)
    }

    pub(crate) fn peers_mut(&mut self) -> impl Iterator<Item = &mut Peer> {
        self.primary.list.iter_mut().chain(&mut self.backup.list)
    }
}

/// The machine of a new peer's health checks; none where nothing is checked. A server that is `down` is not.
pub(crate) fn machine(spec: &UpstreamSpec, server: &ServerSpec, now: Monotonic) -> Option<Machine> {
    let health = spec.health.as_ref()?;
    (!server.down).then(|| Machine::new(health, now))
}
