//! Names to addresses, by the name servers that a configuration gives (`resolver`).
//!
//! Answers are kept as long as they say, or as long as `valid=` says; failures are not kept. Whoever asks for a name that is
//! being asked for waits for that answer, on whichever thread. All threads share a [`Resolver`]; questions run on the event loop
//! of the first that asks, and are taken over by another where that one gives up.
//!
//! `/etc/hosts`, search domains and addresses written as names are not looked at.

mod cache;
mod exchange;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base::Monotonic;
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};

use super::clock;
use cache::Cache;

/// Names that lead to names are followed so often; longer chains are loops or mistakes.
const ALIASES_MAX: usize = 8;

/// What `resolver` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResolverSpec {
    /// The name servers; at least one.
    pub(crate) servers: Vec<SocketAddr>,
    /// How long answers are kept, instead of what they say (`valid=`).
    pub(crate) valid: Option<Duration>,
    /// IPv4 addresses are asked for.
    pub(crate) ipv4: bool,
    /// IPv6 addresses are asked for.
    pub(crate) ipv6: bool,
    /// How long a name may take (`resolver_timeout`).
    pub(crate) timeout: Duration,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resolved {
    /// The addresses, IPv4 first, at least one; empty in an answer to [`Resolver::services`].
    pub(crate) addresses: Vec<IpAddr>,
    /// What an answer to [`Resolver::services`] has.
    pub(crate) services: Vec<ServiceRecord>,
    /// Until when it holds.
    pub(crate) until: Monotonic,
}

/// A server of a service (RFC 2782).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServiceRecord {
    /// The lowest is used first.
    pub(crate) priority: u16,
    /// Its share among those of one priority.
    pub(crate) weight: u16,
    /// Its port.
    pub(crate) port: u16,
    /// Its name, to be resolved.
    pub(crate) target: String,
}

/// Why a name has no addresses. Written as nginx's log does: `3: Host not found`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ResolveError {
    /// There is no such name.
    #[error("3: Host not found")]
    NotFound,
    /// The name has no addresses of the kinds that are asked for.
    #[error("3: Host not found (no addresses)")]
    NoAddresses,
    /// The servers fail or refuse, with this code (RFC 1035, section 4.1.1).
    #[error("{}: {}", .0, code_text(*.0))]
    Server(u8),
    /// No answer in time.
    #[error("110: Operation timed out")]
    TimedOut,
    /// No name that can be asked for.
    #[error("the name is invalid")]
    BadName,
}

/// A resolver; shared by all threads.
#[derive(Debug)]
pub(crate) struct Resolver {
    spec: ResolverSpec,
    cache: Cache,
    /// Each question begins at the next server.
    next: AtomicUsize,
}

impl Resolver {
    /// A resolver that knows nothing yet.
    pub(crate) fn new(spec: ResolverSpec) -> Self {
        Self {
            spec,
            cache: Cache::default(),
            next: AtomicUsize::new(0),
        }
    }

    /// The addresses of a name.
    ///
    /// # Errors
    ///
    /// [`ResolveError`]; within `resolver_timeout`, where a question of somebody else is not taken over.
    pub(crate) async fn addresses(&self, name: &str) -> Result<Arc<Resolved>, ResolveError> {
        let parsed = parse(name)?;
        let ask = || self.ask_addresses(&parsed);
        self.cache.get(&key(name, "A"), ask).await
    }

    /// The servers of a service: `name` with `service` as `server … service=` has it: `http` means `_http._tcp`.
    ///
    /// # Errors
    ///
    /// As [`Self::addresses`].
    pub(crate) async fn services(
        &self,
        name: &str,
        service: &str,
    ) -> Result<Arc<Resolved>, ResolveError> {
        let whole = if service.contains('.') || service.starts_with('_') {
            format!("{service}.{name}")
        } else {
            format!("_{service}._tcp.{name}")
        };
        let parsed = parse(&whole)?;
        let ask = || self.ask_services(&parsed);
        self.cache.get(&key(&whole, "SRV"), ask).await
    }

