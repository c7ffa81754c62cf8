//! `proxy_cookie_domain`, `proxy_cookie_path`, `proxy_cookie_flags`.

use super::super::{Request, Template};
use super::conf::Conf;
use super::rewrite::{Cookie, Flag, Rewrite, matches};

/// Whether anything is to be done.
pub(super) fn has_rules(conf: &Conf) -> bool {
    !(conf.cookie_domains.is_empty()
        && conf.cookie_paths.is_empty()
        && conf.cookie_flags.is_empty())
}

/// The attributes of a cookie, as `Set-Cookie` has them.
struct Attributes(Vec<Vec<u8>>);

/// The value of `Set-Cookie` after the rules.
pub(super) fn rewrite(request: &Request, conf: &Conf, value: &[u8]) -> Vec<u8> {
    let before = value;
    let mut parts = value.split(|byte| *byte == b';');
    let first = parts.next().unwrap_or_default();
    let attributes = parts.map(|part| part.trim_ascii().to_vec());
    let mut attributes = Attributes(attributes.filter(|part| !part.is_empty()).collect());
    let mut changed = attributes.apply(request, b"domain", &conf.cookie_domains);
    changed |= attributes.apply(request, b"path", &conf.cookie_paths);
    let name = first.split(|byte| *byte == b'=').next().unwrap_or_default();
    for word in flags(request, conf, name.trim_ascii()) {
        if let Some(flag) = Flag::parse(&word.to_bytes(request)) {
            attributes.flag(flag);
            changed = true;
        }
    }
    if !changed {
        return before.to_vec();
    }
    let mut out = first.to_vec();
    for attribute in &attributes.0 {
        out.extend_from_slice(b"; ");
        out.extend_from_slice(attribute);
    }
    out
}

/// The flags of the first rule that means the cookie.
fn flags<'c>(request: &Request, conf: &'c Conf, name: &[u8]) -> &'c [Template] {
    let rule = conf.cookie_flags.iter().find(|rule| match &rule.cookie {
        Cookie::Name(template) => template.to_bytes(request).eq_ignore_ascii_case(name),
        Cookie::Regex(regex) => matches(regex, request, name),
    });
    rule.map_or(&[], |rule| &rule.flags)
}

fn is(attribute: &[u8], name: &[u8]) -> bool {
    let own = attribute.split(|byte| *byte == b'=').next();
    own.is_some_and(|own| own.trim_ascii().eq_ignore_ascii_case(name))
}

impl Attributes {
    /// Applies the first rule that matches to the attribute of that name; whether there was one.
    fn apply(&mut self, request: &Request, name: &[u8], rules: &[Rewrite]) -> bool {
        let found = self.0.iter_mut().find(|attribute| is(attribute, name));
        let Some(attribute) = found else {
            return false;
        };
        let Some(at) = attribute.iter().position(|byte| *byte == b'=') else {
            return false;
        };
        let mut rules = rules.iter();
        rules.any(|rule| rule.apply(request, attribute, at + 1))
    }

    fn flag(&mut self, flag: Flag) {
        match flag {
            Flag::Secure(on) => self.set(b"secure", on.then_some(b"Secure".to_vec())),
            Flag::HttpOnly(on) => self.set(b"httponly", on.then_some(b"HttpOnly".to_vec())),
            Flag::SameSite(value) => {
                let text = value.map(|value| format!("SameSite{value}").into_bytes());
                self.set(b"samesite", text);
            }
        }
    }

    fn set(&mut self, name: &[u8], value: Option<Vec<u8>>) {
        match (self.0.iter_mut().find(|one| is(one, name)), value) {
            (Some(known), Some(value)) => *known = value,
            (None, Some(value)) => self.0.push(value),
            (_, None) => self.0.retain(|one| !is(one, name)),
        }
    }
}
