//! What a location's values come to, once all of its level are read.

use std::sync::Arc;

use super::super::{Handler, Location, Template};
use super::conf::Conf;
use super::head::Head;
use super::names::Names;
use super::pass::{Pass, Target};
use super::ssl::Tls;
use crate::net::tls::ClientTls;

/// What requests of a location use.
#[derive(Debug)]
pub(crate) struct Ready {
    /// The request's head.
    pub(crate) head: Head,
    /// Fields of the server that the client does not get.
    pub(crate) hidden: Names,
    /// `proxy_redirect default`: what is replaced by what.
    pub(crate) redirect: Option<Usual>,
    /// TLS to the servers, where there may be any.
    pub(crate) tls: Option<Arc<Tls>>,
}

/// `proxy_redirect default`.
#[derive(Debug)]
pub(crate) struct Usual {
    /// The URL of `proxy_pass`.
    pub(crate) from: Box<[u8]>,
    /// The location's prefix.
    pub(crate) to: Box<[u8]>,
}

/// What nginx hides where `proxy_pass_header` does not say otherwise.
const HIDDEN: [&str; 8] = [
    "Date",
    "Server",
    "X-Pad",
    "X-Accel-Expires",
    "X-Accel-Redirect",
    "X-Accel-Limit-Rate",
    "X-Accel-Buffering",
    "X-Accel-Charset",
];

/// Completes a location that passes requests on; to be called when all plain directives of its level are read.
pub(crate) fn settle(location: &mut Location) -> Result<(), String> {
    let Some(Handler::Proxy(pass)) = &location.handler else {
        return Ok(());
    };
    let ready = ready(&location.proxy, pass)?;
    location.proxy.ready = Some(Arc::new(ready));
    location.proxy.check_buffers().map_err(str::to_owned)
}

/// TLS of the location to its servers, and whom their certificates are to be for.
pub(crate) fn tls(location: &Location, host: &str) -> Option<(Arc<ClientTls>, String)> {
    let tls = location.proxy.ready.as_ref()?.tls.as_ref()?;
    let name = location.proxy.ssl.name.as_ref();
    let name = name.and_then(Template::as_literal);
    let name = name.map_or(host.into(), String::from_utf8_lossy);
    Some((tls.client.clone(), name.into_owned()))
}

fn ready(conf: &Conf, pass: &Pass) -> Result<Ready, String> {
    let mut hidden = Names::default();
    let defaults = HIDDEN.iter().copied();
    defaults
        .chain(conf.hide.iter().map(|name| &**name))
        .for_each(|name| hidden.add(name.as_bytes()));
    for name in conf.pass.iter() {
        hidden.remove(name.as_bytes());
    }
    let (redirect, may_be_tls) = match &pass.target {
        Target::Variable(_) => (None, true),
        Target::Fixed { place, .. } => {
            let mut from = place.url.clone();
            let to: Box<[u8]> = if place.uri.is_empty() {
                from.push(b'/');
                b"/".as_slice().into()
            } else {
                pass.prefix.clone()
            };
            let from = from.into();
            (Some(Usual { from, to }), place.is_tls)
        }
    };
    let tls = if may_be_tls {
        Some(conf.ssl.load()?)
    } else {
        None
    };
    Ok(Ready {
        head: Head::new(conf),
        hidden,
        redirect,
        tls,
    })
}
