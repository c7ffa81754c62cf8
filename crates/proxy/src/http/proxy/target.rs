//! Which group a request goes to, and under which name.

use std::sync::Arc;

use balancer::Address;

use super::super::{Request, Template, Var};
use super::pass::{Pass, Place, Target as Written, split_scheme};
use crate::conf::Severity;
use crate::upstream::{Group, Url, parse_url};

/// Where a request goes.
pub(super) struct Target {
    pub(super) group: Arc<Group<Var>>,
    pub(super) pass: Arc<Pass>,
    /// What the URL says, where it had variables.
    rendered: Option<Place>,
}

impl Target {
    /// What the URL says.
    pub(super) fn place(&self) -> &Place {
        match (&self.rendered, &self.pass.target) {
            (Some(place), _) | (None, Written::Fixed { place, .. }) => place,
            // A target with variables has been rendered.
            (None, Written::Variable(_)) => EMPTY,
        }
    }

    /// The URI had variables, so that it is all there is.
    pub(super) fn is_whole(&self) -> bool {
        self.rendered.is_some()
    }
}

const EMPTY: &Place = &Place {
    is_tls: false,
    host: Vec::new(),
    port: Vec::new(),
    uri: Vec::new(),
    url: Vec::new(),
};

/// Finds it; `Err` is the status that the client gets.
pub(super) async fn find(request: &Request, pass: &Arc<Pass>) -> Result<Target, u16> {
    match &pass.target {
        Written::Fixed { group, .. } => {
            let group = request.config.groups.get(*group).ok_or(500_u16)?;
            Ok(Target {
                group: group.clone(),
                pass: pass.clone(),
                rendered: None,
            })
        }
        Written::Variable(template) => variable(request, pass, template).await,
    }
}

async fn variable(request: &Request, pass: &Arc<Pass>, template: &Template) -> Result<Target, u16> {
    let rendered = template.to_bytes(request);
    let invalid = |reason: &str| {
        let url = String::from_utf8_lossy(&rendered);
        request.error(Severity::Error, format_args!("{reason} in \"{url}\""));
        500_u16
    };
    let text = std::str::from_utf8(&rendered).map_err(|_| invalid("invalid URL prefix"))?;
    let (usual, is_tls, rest) = split_scheme(text).ok_or_else(|| invalid("invalid URL prefix"))?;
    let url = parse_url(rest, true).map_err(invalid)?;
    let place = Place::of(text, &url, usual, is_tls);
    let port = url.port.unwrap_or(usual);
    let known = request
        .config
        .groups
        .find(&url.host, url.port.is_some(), port);
    let group = match known {
        Some(group) => group.clone(),
        None => Arc::new(passing(request, &url, port).await?),
    };
    Ok(Target {
        group,
        pass: pass.clone(),
        rendered: Some(place),
    })
}

/// A group for a host that no group has.
async fn passing(request: &Request, url: &Url, port: u16) -> Result<Group<Var>, u16> {
    if let Some(address) = url.literal(port) {
        return Ok(Group::passing(&url.host, vec![address]));
    }
    let Some(resolver) = request.location.resolver.get() else {
        request.error(
            Severity::Error,
            format_args!("no resolver defined to resolve {}", url.host),
        );
        return Err(502);
    };
    let resolved = resolver.addresses(&url.host).await.map_err(|error| {
        request.error(
            Severity::Error,
            format_args!("{} could not be resolved ({error})", url.host),
        );
        502_u16
    })?;
    let addresses = resolved.addresses.iter();
    let addresses = addresses.map(|ip| Address::Ip((*ip, port).into()));
    Ok(Group::passing(&url.host, addresses.collect()))
}
