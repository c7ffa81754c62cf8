//! A group as the configuration describes it, and what is wrong with such a description.

use std::time::Duration;

use crate::address::Address;
use crate::health::HealthSpec;

/// The largest `weight`: products of weights, connections and slow start's fractions stay within 64 bits.
pub const WEIGHT_MAX: u32 = (1 << 24) - 1;

/// The largest sum of weights with `hash … consistent`. Each unit is 160 points of 8 bytes: 64 MB of ring.
pub const KETAMA_WEIGHT_MAX: u64 = 50_000;

/// How a group chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Smooth weighted round robin, what a group without another method does.
    RoundRobin,
    /// `least_conn`: the fewest connections for its weight.
    LeastConn,
    /// `ip_hash`: by the first three bytes of an IPv4 address, or by a whole IPv6 address.
    IpHash,
    /// `hash KEY`; the proxy renders the key.
    Hash {
        /// By a ketama ring, so that a change of members moves few keys.
        consistent: bool,
    },
    /// `random`.
    Random {
        /// Draw two peers and take the one with fewer connections (`two least_conn`).
        two: bool,
    },
}

impl Method {
    fn allows_backup(self) -> bool {
        matches!(self, Method::RoundRobin | Method::LeastConn)
    }
}

/// One `upstream` block, or the group that stands for a `proxy_pass` to a host.
#[derive(Debug, Clone)]
pub struct UpstreamSpec {
    /// Its name.
    pub name: String,
    /// How it chooses.
    pub method: Method,
    /// Its `server` lines, in order.
    pub servers: Vec<ServerSpec>,
    /// Active health checks, if there are any.
    pub health: Option<HealthSpec>,
}

/// One `server` line.
#[derive(Debug, Clone)]
pub struct ServerSpec {
    /// The server as configured, port included only where it is written: what a ketama ring is made of.
    pub name: String,
    /// What the name stood for when the configuration was read; may be empty with `resolve`.
    pub addresses: Vec<Address>,
    /// `weight`, at least 1.
    pub weight: u32,
    /// `max_conns`; 0 is no limit.
    pub max_conns: u32,
    /// `max_fails`; 0 counts no failures.
    pub max_fails: u32,
    /// `fail_timeout`: in which time failures are counted, and for how long the peer is then left alone.
    pub fail_timeout: Duration,
    /// `slow_start`: in which time a peer that comes back gets its weight back; zero is at once.
    pub slow_start: Duration,
    /// `backup`: used only where no primary peer can be.
    pub backup: bool,
    /// `down`: never used.
    pub down: bool,
    /// `drain`: used for no new clients.
    pub drain: bool,
    /// `resolve`: the addresses follow the name; see [`crate::Upstream::set_addresses`].
    pub resolve: bool,
    /// `service`: the name is that of SRV records.
    pub service: Option<String>,
    /// `route`, for sticky sessions.
    pub route: Option<String>,
}

impl ServerSpec {
    /// A server with nginx's defaults.
    #[must_use]
    pub fn new(name: impl Into<String>, addresses: Vec<Address>) -> Self {
        Self {
            name: name.into(),
            addresses,
            weight: 1,
            max_conns: 0,
            max_fails: 1,
            fail_timeout: Duration::from_secs(10),
            slow_start: Duration::ZERO,
            backup: false,
            down: false,
            drain: false,
            resolve: false,
            service: None,
            route: None,
        }
    }
}

/// What makes a group impossible. The user's to mend, in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// There is no server that is not a `backup`.
    #[error("upstream \"{upstream}\" has no servers")]
    NoServers {
        /// The group.
        upstream: String,
    },
    /// A `weight` that is 0 or above [`WEIGHT_MAX`].
    #[error("server \"{server}\" has weight {weight}; it must be from 1 to {WEIGHT_MAX}")]
    Weight {
        /// The server.
        server: String,
        /// Its weight.
        weight: u32,
    },
    /// The ring would be too large.
    #[error(
        "upstream \"{upstream}\" has weights of {weight} in all; a consistent hash takes up to {KETAMA_WEIGHT_MAX}"
    )]
    RingTooLarge {
        /// The group.
        upstream: String,
        /// The sum of its weights.
        weight: u64,
    },
    /// `backup` or `slow_start` with a method that cannot have it.
    #[error("the load balancing method does not support \"{parameter}\" (server \"{server}\")")]
    NotWithMethod {
        /// The server.
        server: String,
        /// The parameter.
        parameter: &'static str,
    },
    /// A server that needs an address and has none.
    #[error("server \"{server}\" has no address")]
    NoAddress {
        /// The server.
        server: String,
    },
    /// `service` without `resolve`.
    #[error("server \"{server}\" has \"service\" without \"resolve\"")]
    ServiceWithoutResolve {
        /// The server.
        server: String,
    },
    /// A number of a health check that must not be 0.
    #[error("health_check of upstream \"{upstream}\" has {parameter}=0")]
    Health {
        /// The group.
        upstream: String,
        /// The parameter.
        parameter: &'static str,
    },
}

impl UpstreamSpec {
    /// A round robin group.
    #[must_use]
    pub fn new(name: impl Into<String>, servers: Vec<ServerSpec>) -> Self {
        Self {
            name: name.into(),
            method: Method::RoundRobin,
            servers,
            health: None,
        }
    }

    /// Everything that is wrong with the group; nothing if it can be used.
    #[must_use]
    pub fn check(&self) -> Vec<SpecError> {
        let mut errors = Vec::new();
        if self.servers.iter().all(|server| server.backup) {
            let upstream = self.name.clone();
            errors.push(SpecError::NoServers { upstream });
        }
        for server in &self.servers {
            self.check_server(server, &mut errors);
        }
        let weight = self
            .servers
            .iter()
            .map(|server| u64::from(server.weight) * server.addresses.len() as u64)
            .fold(0, u64::saturating_add);
        if self.method == (Method::Hash { consistent: true }) && weight > KETAMA_WEIGHT_MAX {
            let upstream = self.name.clone();
            errors.push(SpecError::RingTooLarge { upstream, weight });
        }
        if let Some(health) = &self.health {
            self.check_health(health, &mut errors);
        }
        errors
    }

    fn check_server(&self, server: &ServerSpec, errors: &mut Vec<SpecError>) {
        let name = || server.name.clone();
        if server.weight == 0 || server.weight > WEIGHT_MAX {
            errors.push(SpecError::Weight {
                server: name(),
                weight: server.weight,
            });
        }
        let refused = [
            ("backup", server.backup),
            ("slow_start", !server.slow_start.is_zero()),
        ];
        for (parameter, given) in refused {
            if given && !self.method.allows_backup() {
                errors.push(SpecError::NotWithMethod {
                    server: name(),
                    parameter,
                });
            }
        }
        if server.addresses.is_empty() && !server.resolve {
            errors.push(SpecError::NoAddress { server: name() });
        }
        if server.service.is_some() && !server.resolve {
            errors.push(SpecError::ServiceWithoutResolve { server: name() });
        }
    }

    fn check_health(&self, health: &HealthSpec, errors: &mut Vec<SpecError>) {
        let numbers = [
            ("interval", health.interval.is_zero()),
            ("fails", health.fails == 0),
            ("passes", health.passes == 0),
        ];
        for (parameter, zero) in numbers {
            if zero {
                errors.push(SpecError::Health {
                    upstream: self.name.clone(),
                    parameter,
                });
            }
        }
    }
}
