//! `resolver` and `resolver_timeout`, wherever they stand.

use std::net::SocketAddr;
use std::time::Duration;

use nginx_conf::{Directive, value};

use super::address;
use crate::conf::time;
use crate::net::ResolverSpec;

/// How long a name may take where `resolver_timeout` is not written.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

const DNS_PORT: u16 = 53;

/// Reads `resolver ADDRESS … [valid=TIME] [ipv4=off] [ipv6=off]`.
pub(crate) fn read(directive: &Directive, timeout: Duration) -> Result<ResolverSpec, String> {
    let mut spec = ResolverSpec {
        servers: Vec::new(),
        valid: None,
        ipv4: true,
        ipv6: true,
        timeout,
    };
    for word in &directive.args {
        let text = word.text.as_str();
        let invalid = || format!("invalid parameter: {text}");
        match text.split_once('=') {
            Some(("valid", valid)) => spec.valid = Some(time(valid).map_err(|_| invalid())?),
            Some(("ipv4", on)) => spec.ipv4 = value::flag(on).ok_or_else(invalid)?,
            Some(("ipv6", on)) => spec.ipv6 = value::flag(on).ok_or_else(invalid)?,
            // The memory of counters, which every group has here.
            Some(("status_zone", _)) => {}
            _ => spec.servers.extend(server(text)?),
        }
    }
    if !spec.ipv4 && !spec.ipv6 {
        return Err("\"ipv4\" and \"ipv6\" cannot both be \"off\"".to_owned());
    }
    if spec.servers.is_empty() {
        return Err("no name servers defined".to_owned());
    }
    Ok(spec)
}

fn server(text: &str) -> Result<Vec<SocketAddr>, String> {
    let wrong = |reason| format!("{reason} in resolver \"{text}\"");
    let url = address::parse(text, false).map_err(wrong)?;
    let found = url.look_up(DNS_PORT).map_err(wrong)?;
    let ip = |address| match address {
        balancer::Address::Ip(ip) => Some(ip),
        balancer::Address::Unix(_) => None,
    };
    Ok(found.into_iter().filter_map(ip).collect())
}
