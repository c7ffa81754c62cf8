//! Which server of an address a host name belongs to. Both faces have servers with names.
//!
//! nginx's order: the exact name, the longest wildcard in front (`*.example.com`, `.example.com`), the longest behind
//! (`www.example.*`), the first regular expression.

use std::collections::HashMap;
use std::sync::Arc;

use crate::script::{Captures, Regex, Registry, UserId};

/// One argument of `server_name`.
#[derive(Debug, Clone)]
pub(crate) enum Name {
    /// As it stands, in lower case; empty for requests without a host.
    Exact(Box<str>),
    /// `*.REST`, and `.REST` where the name itself is meant, too.
    Front { rest: Box<str>, bare: bool },
    /// `REST.*`
    Behind(Box<str>),
    /// `~REGEX`, in either case.
    Regex(Regex),
}

impl Name {
    /// Reads an argument.
    pub(crate) fn parse<V>(text: &str, registry: &mut Registry<V>) -> Result<Self, String> {
        if let Some(pattern) = text.strip_prefix('~') {
            if pattern.is_empty() {
                return Err(format!("empty regex in server name \"{text}\""));
            }
            let regex = Regex::new(pattern, true, registry);
            return regex.map(Self::Regex).map_err(|error| error.to_string());
        }
        let lower = text.to_ascii_lowercase();
        let invalid = || format!("server name \"{text}\" is invalid");
        let plain = |rest: &str| {
            let fine = !rest.is_empty() && !rest.starts_with('.') && !rest.contains('*');
            fine.then(|| Box::from(rest)).ok_or_else(invalid)
        };
        if let Some(rest) = lower.strip_prefix("*.") {
            let bare = false;
            return plain(rest).map(|rest| Self::Front { rest, bare });
        }
        if let Some(rest) = lower.strip_prefix('.') {
            let bare = true;
            return plain(rest).map(|rest| Self::Front { rest, bare });
        }
        if let Some(rest) = lower.strip_suffix(".*") {
            return plain(rest).map(Self::Behind);
        }
        if lower.contains('*') {
            return Err(invalid());
        }
        Ok(Self::Exact(lower.into()))
    }
}

/// What `$server_name` is where this argument of `server_name` is the first one.
pub(crate) fn shown(text: &str) -> String {
    match text.strip_prefix('.') {
        _ if text.starts_with('~') => text.to_owned(),
        Some(bare) => bare.to_ascii_lowercase(),
        None => text.to_ascii_lowercase(),
    }
}

/// The machine's name, as `$hostname` has it.
pub(crate) fn hostname() -> String {
    let name = rustix::system::uname();
    name.nodename().to_string_lossy().to_ascii_lowercase()
}

/// The servers of one address by their names.
#[derive(Debug)]
pub(crate) struct Names<S> {
    exact: HashMap<Box<[u8]>, Arc<S>>,
    front: HashMap<Box<[u8]>, Arc<S>>,
    behind: HashMap<Box<[u8]>, Arc<S>>,
    regexes: Vec<(Regex, Arc<S>)>,
}

impl<S> Default for Names<S> {
    fn default() -> Self {
        Self {
            exact: HashMap::new(),
            front: HashMap::new(),
            behind: HashMap::new(),
            regexes: Vec::new(),
        }
    }
}

impl<S> Names<S> {
    /// Adds a server under all of its names. Those that another server has already are given back: it keeps them.
    pub(crate) fn add(&mut self, names: &[Name], server: &Arc<S>) -> Vec<String> {
        let mut taken = Vec::new();
        for name in names {
            let (table, key) = match name {
                Name::Exact(text) => (&mut self.exact, text),
                Name::Front { rest, bare } => {
                    if *bare {
                        self.exact
                            .entry(rest.as_bytes().into())
                            .or_insert_with(|| server.clone());
                    }
                    (&mut self.front, rest)
                }
                Name::Behind(text) => (&mut self.behind, text),
                Name::Regex(regex) => {
                    self.regexes.push((regex.clone(), server.clone()));
                    continue;
                }
            };
            match table.entry(key.as_bytes().into()) {
                std::collections::hash_map::Entry::Occupied(other) => {
                    if !Arc::ptr_eq(other.get(), server) {
                        taken.push(key.to_string());
                    }
                }
                std::collections::hash_map::Entry::Vacant(slot) => {
                    slot.insert(server.clone());
                }
            }
        }
        taken
    }

