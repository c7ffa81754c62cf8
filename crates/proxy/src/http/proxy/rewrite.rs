//! Replacing parts of what a server sends: of redirects and of cookies' domains and paths.

use std::cell::RefCell;

use super::super::{HttpCx, Request, Template};
use crate::script::Regex;

/// What is replaced, and by what.
#[derive(Debug, Clone)]
pub(crate) struct Rewrite {
    pub(crate) pattern: Pattern,
    pub(crate) replacement: Template,
}

/// What is replaced.
#[derive(Debug, Clone)]
pub(crate) enum Pattern {
    /// This, where the value begins with it.
    Prefix(Template),
    /// The whole value, where it is this but for case and a dot in front.
    Domain(Template),
    /// The whole value, where it matches.
    Regex(Regex),
}

/// One `proxy_cookie_flags`.
#[derive(Debug, Clone)]
pub(crate) struct CookieFlags {
    pub(crate) cookie: Cookie,
    pub(crate) flags: Vec<Template>,
}

/// Which cookies.
#[derive(Debug, Clone)]
pub(crate) enum Cookie {
    Name(Template),
    Regex(Regex),
}

/// A flag of a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flag {
    /// `secure` is set, or taken away.
    Secure(bool),
    /// `httponly` is set, or taken away.
    HttpOnly(bool),
    /// `samesite` with its value; none takes it away.
    SameSite(Option<&'static str>),
}

impl Flag {
    /// The flag that a word of `proxy_cookie_flags` means.
    pub(crate) fn parse(word: &[u8]) -> Option<Self> {
        let lower = word.to_ascii_lowercase();
        Some(match lower.as_slice() {
            b"secure" => Self::Secure(true),
            b"nosecure" => Self::Secure(false),
            b"httponly" => Self::HttpOnly(true),
            b"nohttponly" => Self::HttpOnly(false),
            b"samesite" => Self::SameSite(Some("")),
            b"samesite=strict" => Self::SameSite(Some("=Strict")),
            b"samesite=lax" => Self::SameSite(Some("=Lax")),
            b"samesite=none" => Self::SameSite(Some("=None")),
            b"nosamesite" => Self::SameSite(None),
            _ => return None,
        })
    }
}

/// The expression behind `~` or `~*`; `None` where the word is none.
pub(crate) fn regex(
    text: &str,
    always_caseless: bool,
    cx: &mut HttpCx<'_, '_>,
) -> Result<Option<Regex>, String> {
    let Some(rest) = text.strip_prefix('~') else {
        return Ok(None);
    };
    let (rest, caseless) = match rest.strip_prefix('*') {
        Some(rest) if !always_caseless => (rest, true),
        _ => (rest, always_caseless),
    };
    let regex = Regex::new(rest, caseless, &mut cx.registry);
    regex.map(Some).map_err(|error| error.to_string())
}

/// Whether an expression matches; its captures are the request's then.
pub(crate) fn matches(regex: &Regex, request: &Request, subject: &[u8]) -> bool {
    let assign = |id, value: &[u8]| request.slots.set(id, value);
    regex.captures(subject, &mut request.captures.borrow_mut(), assign)
}

thread_local! {
    /// Patterns and replacements with variables are rendered here.
    static RENDERED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

fn rendered<T>(template: &Template, request: &Request, use_it: impl FnOnce(&[u8]) -> T) -> T {
    if let Some(text) = template.as_literal() {
        return use_it(text);
    }
    let mut bytes = RENDERED.take();
    bytes.clear();
    template.render(request, &mut bytes);
    let outcome = use_it(&bytes);
    RENDERED.set(bytes);
    outcome
}

impl Rewrite {
    /// Replaces in `value` what stands from `from` on, where it is what is looked for.
    pub(crate) fn apply(&self, request: &Request, value: &mut Vec<u8>, from: usize) -> bool {
        let tail = &value[from..];
        let range = match &self.pattern {
            Pattern::Prefix(template) => rendered(template, request, |prefix| {
                tail.starts_with(prefix).then(|| from..from + prefix.len())
            }),
            Pattern::Domain(template) => rendered(template, request, |domain| {
                let dot = usize::from(tail.first() == Some(&b'.'));
                let is_it = tail[dot..].eq_ignore_ascii_case(domain);
                is_it.then(|| from + dot..value.len())
            }),
            Pattern::Regex(regex) => matches(regex, request, tail).then_some(from..value.len()),
        };
        let Some(range) = range else {
            return false;
        };
        rendered(&self.replacement, request, |replacement| {
            value.splice(range, replacement.iter().copied());
        });
        true
    }
}