    async fn ask_addresses(&self, name: &Name) -> Result<Resolved, ResolveError> {
        let of = |wanted: bool, kind| async move {
            if wanted {
                self.follow(name.clone(), kind).await.map(Some)
            } else {
                Ok(None)
            }
        };
        let (four, six) = tokio::join!(
            of(self.spec.ipv4, RecordType::A),
            of(self.spec.ipv6, RecordType::AAAA)
        );
        let found = |answer: &Result<Option<Found>, _>| {
            answer
                .as_ref()
                .is_ok_and(|found| found.as_ref().is_some_and(|found| !found.data.is_empty()))
        };
        if !found(&four) && !found(&six) {
            four?;
            six?;
            return Err(ResolveError::NoAddresses);
        }
        // One kind is enough, where the other one failed.
        let both: Vec<_> = [four, six].into_iter().flatten().flatten().collect();
        let address = |data: &RData| match data {
            RData::A(address) => Some(IpAddr::V4(address.0)),
            RData::AAAA(address) => Some(IpAddr::V6(address.0)),
            _ => None,
        };
        let with_data = both.iter().filter(|found| !found.data.is_empty());
        Ok(Resolved {
            until: self.until(with_data.map(|found| found.ttl).min()),
            addresses: both
                .iter()
                .flat_map(|found| &found.data)
                .filter_map(address)
                .collect(),
            services: Vec::new(),
        })
    }

    async fn ask_services(&self, name: &Name) -> Result<Resolved, ResolveError> {
        let found = self.follow(name.clone(), RecordType::SRV).await?;
        let service = |data: &RData| match data {
            RData::SRV(record) => Some(ServiceRecord {
                priority: record.priority,
                weight: record.weight,
                port: record.port,
                target: record.target.to_ascii().trim_end_matches('.').to_owned(),
            }),
            _ => None,
        };
        let services: Vec<_> = found.data.iter().filter_map(service).collect();
        if services.is_empty() {
            return Err(ResolveError::NoAddresses);
        }
        Ok(Resolved {
            addresses: Vec::new(),
            services,
            until: self.until(Some(found.ttl)),
        })
    }

    /// The records of a kind, through aliases.
    async fn follow(&self, mut name: Name, kind: RecordType) -> Result<Found, ResolveError> {
        let mut ttl = u32::MAX;
        for _ in 0..ALIASES_MAX {
            let first = self.next.fetch_add(1, Ordering::Relaxed);
            let servers = &self.spec.servers;
            let answer = exchange::ask(servers, first, &name, kind, self.spec.timeout).await?;
            let (target, alias_ttl) = end_of_aliases(&answer, &name);
            ttl = ttl.min(alias_ttl);
            let records = answer.answers.iter();
            let fits = |record: &&hickory_proto::rr::Record| {
                record.record_type() == kind && record.name.eq_ignore_root(&target)
            };
            let records: Vec<_> = records.filter(fits).collect();
            let is_alias = !target.eq_ignore_root(&name);
            if records.is_empty()
                && is_alias
                && answer.metadata.response_code == ResponseCode::NoError
            {
                name = target;
                continue;
            }
            if answer.metadata.response_code == ResponseCode::NXDomain {
                return Err(ResolveError::NotFound);
            }
            let ttls = records.iter().map(|record| record.ttl);
            return Ok(Found {
                ttl: ttls.min().unwrap_or(0).min(ttl),
                data: records
                    .into_iter()
                    .map(|record| record.data.clone())
                    .collect(),
            });
        }
        Err(ResolveError::NotFound)
    }

    fn until(&self, ttl: Option<u32>) -> Monotonic {
        let said = Duration::from_secs(ttl.unwrap_or(0).into());
        clock::refresh() + self.spec.valid.unwrap_or(said)
    }
}

/// Records, and how long they hold in seconds.
struct Found {
    data: Vec<RData>,
    ttl: u32,
}

/// The name that `name` is an alias of in the end, by what the answer has, and how long that holds.
fn end_of_aliases(answer: &Message, name: &Name) -> (Name, u32) {
    let (mut name, mut ttl) = (name.clone(), u32::MAX);
    for _ in 0..ALIASES_MAX {
        let next = answer.answers.iter().find_map(|record| match &record.data {
            RData::CNAME(target) if record.name.eq_ignore_root(&name) => {
                Some((target.0.clone(), record.ttl))
            }
            _ => None,
        });
        let Some((target, holds)) = next else { break };
        name = target;
        ttl = ttl.min(holds);
    }
    (name, ttl)
}

fn parse(name: &str) -> Result<Name, ResolveError> {
    let mut parsed = Name::from_str_relaxed(name).map_err(|_| ResolveError::BadName)?;
    parsed.set_fqdn(true);
    Ok(parsed)
}

fn key(name: &str, kind: &str) -> String {
    format!("{kind} {}", name.trim_end_matches('.').to_ascii_lowercase())
}

const fn code_text(code: u8) -> &'static str {
    match code {
        1 => "Format error",
        2 => "Server failure",
        4 => "Unimplemented",
        5 => "Operation refused",
        _ => "Unknown error",
    }
}

#[cfg(test)]
mod tests;
