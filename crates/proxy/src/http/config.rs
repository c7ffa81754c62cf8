//! The HTTP face's configuration: servers, their locations, and what all of them share.

use std::sync::Arc;

use nginx_conf::{Place, Word};

use super::computed::Computed;
use super::core::ServerConf;
use super::listen::{self, Port};
use super::{Location, Template, Var, limit_req, var};
use crate::conf::Cx;
use crate::limit_conn::Zone;
use crate::listen::Listen;
use crate::log::Format;
use crate::names::Name;
use crate::net::ResolverSpec;
use crate::script::{Definition, Registry};
use crate::ssl::{self, Ssl};
use crate::upstream::{Groups, Match};

/// What the HTTP face runs on. Immutable; a reload makes a new one.
#[derive(Debug, Default)]
pub(crate) struct Config {
    /// Where relative names of files start from.
    pub(crate) prefix: std::path::PathBuf,
    /// The addresses, each once.
    pub(crate) ports: Vec<Arc<Port>>,
    /// How the variables of the configuration come by their values, by their number.
    pub(crate) definitions: Vec<Definition>,
    /// The rules of those that are computed.
    pub(crate) computed: Vec<Computed>,
    /// The groups of servers.
    pub(crate) groups: Groups<Var>,
    conn_zones: Vec<Arc<Zone<Var>>>,
    req_zones: Vec<Arc<limit_req::Zone>>,
}

impl Config {
    /// Takes over what `older` knows of its servers' health and of its limits.
    pub(crate) fn inherit(&self, older: &Self) {
        self.groups.inherit(&older.groups);
        for zone in &self.conn_zones {
            older
                .conn_zones
                .iter()
                .for_each(|other| zone.inherit(other));
        }
        for zone in &self.req_zones {
            older.req_zones.iter().for_each(|other| zone.inherit(other));
        }
    }
}

/// One `server`.
#[derive(Debug)]
pub(crate) struct Server {
    /// The first `server_name`, in lower case: the server's own name.
    pub(crate) name: String,
    /// Every `server_name`.
    pub(crate) names: Vec<Name>,
    /// Where it is reached.
    pub(crate) listens: Vec<Listen>,
    /// What holds before a location is known.
    pub(crate) core: ServerConf,
    /// TLS to clients.
    pub(crate) ssl: Ssl,
    /// The server's own level: directives outside of locations, and the locations.
    pub(crate) root: Arc<Location>,
    /// Where it stands.
    pub(crate) place: Place,
}

impl Server {
    pub(super) fn new(mut draft: ServerDraft, ssl: Ssl, root: Location, place: Place) -> Self {
        if draft.listens.is_empty() {
            draft.listens.push(crate::listen::default_address());
        }
        if draft.names.is_empty() {
            draft.names.push(Name::Exact("".into()));
        }
        Self {
            name: draft.name,
            names: draft.names,
            listens: draft.listens,
            core: draft.core,
            ssl,
            root: Arc::new(root),
            place,
        }
    }

    pub(super) fn has_regex_name(&self) -> bool {
        let is_regex = |name: &Name| matches!(name, Name::Regex(_));
        self.names.iter().any(is_regex)
    }
}

/// What is gathered for the whole `http` block while it is read.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    /// The groups, in the order of the file, then those that a `proxy_pass` to a plain address makes.
    pub(crate) upstreams: Vec<UpstreamDraft>,
    /// The formats of access logs so far.
    pub(crate) log_formats: Vec<Arc<Format<Var>>>,
    /// `map`, `geo` and `split_clients`
    pub(crate) computed: Vec<Computed>,
    /// `limit_conn_zone`
    pub(crate) conn_zones: Vec<Arc<Zone<Var>>>,
    /// `limit_req_zone`
    pub(crate) req_zones: Vec<Arc<limit_req::Zone>>,
    /// `match` blocks, by name
    pub(crate) matches: Vec<(String, Arc<Match>)>,
    /// Certificates that were loaded already.
    pub(crate) tls: ssl::Loaded,
}

/// What is gathered for one server, and inherited from `http`.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServerDraft {
    pub(crate) name: String,
    pub(crate) names: Vec<Name>,
    pub(crate) listens: Vec<Listen>,
    pub(crate) core: ServerConf,
    pub(crate) ssl: ssl::Conf,
}

/// What is gathered for one group.
pub(crate) type UpstreamDraft = crate::upstream::Draft<Var>;

/// The state of the walk inside of `http`.
pub(crate) struct HttpCx<'c, 'a> {
    /// The walk's own state.
    pub(crate) cx: &'c mut Cx<'a>,
    /// The variables.
    pub(crate) registry: Registry<Var>,
    /// What all servers share.
    pub(crate) draft: Draft,
}

impl<'c, 'a> HttpCx<'c, 'a> {
    pub(super) fn new(cx: &'c mut Cx<'a>) -> Self {
        Self {
            cx,
            registry: var::registry(),
            draft: Draft::default(),
        }
    }

    /// A word with variables.
    pub(crate) fn template(&mut self, word: &Word) -> Result<Template, String> {
        self.registry.stand_at(&word.place);
        self.registry.template(&word.text)
    }

    pub(super) fn add_upstream(&mut self, upstream: UpstreamDraft) -> Result<(), String> {
        let known = |other: &UpstreamDraft| other.name.eq_ignore_ascii_case(&upstream.name);
        if self.draft.upstreams.iter().any(known) {
            return Err(format!("duplicate upstream \"{}\"", upstream.name));
        }
        self.draft.upstreams.push(upstream);
        Ok(())
    }

    /// Completes the configuration; `resolver` is that of `http`, for groups without one of their own.
    pub(super) fn finish(
        mut self,
        servers: Vec<Arc<Server>>,
        resolver: Option<&ResolverSpec>,
    ) -> Config {
        let groups = self.groups(resolver);
        for (name, place) in self.registry.undefined() {
            self.cx
                .wrong_at(place, format!("unknown \"{name}\" variable"));
        }
        Config {
            prefix: self.cx.paths.prefix().to_owned(),
            ports: listen::ports(&servers, self.cx),
            definitions: self.registry.finish(),
            computed: self.draft.computed,
            groups,
            conn_zones: self.draft.conn_zones,
            req_zones: self.draft.req_zones,
        }
    }

    fn groups(&mut self, resolver: Option<&ResolverSpec>) -> Groups<Var> {
        let drafts = std::mem::take(&mut self.draft.upstreams);
        let mut groups = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let place = draft.place.clone();
            match draft.finish("http", resolver) {
                Ok(group) => groups.push(group),
                Err(reasons) => {
                    for reason in reasons {
                        // A group without a place is one of ours, and complete.
                        if let Some(place) = &place {
                            self.cx.wrong_at(place, reason);
                        }
                    }
                }
            }
        }
        Groups::new(groups)
    }
}
