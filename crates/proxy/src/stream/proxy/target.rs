//! Which group a session goes to.

use std::sync::Arc;

use balancer::Address;
use nginx_conf::Directive;

use super::super::{Session, StreamCx, Template, UpstreamDraft, Var};
use super::conf::Pass;
use crate::conf::Severity;
use crate::upstream::{Group, Url, parse_url};

/// Where a session goes.
pub(super) struct Target {
    pub(super) group: Arc<Group<Var>>,
    /// The host as it is written: whom a certificate must be for.
    pub(super) host: String,
}

/// Reads `proxy_pass`.
pub(super) fn read(directive: &Directive, cx: &mut StreamCx<'_, '_>) -> Result<Pass, String> {
    let word = directive.args.first().ok_or("expected an address")?;
    let template = cx.template(word)?;
    let Some(text) = template.as_literal() else {
        return Ok(Pass::Variable(template));
    };
    let text = String::from_utf8_lossy(text).into_owned();
    let wrong = |reason: &str| format!("{reason} in upstream \"{text}\"");
    let url = parse_url(&text, false).map_err(wrong)?;
    let groups = &mut cx.draft.upstreams;
    let is_named = |group: &UpstreamDraft| group.name.eq_ignore_ascii_case(&url.host);
    let is_block = |group: &UpstreamDraft| group.port.is_none() && is_named(group);
    if let Some(index) = groups.iter().position(is_block)
        && url.port.is_none()
    {
        return Ok(Pass::Fixed(index, url.host));
    }
    let port = match (url.is_unix, url.port) {
        (true, _) => 0,
        (false, Some(port)) => port,
        (false, None) => return Err(wrong("no port")),
    };
    let is_same = |group: &UpstreamDraft| group.port == Some(port) && is_named(group);
    if let Some(index) = groups.iter().position(is_same) {
        return Ok(Pass::Fixed(index, url.host));
    }
    groups.push(UpstreamDraft::implicit(&url, port)?);
    Ok(Pass::Fixed(groups.len() - 1, url.host))
}

/// Finds it; nothing where there is none, which has been told in the log.
pub(super) async fn find(session: &Session, pass: &Pass) -> Option<Target> {
    match pass {
        Pass::Fixed(index, host) => Some(Target {
            group: session.config.groups.get(*index)?.clone(),
            host: host.clone(),
        }),
        Pass::Variable(template) => variable(session, template).await,
    }
}

async fn variable(session: &Session, template: &Template) -> Option<Target> {
    let rendered = template.to_bytes(session);
    let text = String::from_utf8_lossy(&rendered);
    let wrong = |reason: &str| {
        session.error(
            Severity::Error,
            format_args!("{reason} in upstream \"{text}\""),
        );
    };
    let url = parse_url(&text, false).map_err(wrong).ok()?;
    let port = url.port.unwrap_or(0);
    let groups = &session.config.groups;
    let host = url.host.clone();
    if let Some(group) = groups.find(&url.host, url.port.is_some(), port) {
        let group = group.clone();
        return Some(Target { group, host });
    }
    if url.port.is_none() && !url.is_unix {
        wrong("no port");
        return None;
    }
    let addresses = addresses(session, &url, port).await?;
    let group = Arc::new(Group::passing(&text, addresses));
    Some(Target { group, host })
}

async fn addresses(session: &Session, url: &Url, port: u16) -> Option<Vec<Address>> {
    if let Some(address) = url.literal(port) {
        return Some(vec![address]);
    }
    let Some(resolver) = session.server.resolver.get() else {
        session.error(
            Severity::Error,
            format_args!("no resolver defined to resolve {}", url.host),
        );
        return None;
    };
    match resolver.addresses(&url.host).await {
        Ok(resolved) => {
            let addresses = resolved.addresses.iter();
            Some(
                addresses
                    .map(|ip| Address::Ip((*ip, port).into()))
                    .collect(),
            )
        }
        Err(error) => {
            session.error(
                Severity::Error,
                format_args!("{} could not be resolved ({error})", url.host),
            );
            None
        }
    }
}
