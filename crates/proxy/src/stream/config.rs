//! The TCP face's configuration: servers, and what all of them share.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use nginx_conf::{Place, Word};

use super::limit_conn::Limits;
use super::listen::Port;
use super::{Template, Var, proxy, script as own, var};
use crate::access::Rule;
use crate::conf::{Cx, Level, List};
use crate::limit_conn::Zone;
use crate::listen::Listen;
use crate::log::{AccessLog, Errors, Format};
use crate::names::Name;
use crate::script::{Computed, Definition, Registry};
use crate::ssl::{self, Ssl};
use crate::trusted::Source;
use crate::upstream::{Groups, Resolving};

/// What the TCP face runs on. Immutable; a reload makes a new one.
#[derive(Debug, Default)]
pub(crate) struct Config {
    /// Where relative names of files start from.
    pub(crate) prefix: PathBuf,
    /// The addresses, each once.
    pub(crate) ports: Vec<Arc<Port>>,
    /// The groups.
    pub(crate) groups: Groups<Var>,
    /// `limit_conn_zone`
    pub(crate) zones: Vec<Arc<Zone<Var>>>,
    /// How the variables of the configuration come by their values, by their number.
    pub(crate) definitions: Vec<Definition>,
    /// The rules of those that are computed.
    pub(crate) computed: Vec<Computed<Var>>,
}

/// What answers a session.
#[derive(Debug, Clone)]
pub(crate) enum Handler {
    /// `proxy_pass`
    Proxy(Arc<proxy::Pass>),
    /// `return VALUE`
    Return(Template),
    /// `pass ADDRESS`
    Pass(Template),
}

/// One `server`: the values of all modules, inherited from `stream`.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    /// The first `server_name`, in lower case: the server's own name.
    pub(crate) name: String,
    /// Every `server_name`.
    pub(crate) names: Vec<Name>,
    /// Where it is reached.
    pub(crate) listens: Vec<Listen>,
    /// What answers; a server without it is refused.
    pub(crate) handler: Option<Handler>,
    /// `proxy_*`
    pub(crate) proxy: proxy::Conf,
    /// `set`, in the order of the file.
    pub(crate) set: own::Assignments,
    /// `limit_conn`
    pub(crate) limits: Limits,
    /// `limit_conn_dry_run`
    pub(crate) limits_dry_run: bool,
    /// `allow` and `deny`
    pub(crate) access: List<Rule>,
    /// `access_log`
    pub(crate) access_log: List<AccessLog<Var>>,
    /// `error_log`
    pub(crate) errors: Errors,
    pub(crate) errors_level: Level,
    /// `resolver`
    pub(crate) resolver: Resolving,
    /// `set_real_ip_from`
    pub(crate) real_ip_from: List<Source>,
    /// `proxy_protocol_timeout`
    pub(crate) header_timeout: Duration,
    /// `ssl_preread`
    pub(crate) preread: bool,
    /// `preread_buffer_size`
    pub(crate) preread_size: usize,
    /// `preread_timeout`
    pub(crate) preread_timeout: Duration,
    /// `ssl_handshake_timeout`
    pub(crate) handshake_timeout: Duration,
    /// `tcp_nodelay`
    pub(crate) nodelay: bool,
    /// `ssl_*`, as it is written.
    pub(crate) ssl: ssl::Conf,
    /// The same, loaded.
    pub(crate) tls: Ssl,
    /// Where it stands.
    pub(crate) place: Option<Place>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            name: String::new(),
            names: Vec::new(),
            listens: Vec::new(),
            handler: None,
            proxy: proxy::Conf::default(),
            set: own::Assignments::default(),
            limits: Limits::default(),
            limits_dry_run: false,
            access: List::default(),
            access_log: List::default(),
            errors: Errors::default(),
            errors_level: Level::default(),
            resolver: Resolving::default(),
            real_ip_from: List::default(),
            header_timeout: Duration::from_secs(30),
            preread: false,
            preread_size: 16 << 10,
            preread_timeout: Duration::from_secs(30),
            handshake_timeout: Duration::from_secs(60),
            nodelay: true,
            ssl: ssl::Conf::default(),
            tls: Ssl::default(),
            place: None,
        }
    }
}

impl Config {
    /// Takes over what the groups and zones of the same names knew before a reload.
    pub(crate) fn inherit(&self, older: &Self) {
        self.groups.inherit(&older.groups);
        for zone in &self.zones {
            older.zones.iter().for_each(|other| zone.inherit(other));
        }
    }
}

impl Server {
    pub(super) fn has_regex_name(&self) -> bool {
        let is_regex = |name: &Name| matches!(name, Name::Regex(_));
        self.names.iter().any(is_regex)
    }
}

/// What is gathered for one group.
pub(crate) type UpstreamDraft = crate::upstream::Draft<Var>;

/// What is gathered for the whole `stream` block while it is read.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    /// The groups, in the order of the file, then those that a `proxy_pass` to a plain address makes.
    pub(crate) upstreams: Vec<UpstreamDraft>,
    /// The formats of access logs so far.
    pub(crate) log_formats: Vec<Arc<Format<Var>>>,
    /// `map`, `geo` and `split_clients`
    pub(crate) computed: Vec<Computed<Var>>,
    /// `limit_conn_zone`
    pub(crate) zones: Vec<Arc<Zone<Var>>>,
    /// Certificates that were loaded already.
    pub(crate) tls: ssl::Loaded,
}

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
