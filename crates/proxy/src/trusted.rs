//! `set_real_ip_from` of both faces: whose word on a client's address is taken.

use std::net::ToSocketAddrs;

use crate::net::Endpoint;
use crate::network::Network;

/// Some peers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source {
    /// Those of unix sockets.
    Unix,
    /// Those of a network.
    Network(Network),
}

impl Source {
    /// Reads `unix:`, an address, a network, or a name, which stands for the addresses that it has now.
    pub(crate) fn read(text: &str) -> Result<Vec<Self>, String> {
        if text == "unix:" {
            return Ok(vec![Self::Unix]);
        }
        if let Some(network) = Network::read(text) {
            return Ok(vec![Self::Network(network)]);
        }
        let found = (text, 0).to_socket_addrs();
        let found = found.map_err(|_| format!("host not found in set_real_ip_from \"{text}\""))?;
        let networks = found.filter_map(|address| Network::read(&address.ip().to_string()));
        Ok(networks.map(Self::Network).collect())
    }

    /// Whether the peer is one of them.
    pub(crate) fn covers(&self, peer: &Endpoint) -> bool {
        match (self, peer) {
            (Self::Unix, Endpoint::Unix(_)) => true,
            (Self::Network(network), Endpoint::Ip(address)) => network.contains(address.ip()),
            _ => false,
        }
    }
}
