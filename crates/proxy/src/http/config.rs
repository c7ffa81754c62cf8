//! The HTTP face's configuration: servers, their locations, and what all of them share.

use std::sync::Arc;

use nginx_conf::Word;

use super::{Location, Template, Var, var};
use crate::conf::Cx;
use crate::script::{Definition, Registry};

/// What the HTTP face runs on. Immutable; a reload makes a new one.
#[derive(Debug, Default)]
pub(crate) struct Config {
    /// Every server, in the order of the file.
    pub(crate) servers: Vec<Arc<Server>>,
    /// How the variables of the configuration come by their values, by their number.
    pub(crate) definitions: Vec<Definition>,
}

/// One `server`.
#[derive(Debug, Default)]
pub(crate) struct Server {
    /// `server_name`, as written; the first one is the server's own name.
    pub(crate) names: Vec<String>,
    /// The server's own level: directives outside of locations, and the locations.
    pub(crate) root: Arc<Location>,
}

impl Server {
    pub(super) fn new(draft: ServerDraft, root: Location) -> Self {
        Self {
            names: draft.names,
            root: Arc::new(root),
        }
    }
}

/// What is gathered for the whole `http` block while it is read.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    /// The groups, in the order of the file, then those that a `proxy_pass` to a plain address makes.
    pub(crate) upstreams: Vec<UpstreamDraft>,
}

/// What is gathered for one server, and inherited from `http`.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServerDraft {
    pub(crate) names: Vec<String>,
}

/// What is gathered for one `upstream`.
#[derive(Debug, Clone, Default)]
pub(crate) struct UpstreamDraft {
    pub(crate) name: String,
}

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
        let known = |other: &UpstreamDraft| other.name == upstream.name;
        if self.draft.upstreams.iter().any(known) {
            return Err(format!("duplicate upstream \"{}\"", upstream.name));
        }
        self.draft.upstreams.push(upstream);
        Ok(())
    }

    pub(super) fn finish(self, servers: Vec<Arc<Server>>) -> Config {
        for (name, place) in self.registry.undefined() {
            self.cx
                .wrong_at(place, format!("unknown \"{name}\" variable"));
        }
        Config {
            servers,
            definitions: self.registry.finish(),
        }
    }
}
