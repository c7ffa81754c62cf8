//! The resolver that holds at a place of the configuration.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nginx_conf::Directive;

use super::resolver_row::{TIMEOUT, read};
use crate::conf::{Done, time, word};
use crate::net::{Resolver, ResolverSpec};

/// `resolver` and `resolver_timeout`, as they hold at a place.
#[derive(Debug, Clone)]
pub(crate) struct Resolving {
    /// What is written; `None` where nothing is.
    pub(crate) spec: Option<Arc<ResolverSpec>>,
    /// `resolver_timeout`
    pub(crate) timeout: Duration,
    /// The resolver of `spec`: places that inherit it share what it knows.
    made: Arc<Mutex<Option<Arc<Resolver>>>>,
}

impl Default for Resolving {
    fn default() -> Self {
        Self {
            spec: None,
            timeout: TIMEOUT,
            made: Arc::default(),
        }
    }
}

impl Resolving {
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

    /// Takes `resolver` in.
    pub(crate) fn set(&mut self, directive: &Directive) -> Done {
        self.spec = Some(Arc::new(read(directive, self.timeout)?));
        self.made = Arc::default();
        Ok(())
    }

    /// Takes `resolver_timeout` in.
    pub(crate) fn set_timeout(&mut self, directive: &Directive) -> Done {
        self.timeout = time(word(directive, 0)?)?;
        self.made = Arc::default();
        Ok(())
    }
}
