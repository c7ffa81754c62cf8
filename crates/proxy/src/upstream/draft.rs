//! A group while its configuration is read.

use std::sync::Arc;
use std::time::Duration;

use balancer::{Method, ServerSpec, Upstream, UpstreamSpec};
use nginx_conf::Place;

use super::health::Probe;
use super::{Followed, Group, Keepalive, address, group};
use crate::net::{Resolver, ResolverSpec, clock};
use crate::script::Template;

/// One `upstream`, or the group that a `proxy_pass` to a host stands for.
#[derive(Debug, Clone)]
pub(crate) struct Draft<V> {
    pub(crate) name: String,
    pub(crate) place: Option<Place>,
    pub(crate) port: Option<u16>,
    pub(crate) method: Option<Method>,
    pub(crate) key: Option<Template<V>>,
    pub(crate) servers: Vec<ServerSpec>,
    pub(crate) followed: Vec<Followed>,
    pub(crate) zone: bool,
    pub(crate) keepalive: Keepalive,
    pub(crate) resolver: Option<ResolverSpec>,
    pub(crate) resolver_timeout: Duration,
    pub(crate) probe: Option<Arc<Probe>>,
}

impl<V> Default for Draft<V> {
    fn default() -> Self {
        Self {
            name: String::new(),
            place: None,
            port: None,
            method: None,
            key: None,
            servers: Vec::new(),
            followed: Vec::new(),
            zone: false,
            keepalive: Keepalive::default(),
            resolver: None,
            resolver_timeout: Duration::from_secs(30),
            probe: None,
        }
    }
}

impl<V> Draft<V> {
    /// The group of a `proxy_pass` to a host.
    pub(crate) fn implicit(url: &address::Url, port: u16) -> Result<Self, String> {
        let port = url.port.unwrap_or(port);
        let addresses = url.look_up(port);
        let addresses =
            addresses.map_err(|reason| format!("{reason} in upstream \"{}\"", url.host))?;
        let name = match (url.is_unix, url.port) {
            (true, _) => format!("unix:{}", url.host),
            (false, Some(port)) => format!("{}:{port}", url.host),
            (false, None) => url.host.clone(),
        };
        Ok(Self {
            name: url.host.clone(),
            port: Some(if url.is_unix { 0 } else { port }),
            servers: vec![ServerSpec::new(name, addresses)],
            keepalive: Keepalive::none(),
            ..Self::default()
        })
    }

    /// The group; errors are what is wrong with it. `resolver` is that of the face, where the block has none of its own.
    pub(crate) fn finish(
        self,
        face: &str,
        resolver: Option<&ResolverSpec>,
    ) -> Result<Group<V>, Vec<String>> {
        let method = self.method.unwrap_or(Method::RoundRobin);
        let mut errors = Vec::new();
        if self.servers.is_empty() {
            return Err(vec!["no servers are inside upstream".to_owned()]);
        }
        if !self.followed.is_empty() && !self.zone {
            errors.push(format!(
                "resolving names at run time requires upstream \"{}\" to be in shared memory: \"zone\" is missing",
                self.name
            ));
        }
        let resolver = self.resolver.as_ref().or(resolver).map(|spec| {
            let timeout = match self.resolver {
                Some(_) => self.resolver_timeout,
                None => spec.timeout,
            };
            Arc::new(Resolver::new(ResolverSpec {
                timeout,
                ..spec.clone()
            }))
        });
        if !self.followed.is_empty() && resolver.is_none() {
            errors.push(format!(
                "no resolver defined to resolve names at run time in upstream \"{}\"",
                self.name
            ));
        }
        let spec = UpstreamSpec {
            name: self.name.clone(),
            method,
            servers: self.servers,
            health: self.probe.as_ref().map(|probe| probe.times.clone()),
        };
        errors.extend(spec.check().iter().map(ToString::to_string));
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Group {
            id: group::id(face, &self.name, self.port),
            upstream: Upstream::new(spec, clock::sync()),
            key: self.key,
            keepalive: self.keepalive,
            port: self.port,
            followed: self.followed,
            resolver,
            probe: self.probe,
        })
    }
}
