//! Which location a URI belongs to, by nginx's rules.
//!
//! The exact one; else the longest prefix, unless a regular expression (the first that matches, in the order of the file)
//! takes it from one that is not marked `^~`. Inside of the chosen prefix the search goes on.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Location, Var};
use crate::script::{Captures, Regex, Registry, UserId};

/// What stands after `location`.
#[derive(Debug, Clone)]
pub(crate) enum Pattern {
    /// `= URI`
    Exact(String),
    /// `URI`, or `^~ URI` where `final_one`.
    Prefix { text: String, is_final: bool },
    /// `~ REGEX`, `~* REGEX`
    Regex(Regex),
    /// `@NAME`
    Named(String),
}

impl Pattern {
    /// Reads the words after `location`.
    pub(crate) fn parse(words: &[&str], registry: &mut Registry<Var>) -> Result<Self, String> {
        let regex = |text: &str, caseless, registry: &mut _| {
            Regex::new(text, caseless, registry)
                .map(Pattern::Regex)
                .map_err(|error| error.to_string())
        };
        let prefix = |text: &str, is_final| Pattern::Prefix {
            text: text.to_owned(),
            is_final,
        };
        match *words {
            ["=", uri] => Ok(Self::Exact(uri.to_owned())),
            ["^~", uri] => Ok(prefix(uri, true)),
            ["~", text] => regex(text, false, registry),
            ["~*", text] => regex(text, true, registry),
            [_, _] => Err(format!("invalid location modifier \"{}\"", words[0])),
            // nginx also reads the modifier and the URI written together.
            [word] => match word.as_bytes() {
                [b'=', ..] => Ok(Self::Exact(word[1..].to_owned())),
                [b'^', b'~', ..] => Ok(prefix(&word[2..], true)),
                [b'~', b'*', ..] => regex(&word[2..], true, registry),
                [b'~', ..] => regex(&word[1..], false, registry),
                [b'@', ..] => Ok(Self::Named(word.to_owned())),
                _ => Ok(prefix(word, false)),
            },
            _ => Err("expected a URI, a modifier and a URI, or @NAME".to_owned()),
        }
    }

    /// The prefix, URI, expression or name.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Exact(text) | Self::Prefix { text, .. } | Self::Named(text) => text,
            Self::Regex(regex) => regex.as_str(),
        }
    }

    /// Whether such a location may stand inside of `around`; the server's own level is around all of them.
    pub(crate) fn fits_in(&self, around: &Location) -> Result<(), String> {
        let text = self.text();
        let outer = &*around.pattern;
        if around.name.is_empty() {
            return Ok(());
        }
        if around.is_named {
            return Err(format!(
                "location \"{text}\" cannot be inside the named location \"{outer}\""
            ));
        }
        match self {
            Self::Named(_) => Err(format!(
                "named location \"{text}\" can be on the server level only"
            )),
            Self::Exact(_) | Self::Prefix { .. }
                if !around.is_regex && !text.starts_with(outer) =>
            {
                Err(format!(
                    "location \"{text}\" is outside location \"{outer}\""
                ))
            }
            _ => Ok(()),
        }
    }
}

/// The locations of one level.
#[derive(Debug, Default)]
pub(crate) struct Locations {
    exact: HashMap<Box<[u8]>, Arc<Location>>,
    /// Longest first.
    prefixes: Vec<Prefix>,
    regexes: Vec<(Regex, Arc<Location>)>,
    named: HashMap<Box<str>, Arc<Location>>,
    /// Proxied locations that end with a slash, by what stands before it.
    slashed: HashMap<Box<[u8]>, Arc<Location>>,
}

#[derive(Debug)]
struct Prefix {
    text: Box<[u8]>,
    is_final: bool,
    location: Arc<Location>,
}

/// What a look-up found.
#[derive(Debug, Clone)]
pub(crate) enum Found {
    /// This location.
    Location(Arc<Location>),
    /// The URI with a slash behind it belongs to a prefix location that is proxied: the client is to ask for that
    /// (301). nginx does so for locations that end with a slash.
    Slash(Arc<Location>),
}

impl Locations {
    /// Adds a location.
    pub(crate) fn add(&mut self, pattern: Pattern, location: Arc<Location>) -> Result<(), String> {
        let duplicate = |text: &str| format!("duplicate location \"{text}\"");
        if let Pattern::Exact(text) | Pattern::Prefix { text, .. } = &pattern
            && let Some(bare) = text.strip_suffix('/')
            && location.handler.is_some()
        {
            self.slashed
                .insert(bare.as_bytes().into(), location.clone());
        }
        match pattern {
            Pattern::Exact(text) => {
                if self
                    .exact
                    .insert(text.as_bytes().into(), location)
                    .is_some()
                {
                    return Err(duplicate(&text));
                }
            }
            Pattern::Named(text) => {
                if self.named.insert(text.as_str().into(), location).is_some() {
                    return Err(duplicate(&text));
                }
            }
            Pattern::Regex(regex) => self.regexes.push((regex, location)),
            Pattern::Prefix { text, is_final } => {
                if self
                    .prefixes
                    .iter()
                    .any(|other| &*other.text == text.as_bytes())
                {
                    return Err(duplicate(&text));
                }
                self.prefixes.push(Prefix {
                    text: text.as_bytes().into(),
                    is_final,
                    location,
                });
            }
        }
        Ok(())
    }

    /// To be called once all are added.
    pub(crate) fn sort(&mut self) {
        self.prefixes
            .sort_by_key(|prefix| std::cmp::Reverse(prefix.text.len()));
    }

    /// The location `@NAME`.
    pub(crate) fn named(&self, name: &str) -> Option<&Arc<Location>> {
        self.named.get(name)
    }

    /// The location that a normalised URI belongs to; `None` for the level's own. Captures of an expression are kept.
    pub(crate) fn find(
        &self,
        uri: &[u8],
        captures: &mut Captures,
        assign: &mut dyn FnMut(UserId, &[u8]),
    ) -> Option<Found> {
        if let Some(location) = self.exact.get(uri) {
            return Some(Found::Location(location.clone()));
        }
        if let Some(location) = self.slashed.get(uri) {
            // A location of exactly this prefix is nearer.
            if !self.prefixes.iter().any(|prefix| *prefix.text == *uri) {
                return Some(Found::Slash(location.clone()));
            }
        }
        let prefix = self
            .prefixes
            .iter()
            .find(|prefix| uri.starts_with(&prefix.text));
        let is_final = prefix.is_some_and(|prefix| prefix.is_final);
        let inner = prefix.and_then(|prefix| prefix.location.locations.find(uri, captures, assign));
        // Deeper regular expressions go first, as they do in nginx.
        match &inner {
            Some(Found::Location(location)) if !location.is_regex && !is_final => {}
            None => {}
            Some(_) => return inner,
        }
        if !is_final {
            for (regex, location) in &self.regexes {
                if regex.captures(uri, captures, &mut *assign) {
                    let deeper = location.locations.find(uri, captures, assign);
                    return deeper.or_else(|| Some(Found::Location(location.clone())));
                }
            }
        }
        inner.or_else(|| prefix.map(|prefix| Found::Location(prefix.location.clone())))
    }
}
