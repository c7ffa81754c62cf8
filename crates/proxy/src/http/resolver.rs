//! `resolver`: who finds the addresses of names that come up while the server runs.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nginx_conf::Spec;

use crate::conf::contexts::LOCATIONS;
use crate::conf::{Apply, Row, time, word};
use crate::net::{Resolver, ResolverSpec};
use crate::upstream::{RESOLVER_TIMEOUT, read_resolver, rows};

/// The resolver of a location.
#[derive(Debug, Clone)]
pub(crate) struct Conf {
    /// What is written; `None` where nothing is.
    pub(crate) spec: Option<Arc<ResolverSpec>>,
    /// `resolver_timeout`
    pub(crate) timeout: Duration,
    /// The resolver of `spec`: locations that inherit it share what it knows.
    made: Arc<Mutex<Option<Arc<Resolver>>>>,
}

impl Default for Conf {
    fn default() -> Self {
        Self {
            spec: None,
            timeout: RESOLVER_TIMEOUT,
            made: Arc::default(),
        }
    }
}

impl Conf {
    /// The description, with the time-out that holds here.
    pub(crate) fn described(&self) -> Option<ResolverSpec> {
        self.spec.as_ref().map(|spec| ResolverSpec {
            timeout: self.timeout,
            ..ResolverSpec::clone(spec)
        })
    }

    /// The resolver, made when it is first asked for.
    pub(crate) fn get(&self) -> Option<Arc<Resolver>> {
        let spec = self.described()?;
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let resolver = made.get_or_insert_with(|| Arc::new(Resolver::new(spec)));
        Some(resolver.clone())
    }
}

/// The table.
pub(crate) static ROWS: &[Row] = &[
    Row::new(
        Spec::new(
            "resolver",
            LOCATIONS,
            rows::ADDRESSES,
            "The name servers that are asked for names in `proxy_pass` with variables; `valid=` replaces their times, `ipv4=off` and `ipv6=off` leave a kind of address out.",
        ),
        Apply::Location(|location, directive, _| {
            let conf = &mut location.resolver;
            conf.spec = Some(Arc::new(read_resolver(directive, conf.timeout)?));
            conf.made = Arc::default();
            Ok(())
        }),
    ),
    Row::new(
        Spec::new(
            "resolver_timeout",
            LOCATIONS,
            rows::TIME,
            "How long a name may take.",
        )
        .default("30s"),
        Apply::Location(|location, directive, _| {
            location.resolver.timeout = time(word(directive, 0)?)?;
            location.resolver.made = Arc::default();
            Ok(())
        }),
    ),
];
