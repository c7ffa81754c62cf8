//! `access_log`: which lines go where.

use std::sync::Arc;

use nginx_conf::{Directive, Word};

use super::{Format, Limits, LogFile};
use crate::conf::{size, time};
use crate::script::{Scope, Template};

/// Where lines go.
#[derive(Debug, Clone)]
pub(crate) enum Target<V> {
    /// One file.
    File(Arc<LogFile>),
    /// A file whose name is made for each line; it is opened for it.
    Path(Template<V>),
    /// A topic of the log of this machine.
    Topic(Arc<str>),
}

/// One `access_log`.
#[derive(Debug, Clone)]
pub(crate) struct AccessLog<V> {
    pub(crate) target: Target<V>,
    pub(crate) format: Arc<Format<V>>,
    pub(crate) limits: Limits,
    /// `if=`: nothing is logged where this is empty or `0`.
    pub(crate) condition: Option<Template<V>>,
}

/// The buffer of an `access_log` that asks for flushing or compression, but not for a size.
const BUFFER_DEFAULT: usize = 64 << 10;

/// The words of an `access_log`, taken apart.
#[derive(Debug, Default)]
pub(crate) struct Words<'d> {
    /// The name of the format, where it is given.
    pub(crate) format: Option<&'d str>,
    pub(crate) limits: Limits,
    /// What follows `if=`.
    pub(crate) condition: Option<Word>,
}

impl<'d> Words<'d> {
    /// Reads what follows the target.
    pub(crate) fn read(directive: &'d Directive) -> Result<Self, String> {
        let mut words = Words::default();
        for (index, word) in directive.args.iter().enumerate().skip(1) {
            let text = word.text.as_str();
            let invalid = || format!("invalid parameter \"{text}\"");
            if let Some(value) = text.strip_prefix("buffer=") {
                let bytes = usize::try_from(size(value)?).map_err(|_| invalid())?;
                words.limits.buffer = Some(bytes).filter(|bytes| *bytes > 0);
            } else if let Some(value) = text.strip_prefix("flush=") {
                words.limits.flush = Some(time(value)?);
            } else if let Some(value) = text.strip_prefix("if=") {
                words.condition = Some(Word::new(value, word.place.clone()));
            } else if text == "gzip" {
                words.limits.gzip = Some(1);
            } else if let Some(level) = text.strip_prefix("gzip=") {
                let level = level.parse().ok().filter(|level| (1..=9).contains(level));
                words.limits.gzip = Some(level.ok_or_else(invalid)?);
            } else if index == 1 {
                words.format = Some(text);
            } else {
                return Err(invalid());
            }
        }
        if words.limits.flush.is_some() || words.limits.gzip.is_some() {
            words.limits.buffer.get_or_insert(BUFFER_DEFAULT);
        }
        Ok(words)
    }
}

impl<V> AccessLog<V> {
    /// Whether this request, or session, is wanted. `scratch` is memory to work in.
    pub(crate) fn wants(&self, scope: &(impl Scope<V> + ?Sized), scratch: &mut Vec<u8>) -> bool {
        let Some(condition) = &self.condition else {
            return true;
        };
        scratch.clear();
        condition.render(scope, scratch);
        !scratch.is_empty() && scratch != b"0"
    }
}
