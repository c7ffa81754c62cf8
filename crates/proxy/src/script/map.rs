//! `map`: a value for a text, by table and by regular expressions.

use std::collections::HashMap;

use nginx_conf::Directive;

use super::computed::SUBJECT_CAPACITY;
use super::{Regex, Registry, Scope, Template};

/// One `map`. Texts are compared in either case.
#[derive(Debug)]
pub(crate) struct Map<V> {
    source: Template<V>,
    exact: HashMap<Box<[u8]>, Template<V>>,
    /// `*.example.com`: by what follows the star, with the dot.
    fronts: HashMap<Box<[u8]>, Template<V>>,
    /// `www.example.*`: by what precedes the star, with the dot.
    behinds: HashMap<Box<[u8]>, Template<V>>,
    regexes: Vec<(Regex, Template<V>)>,
    default: Template<V>,
    is_host: bool,
    /// `volatile`: the value is not kept.
    pub(crate) is_volatile: bool,
}

impl<V> Map<V> {
    /// Reads `map SOURCE $name { … }`.
    pub(crate) fn read(directive: &Directive, registry: &mut Registry<V>) -> Result<Self, String> {
        let [source, _] = directive.args.as_slice() else {
            return Err("expected a text and a variable".to_owned());
        };
        let entries = directive.block.as_deref().unwrap_or_default();
        let has = |name: &str| {
            let mut alone = entries.iter().filter(|entry| entry.args.is_empty());
            alone.any(|entry| entry.name.text == name)
        };
        let mut map = Self {
            source: registry.template(&source.text)?,
            exact: HashMap::new(),
            fronts: HashMap::new(),
            behinds: HashMap::new(),
            regexes: Vec::new(),
            default: Template::default(),
            is_host: has("hostnames"),
            is_volatile: has("volatile"),
        };
        for entry in entries {
            registry.stand_at(&entry.name.place);
            let key = entry.name.text.as_str();
            match entry.args.as_slice() {
                [] if matches!(key, "hostnames" | "volatile") => {}
                [value] => map.entry(key, registry.template(&value.text)?, registry)?,
                _ => return Err(format!("invalid number of parameters at \"{key}\"")),
            }
        }
        Ok(map)
    }

    fn entry(
        &mut self,
        key: &str,
        value: Template<V>,
        registry: &mut Registry<V>,
    ) -> Result<(), String> {
        if key == "default" {
            self.default = value;
            return Ok(());
        }
        if let Some(pattern) = key.strip_prefix('~') {
            let (pattern, caseless) = match pattern.strip_prefix('*') {
                Some(pattern) => (pattern, true),
                None => (pattern, false),
            };
            let regex = Regex::new(pattern, caseless, registry).map_err(|e| e.to_string())?;
            self.regexes.push((regex, value));
            return Ok(());
        }
        let key = key.strip_prefix('\\').unwrap_or(key).to_ascii_lowercase();
        let own = |text: &str| Box::<[u8]>::from(text.as_bytes());
        let known = if let Some(rest) = key.strip_prefix('*').filter(|_| self.is_host) {
            self.fronts.insert(own(rest), value).is_some()
        } else if let Some(rest) = key.strip_suffix('*').filter(|_| self.is_host) {
            self.behinds.insert(own(rest), value).is_some()
        } else if let Some(rest) = key.strip_prefix('.').filter(|_| self.is_host) {
            return Err(format!(
                "write \"{rest}\" and \"*.{rest}\" for \"{key}\": it is not supported yet"
            ));
        } else {
            self.exact.insert(own(&key), value).is_some()
        };
        match known {
            true => Err(format!("conflicting parameter \"{key}\"")),
            false => Ok(()),
        }
    }

    /// Appends the value for what the source says now.
    pub(super) fn append(
        &self,
        scope: &impl Scope<V>,
        matches: &dyn Fn(&Regex, &[u8]) -> bool,
        out: &mut Vec<u8>,
    ) {
        let mut subject = Vec::with_capacity(SUBJECT_CAPACITY);
        self.source.render(scope, &mut subject);
        let mut lower = subject.to_ascii_lowercase();
        if self.is_host && lower.last() == Some(&b'.') {
            lower.pop();
        }
        let found = self.exact.get(&*lower).or_else(|| self.wildcard(&lower));
        let found = found.or_else(|| {
            let mut regexes = self.regexes.iter();
            let regex = regexes.find(|(regex, _)| matches(regex, &subject));
            regex.map(|(_, value)| value)
        });
        found.unwrap_or(&self.default).render(scope, out);
    }

    /// The longest wildcard in front, else the longest behind.
    fn wildcard(&self, host: &[u8]) -> Option<&Template<V>> {
        let dots = || (0..host.len()).filter(|at| host[*at] == b'.');
        let front = || dots().find_map(|at| self.fronts.get(&host[at..]));
        let behind = || dots().rev().find_map(|at| self.behinds.get(&host[..=at]));
        if !self.is_host {
            return None;
        }
        front().or_else(behind)
    }
}
