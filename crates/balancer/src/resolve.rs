//! New addresses for a server whose name is followed (`resolve`, `service`).
//!
//! A peer whose address stays is not touched; new ones are appended, as nginx does it. Of SRV records those with the
//! lowest priority are primary peers, the rest `backup` ones.

use std::sync::Arc;

use base::Monotonic;

use crate::address::Address;
use crate::group::{Group, Peers, machine};
use crate::peer::Peer;
use crate::spec::{Method, ServerSpec};

/// How many addresses of one name are used. More than fit into a DNS answer over UDP; the rest is left out.
pub const ADDRESSES_MAX: usize = 1024;

/// One address that a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The address, with its port.
    pub address: Address,
    /// Of an SRV record: its target, priority and weight.
    pub srv: Option<Srv>,
}

/// What an SRV record says beside the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Srv {
    /// The target's name, with the port: what a ketama ring is made of.
    pub server: Arc<str>,
    /// Lower is used first.
    pub priority: u16,
    /// The weight, where the configuration leaves it at 1.
    pub weight: u16,
}

impl Resolved {
    /// An address of a plain name.
    #[must_use]
    pub fn plain(address: Address) -> Self {
        Self { address, srv: None }
    }

    fn priority(&self) -> u16 {
        self.srv.as_ref().map_or(0, |srv| srv.priority)
    }
}

/// What a peer of an address is to be.
struct Wanted<'a> {
    address: &'a Address,
    server: Arc<str>,
    weight: u32,
}

/// Returns whether the membership changed.
pub(crate) fn set_addresses(
    group: &mut Group,
    line: usize,
    addresses: &[Resolved],
    now: Monotonic,
) -> bool {
    let Some(server) = group.spec.servers.get(line).cloned() else {
        return false;
    };
    let addresses = &addresses[..addresses.len().min(ADDRESSES_MAX)];
    let lowest = addresses.iter().map(Resolved::priority).min().unwrap_or(0);
    // Methods that refuse `backup` have no use for lower priorities.
    let has_backup = matches!(group.spec.method, Method::RoundRobin | Method::LeastConn);
    let name: Arc<str> = server.name.as_str().into();
    let mut primary = Vec::new();
    let mut backup = Vec::new();
    for resolved in addresses {
        let first = resolved.priority() == lowest;
        let wanted = wanted(resolved, &server, &name);
        if first && !server.backup {
            primary.push(wanted);
        } else if has_backup {
            backup.push(wanted);
        }
    }
    let spec = group.spec.clone();
    let make = |wanted: Wanted<'_>| {
        let health = machine(&spec, &server, now);
        Peer::new(
            &server,
            line,
            wanted.address.clone(),
            wanted.server,
            wanted.weight,
            health,
        )
    };
    let changed = replace(&mut group.primary, line, primary, make)
        | replace(&mut group.backup, line, backup, make);
    if changed {
        group.regroup();
    }
    changed
}

fn wanted<'a>(resolved: &'a Resolved, server: &ServerSpec, name: &Arc<str>) -> Wanted<'a> {
    let (server_name, weight) = match &resolved.srv {
        Some(srv) if server.weight == 1 => (&srv.server, u32::from(srv.weight).max(1)),
        Some(srv) => (&srv.server, server.weight),
        None => (name, server.weight),
    };
    Wanted {
        address: &resolved.address,
        server: Arc::clone(server_name),
        weight,
    }
}

fn replace(
    peers: &mut Peers,
    line: usize,
    mut wanted: Vec<Wanted<'_>>,
    make: impl Fn(Wanted<'_>) -> Peer,
) -> bool {
    let before = peers.list.len();
    peers.list.retain(|peer| {
        if peer.line != line {
            return true;
        }
        let same = wanted.iter().position(|wanted| {
            *wanted.address == peer.address
                && wanted.server == peer.server
                && wanted.weight == peer.weight
        });
        // Taken off, so that a duplicate address keeps as many peers as it has records.
        same.map(|at| wanted.remove(at)).is_some()
    });
    let changed = peers.list.len() != before || !wanted.is_empty();
    peers.list.extend(wanted.into_iter().map(make));
    changed
}
