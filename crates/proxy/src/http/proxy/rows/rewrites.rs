//! What is replaced in redirects and cookies of servers.

use nginx_conf::{Directive, Kind, Param};

use super::super::super::{HttpCx, Location};
use super::super::conf::Redirect;
use super::super::rewrite::{Cookie, CookieFlags, Pattern, Rewrite, regex};
use super::{list, optional};
use crate::conf::{Done, Row, word};

const PAIR: &[Param] = &[
    Param::required("off|text", Kind::Text),
    optional("replacement"),
];

/// The table.
pub(super) const ROWS: &[Row] = &[
    list(
        "proxy_redirect",
        PAIR,
        "What is replaced by what in Location and Refresh of servers: a text or, with `~` or `~*`, an expression; `default` puts the location's prefix in place of the `proxy_pass` URL; `off` changes nothing.",
        redirect,
    ),
    list(
        "proxy_cookie_domain",
        PAIR,
        "What is replaced by what in the domain of cookies; `off` changes nothing.",
        |location, directive, cx| {
            let level = cx.cx.level();
            let domains = &mut location.proxy.cookie_domains;
            domains.claim(level);
            let mut directive = directive.clone();
            if let [pattern, replacement] = directive.args.as_mut_slice()
                && !pattern.text.starts_with('~')
            {
                replacement.text = without_dot(&replacement.text).to_owned();
            }
            if let Some(rewrite) = pair(&directive, cx, |text, cx| {
                if let Some(found) = regex(text, true, cx)? {
                    return Ok(Pattern::Regex(found));
                }
                cx.registry.template(without_dot(text)).map(Pattern::Domain)
            })? {
                location.proxy.cookie_domains.add(level, rewrite);
            }
            Ok(())
        },
    ),
    list(
        "proxy_cookie_path",
        PAIR,
        "What is replaced by what in the path of cookies; `off` changes nothing.",
        |location, directive, cx| {
            let level = cx.cx.level();
            location.proxy.cookie_paths.claim(level);
            if let Some(rewrite) = pair(directive, cx, |text, cx| match regex(text, false, cx)? {
                Some(found) => Ok(Pattern::Regex(found)),
                None => cx.registry.template(text).map(Pattern::Prefix),
            })? {
                location.proxy.cookie_paths.add(level, rewrite);
            }
            Ok(())
        },
    ),
    list(
        "proxy_cookie_flags",
        &[
            Param::required("off|cookie", Kind::Text),
            optional("flag"),
            optional("flag"),
            optional("flag"),
        ],
        "Flags that a cookie gets or loses: secure, httponly, samesite=strict|lax|none, nosecure, nohttponly, nosamesite; `off` leaves them as they are.",
        cookie_flags,
    ),
];

/// A dot in front of a cookie's domain means nothing any more (RFC 6265, section 5.2.3).
fn without_dot(domain: &str) -> &str {
    domain.strip_prefix('.').unwrap_or(domain)
}

fn redirect(location: &mut Location, directive: &Directive, cx: &mut HttpCx<'_, '_>) -> Done {
    let level = cx.cx.level();
    let redirects = &mut location.proxy.redirects;
    redirects.claim(level);
    if directive.args.len() == 1 {
        let item = match word(directive, 0)? {
            "off" => Redirect::Off,
            "default" => Redirect::Default,
            other => return Err(format!("invalid parameter \"{other}\"")),
        };
        redirects.add(level, item);
        return Ok(());
    }
    let rewrite = pair(directive, cx, |text, cx| match regex(text, false, cx)? {
        Some(found) => Ok(Pattern::Regex(found)),
        None => cx.registry.template(text).map(Pattern::Prefix),
    })?;
    let rewrite = rewrite.ok_or("invalid number of arguments")?;
    location
        .proxy
        .redirects
        .add(level, Redirect::Rewrite(rewrite));
    Ok(())
}

/// A pattern and its replacement; `None` for `off`.
fn pair(
    directive: &Directive,
    cx: &mut HttpCx<'_, '_>,
    pattern: impl FnOnce(&str, &mut HttpCx<'_, '_>) -> Result<Pattern, String>,
) -> Result<Option<Rewrite>, String> {
    let text = word(directive, 0)?;
    if directive.args.len() == 1 {
        return match text {
            "off" => Ok(None),
            other => Err(format!("invalid parameter \"{other}\"")),
        };
    }
    cx.registry.stand_at(&directive.args[0].place);
    let pattern = pattern(text, cx)?;
    let replacement = cx.template(&directive.args[1])?;
    Ok(Some(Rewrite {
        pattern,
        replacement,
    }))
}

fn cookie_flags(location: &mut Location, directive: &Directive, cx: &mut HttpCx<'_, '_>) -> Done {
    let level = cx.cx.level();
    location.proxy.cookie_flags.claim(level);
    let text = word(directive, 0)?;
    if directive.args.len() == 1 {
        return match text {
            "off" => Ok(()),
            other => Err(format!("invalid parameter \"{other}\"")),
        };
    }
    cx.registry.stand_at(&directive.args[0].place);
    let cookie = match regex(text, true, cx)? {
        Some(found) => Cookie::Regex(found),
        None => Cookie::Name(cx.template(&directive.args[0])?),
    };
    let mut flags = Vec::new();
    for word in &directive.args[1..] {
        let flag = cx.template(word)?;
        if let Some(literal) = flag.as_literal()
            && super::super::rewrite::Flag::parse(literal).is_none()
        {
            return Err(format!("invalid parameter \"{}\"", word.text));
        }
        flags.push(flag);
    }
    let item = CookieFlags { cookie, flags };
    location.proxy.cookie_flags.add(level, item);
    Ok(())
}
