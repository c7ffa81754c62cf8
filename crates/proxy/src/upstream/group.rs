//! A group at run time, and all groups of a face.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use balancer::{Method, Upstream};

use super::health::Probe;
use super::{Followed, Keepalive};
use crate::net::{Resolver, clock};
use crate::script::Template;

/// A group of servers.
#[derive(Debug)]
pub(crate) struct Group<V> {
    /// Who serves.
    pub(crate) upstream: Upstream,
    /// What the pools of workers know it by: the same for the same name, over reloads too.
    pub(crate) id: usize,
    /// The key of `hash`.
    pub(crate) key: Option<Template<V>>,
    /// What is kept of its connections.
    pub(crate) keepalive: Keepalive,
    /// The port of a group that a `proxy_pass` to a host made; `None` for an `upstream` block.
    pub(crate) port: Option<u16>,
    /// Names that are resolved again and again.
    pub(crate) followed: Vec<Followed>,
    /// By whom.
    pub(crate) resolver: Option<Arc<Resolver>>,
    /// `health_check` of the locations that pass to it.
    pub(crate) probe: Option<Arc<Probe>>,
}

impl<V> Group<V> {}

/// All groups of a face, in the order of the file.
#[derive(Debug)]
pub(crate) struct Groups<V> {
    list: Vec<Arc<Group<V>>>,
    by_name: HashMap<Box<str>, Vec<usize>>,
}

impl<V> Default for Groups<V> {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            by_name: HashMap::new(),
        }
    }
}

impl<V> Groups<V> {
    /// Of these.
    pub(crate) fn new(groups: impl IntoIterator<Item = Group<V>>) -> Self {
        let mut all = Self::default();
        for group in groups {
            let name = group.upstream.name().to_ascii_lowercase().into_boxed_str();
            all.by_name.entry(name).or_default().push(all.list.len());
            all.list.push(Arc::new(group));
        }
        all
    }

    /// The group of that number.
    pub(crate) fn get(&self, index: usize) -> Option<&Arc<Group<V>>> {
        self.list.get(index)
    }

    /// The group that a host means: an `upstream` block where no port is written, or a group of that host and `port`.
    pub(crate) fn find(&self, host: &str, has_port: bool, port: u16) -> Option<&Arc<Group<V>>> {
        let name = host.to_ascii_lowercase();
        let mut known = self.by_name.get(name.as_str())?.iter();
        let is_it = |group: &Group<V>| match group.port {
            None => !has_port,
            Some(known) => known == port,
        };
        let index = known.find(|index| is_it(&self.list[**index]))?;
        self.list.get(*index)
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Group<V>>> {
        self.list.iter()
    }

    /// Takes over what the groups of the same names knew before a reload.
    pub(crate) fn inherit(&self, older: &Self) {
        let now = clock::sync();
        let ids: HashMap<usize, &Arc<Group<V>>> =
            older.list.iter().map(|group| (group.id, group)).collect();
        for group in &self.list {
            if let Some(older) = ids.get(&group.id) {
                group.upstream.inherit(&older.upstream, now);
            }
        }
    }
}

/// The number of a group's name. Names are never forgotten: there are as many as configurations have had.
pub(crate) fn id(face: &str, name: &str, port: Option<u16>) -> usize {
    static IDS: Mutex<Option<HashMap<String, usize>>> = Mutex::new(None);
    let mut ids = IDS.lock().unwrap_or_else(PoisonError::into_inner);
    let ids = ids.get_or_insert_default();
    let next = ids.len();
    let name = name.to_ascii_lowercase();
    *ids.entry(format!("{face} {name} {port:?}")).or_insert(next)
}

/// The number of groups that are made for one request; their connections are not kept.
pub(crate) const NO_POOL: usize = usize::MAX;

impl<V> Group<V> {
    /// A group for one request, of a server whose address came up with it.
    pub(crate) fn passing(name: &str, addresses: Vec<balancer::Address>) -> Self {
        let spec = balancer::UpstreamSpec {
            name: name.to_owned(),
            method: Method::RoundRobin,
            servers: vec![balancer::ServerSpec::new(name, addresses)],
            health: None,
        };
        Self {
            upstream: Upstream::new(spec, clock::now()),
            id: NO_POOL,
            key: None,
            keepalive: Keepalive::none(),
            port: Some(0),
            followed: Vec::new(),
            resolver: None,
            probe: None,
        }
    }
}
