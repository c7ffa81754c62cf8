//! One location: the values of all modules at one place of the configuration.

use std::sync::Arc;

use super::{
    Locations, access, access_log, auth_basic, auth_request, autoindex, core, error_page, files,
    gzip, headers, health, limit_conn, limit_req, mirror, proxy, realip, resolver, rewrite,
};
use crate::conf::{Level, Row};
use crate::log::Errors;

/// What answers a request at a location.
#[derive(Debug, Clone)]
pub(crate) enum Handler {
    /// `proxy_pass`
    Proxy(Arc<proxy::Pass>),
    /// `stub_status`
    StubStatus,
}

/// The values at one level: a location, the server outside of its locations, or an `if`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Location {
    /// As written, for messages: `/images/`, `~ \.php$`, `@fallback`.
    pub(crate) name: Arc<str>,
    /// The prefix, the exact URI, the expression, or the name after `@`.
    pub(crate) pattern: Arc<str>,
    /// `@NAME`.
    pub(crate) is_named: bool,
    /// `~ REGEX` or `~* REGEX`.
    pub(crate) is_regex: bool,
    /// What answers; `None` for static files.
    pub(crate) handler: Option<Handler>,
    /// What `set`, `rewrite`, `if`, `return` and `break` do, in their order. Never inherited.
    pub(crate) program: rewrite::Program,
    /// `limit_except`: the methods that stay here, and where the others go.
    pub(crate) limit_except: Option<(Vec<String>, Arc<Location>)>,
    /// Values of the core module.
    pub(crate) core: core::Conf,
    /// `root`, `index`, `try_files`
    pub(crate) files: files::Conf,
    /// `error_page`
    pub(crate) error_pages: error_page::Conf,
    /// `access_log`
    pub(crate) access_log: access_log::Conf,
    /// `allow`, `deny`
    pub(crate) access: access::Conf,
    /// `add_header`, `add_trailer`, `expires`
    pub(crate) headers: headers::Conf,
    /// `auth_basic`
    pub(crate) auth_basic: auth_basic::Conf,
    /// `auth_request`
    pub(crate) auth_request: auth_request::Conf,
    /// `autoindex`
    pub(crate) autoindex: autoindex::Conf,
    /// `gzip`
    pub(crate) gzip: gzip::Conf,
    /// `mirror`
    pub(crate) mirror: mirror::Conf,
    /// `limit_conn`
    pub(crate) limit_conn: limit_conn::Conf,
    /// `limit_req`
    pub(crate) limit_req: limit_req::Conf,
    /// `set_real_ip_from`
    pub(crate) realip: realip::Conf,
    /// `proxy_*`
    pub(crate) proxy: proxy::Conf,
    /// `health_check`, until the group has it
    pub(crate) health: Option<health::Conf>,
    /// `resolver`
    pub(crate) resolver: resolver::Conf,
    /// `error_log`
    pub(crate) errors: Errors,
    /// Which level `errors` was set in.
    pub(crate) errors_level: Level,
    /// The locations inside of this one.
    pub(crate) locations: Arc<Locations>,
}

impl Location {
    /// What a location inside of this one starts from.
    pub(crate) fn child(&self, name: &str) -> Self {
        Self {
            name: name.into(),
            handler: None,
            core: core::Conf {
                internal: false,
                ..self.core.clone()
            },
            ..self.branch()
        }
    }

    /// What an `if` or `limit_except` inside of this one starts from: it is the same location still.
    pub(crate) fn branch(&self) -> Self {
        Self {
            program: rewrite::Program::default(),
            limit_except: None,
            files: self.files.inherited(),
            locations: Arc::default(),
            ..self.clone()
        }
    }
}

/// The table.
pub(crate) static ROWS: &[Row] = &[];
