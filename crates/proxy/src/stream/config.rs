//! The TCP face's configuration: servers, and what all of them share.

use std::sync::Arc;

use nginx_conf::Word;

use super::{Template, Var, proxy, script as own, var};
use crate::conf::Cx;
use crate::script::{Definition, Registry};

/// What the TCP face runs on. Immutable; a reload makes a new one.
#[derive(Debug, Default)]
pub(crate) struct Config {
    /// Every server, in the order of the file.
    pub(crate) servers: Vec<Arc<Server>>,
    /// How the variables of the configuration come by their values, by their number.
    pub(crate) definitions: Vec<Definition>,
}

/// What answers a session.
#[derive(Debug, Clone)]
pub(crate) enum Handler {
    /// `proxy_pass`
    Proxy(Arc<proxy::Pass>),
    /// `return VALUE`
    Return(Template),
}

/// One `server`: the values of all modules, inherited from `stream`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Server {
    /// What answers; a server without it is refused.
    pub(crate) handler: Option<Handler>,
    /// `proxy_*`
    pub(crate) proxy: proxy::Conf,
    /// `set`, in the order of the file.
    pub(crate) set: own::Assignments,
}

/// What is gathered for the whole `stream` block while it is read.
#[derive(Debug, Default)]
pub(crate) struct Draft {}

/// The state of the walk inside of `stream`.
pub(crate) struct StreamCx<'c, 'a> {
    /// The walk's own state.
    pub(crate) cx: &'c mut Cx<'a>,
    /// The variables.
    pub(crate) registry: Registry<Var>,
    /// What all servers share.
    pub(crate) draft: Draft,
}

impl<'c, 'a> StreamCx<'c, 'a> {
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
}