    /// The server of a host name in lower case.
    pub(crate) fn find(
        &self,
        host: &[u8],
        captures: &mut Captures,
        assign: &mut dyn FnMut(UserId, &[u8]),
    ) -> Option<&Arc<S>> {
        if let Some(server) = self.exact.get(host) {
            return Some(server);
        }
        self.by_wildcard(host).or_else(|| {
            let matching =
                |(regex, _): &&(Regex, Arc<S>)| regex.captures(host, captures, &mut *assign);
            self.regexes.iter().find(matching).map(|(_, server)| server)
        })
    }

    fn by_wildcard(&self, host: &[u8]) -> Option<&Arc<S>> {
        let dots = |host: &[u8]| {
            let is_dot = |(at, byte): (usize, &u8)| (*byte == b'.').then_some(at);
            host.iter()
                .enumerate()
                .filter_map(is_dot)
                .collect::<Vec<_>>()
        };
        if self.front.is_empty() && self.behind.is_empty() {
            return None;
        }
        let dots = dots(host);
        let front = dots
            .iter()
            .filter(|at| **at > 0)
            .find_map(|at| self.front.get(&host[at + 1..]));
        front.or_else(|| {
            dots.iter()
                .rev()
                .find_map(|at| self.behind.get(&host[..*at]))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry() -> Registry<UserId> {
        Registry::new(|_, _| None, |id| id)
    }

    #[test]
    fn the_most_exact_name_wins() {
        let mut registry = registry();
        let mut names = Names::default();
        let servers: Vec<_> = [
            "example.com",
            "*.example.com",
            "www.example.*",
            ".example.org",
            "~^(?<part>w\\d+)\\.",
            "*.www.example.com",
        ]
        .iter()
        .map(|text| {
            let server = Arc::new(*text);
            let name = Name::parse(text, &mut registry).unwrap();
            assert!(names.add(&[name], &server).is_empty());
            server
        })
        .collect();
        let check = |host: &str, expected: Option<usize>| {
            let mut captures = Captures::default();
            let found = names.find(host.as_bytes(), &mut captures, &mut |_, _| {});
            let found = found.and_then(|found| servers.iter().position(|s| Arc::ptr_eq(s, found)));
            assert_eq!(found, expected, "{host}");
        };
        check("example.com", Some(0));
        check("a.example.com", Some(1));
        check("a.b.example.com", Some(1));
        check("www.example.com", Some(1));
        check("a.www.example.com", Some(5));
        check("www.example.net", Some(2));
        check("www.example.co.uk", Some(2));
        check("example.org", Some(3));
        check("a.example.org", Some(3));
        check("w12.net", Some(4));
        check("w.net", None);
        check("", None);
        let again = Name::parse("Example.com", &mut registry).unwrap();
        assert_eq!(
            names.add(std::slice::from_ref(&again), &servers[0]),
            Vec::<String>::new()
        );
        assert_eq!(names.add(&[again], &Arc::new("other")), ["example.com"]);
    }

    #[test]
    fn a_server_is_called_by_its_first_name() {
        for (text, expected) in [
            ("A.test", "a.test"),
            (".A.test", "a.test"),
            ("*.a.test", "*.a.test"),
            ("~^A\\.test$", "~^A\\.test$"),
        ] {
            assert_eq!(shown(text), expected);
        }
    }

    #[test]
    fn names_that_are_none() {
        let mut registry = registry();
        for text in ["a*b.c", "*", "*.", ".", "*.*", "~", "~(", "*.a*"] {
            assert!(Name::parse(text, &mut registry).is_err(), "{text}");
        }
    }
}
