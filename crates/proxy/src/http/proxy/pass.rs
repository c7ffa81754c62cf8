//! `proxy_pass`: where requests go.

use std::sync::atomic::{AtomicU64, Ordering};

use super::super::{HttpCx, Location, Template, UpstreamDraft};
use crate::upstream::{Url, parse_url};

/// Where a location's requests go.
#[derive(Debug)]
pub(crate) struct Pass {
    /// No other one of this process has it: pools that are `local` keep connections of each apart.
    pub(crate) id: u64,
    pub(crate) target: Target,
    /// The prefix that the URI of the target takes the place of; empty where there is none.
    pub(crate) prefix: Box<[u8]>,
}

/// The target.
#[derive(Debug)]
pub(crate) enum Target {
    /// It has no variables.
    Fixed {
        /// The number of the group.
        group: usize,
        place: Place,
    },
    /// It is known when the request is there.
    Variable(Template),
}

/// What a URL says, as the request needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) is_tls: bool,
    /// `$proxy_host`: the host, with the port where it is not the usual one.
    pub(crate) host: Vec<u8>,
    /// `$proxy_port`
    pub(crate) port: Vec<u8>,
    /// The URI; empty where there is none.
    pub(crate) uri: Vec<u8>,
    /// The whole as written.
    pub(crate) url: Vec<u8>,
}

impl Pass {
    /// The number of the group and what the URL says, where it has no variables.
    pub(crate) fn fixed(&self) -> Option<(usize, &Place)> {
        match &self.target {
            Target::Fixed { group, place } => Some((*group, place)),
            Target::Variable(_) => None,
        }
    }
}

/// The scheme's usual port, whether it is TLS, and what follows.
pub(crate) fn split_scheme(url: &str) -> Option<(u16, bool, &str)> {
    let is = |scheme: &str| {
        let start = url.get(..scheme.len())?;
        start
            .eq_ignore_ascii_case(scheme)
            .then(|| &url[scheme.len()..])
    };
    match (is("http://"), is("https://")) {
        (Some(rest), _) => Some((80, false, rest)),
        (_, Some(rest)) => Some((443, true, rest)),
        (None, None) => None,
    }
}

impl Place {
    /// Of a URL in its parts.
    pub(crate) fn of(url: &str, parsed: &Url, usual: u16, is_tls: bool) -> Self {
        let (host, port) = if parsed.is_unix {
            ("localhost".to_owned(), String::new())
        } else {
            match parsed.port.filter(|port| *port != usual) {
                None => (parsed.host.clone(), usual.to_string()),
                Some(port) => (format!("{}:{port}", parsed.host), port.to_string()),
            }
        };
        Self {
            is_tls,
            host: host.into_bytes(),
            port: port.into_bytes(),
            uri: parsed.uri.clone().into_bytes(),
            url: url.as_bytes().to_vec(),
        }
    }
}

fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Reads `proxy_pass`. Where `is_inner`, it stands in an `if` or a `limit_except`.
pub(crate) fn read(
    location: &Location,
    word: &nginx_conf::Word,
    is_inner: bool,
    cx: &mut HttpCx<'_, '_>,
) -> Result<Pass, String> {
    let has_prefix = !is_inner && !location.is_named && !location.is_regex;
    let pass = |target| Pass {
        id: next_id(),
        target,
        prefix: if has_prefix {
            location.pattern.as_bytes().into()
        } else {
            Box::default()
        },
    };
    let template = cx.template(word)?;
    let Some(url) = template.as_literal() else {
        return Ok(pass(Target::Variable(template)));
    };
    let url = std::str::from_utf8(url).map_err(|_| "invalid URL prefix")?;
    let (usual, is_tls, rest) = split_scheme(url).ok_or("invalid URL prefix")?;
    let parsed = parse_url(rest, true).map_err(|reason| format!("{reason} in \"{url}\""))?;
    if !has_prefix && !parsed.uri.is_empty() {
        return Err("it cannot have URI part in location given by regular expression, or inside named location, or inside \"if\" statement, or inside \"limit_except\" block".to_owned());
    }
    let place = Place::of(url, &parsed, usual, is_tls);
    let group = group(&parsed, usual, cx)?;
    Ok(pass(Target::Fixed { group, place }))
}

/// The number of the group that a URL means; one is made where there is none.
fn group(url: &Url, usual: u16, cx: &mut HttpCx<'_, '_>) -> Result<usize, String> {
    let port = if url.is_unix {
        0
    } else {
        url.port.unwrap_or(usual)
    };
    let groups = &mut cx.draft.upstreams;
    let is_named = |group: &UpstreamDraft| group.name.eq_ignore_ascii_case(&url.host);
    let is_block = |group: &UpstreamDraft| group.port.is_none() && is_named(group);
    if let Some(index) = groups.iter().position(is_block) {
        return match url.port {
            None => Ok(index),
            Some(port) => Err(format!(
                "upstream \"{}\" may not have port {port}",
                url.host
            )),
        };
    }
    let known = groups
        .iter()
        .position(|group| is_named(group) && group.port == Some(port));
    if let Some(index) = known {
        return Ok(index);
    }
    groups.push(UpstreamDraft::implicit(url, usual)?);
    Ok(groups.len() - 1)
}
