//! The `server` line of an `upstream`.

use std::time::Duration;

use balancer::ServerSpec;
use nginx_conf::Directive;

use super::address;
use crate::conf::{number, time, word};

/// The longest `route`, as in nginx.
const ROUTE_LEN_MAX: usize = 32;

/// A name that is followed while the server runs (`resolve`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Followed {
    /// Which `server` line of the group.
    pub(crate) line: usize,
    /// The name.
    pub(crate) host: String,
    /// The port of its addresses; SRV records have their own.
    pub(crate) port: u16,
    /// The service whose SRV records are asked for.
    pub(crate) service: Option<String>,
}

/// Reads the line, which will have the number `line`. Ports are 80 where `port` says so and none is written.
pub(crate) fn read(
    directive: &Directive,
    line: usize,
    port: Option<u16>,
) -> Result<(ServerSpec, Option<Followed>), String> {
    let text = word(directive, 0)?;
    let wrong = |reason| format!("{reason} in upstream \"{text}\"");
    let url = address::parse(text, false).map_err(wrong)?;
    let mut server = ServerSpec::new(text, Vec::new());
    for word in directive.args.iter().skip(1) {
        parameter(&mut server, &word.text)?;
    }
    if server.service.is_some() && !server.resolve {
        return Err(format!(
            "service upstream \"{text}\" requires \"resolve\" parameter"
        ));
    }
    if server.service.is_some() && url.port.is_some() {
        return Err(format!("service upstream \"{text}\" may not have port"));
    }
    let port = match (url.port.or(port), url.is_unix || server.service.is_some()) {
        (Some(port), _) => port,
        (None, true) => 0,
        (None, false) => return Err(wrong("no port")),
    };
    if let Some(address) = url.literal(port) {
        if server.service.is_some() {
            return Err(format!("service upstream \"{text}\" requires domain name"));
        }
        // An address needs no resolver, whatever is written.
        server.resolve = false;
        server.addresses = vec![address];
        return Ok((server, None));
    }
    if !server.resolve {
        server.addresses = url.look_up(port).map_err(wrong)?;
        return Ok((server, None));
    }
    let followed = Followed {
        line,
        host: url.host,
        port,
        service: server.service.clone(),
    };
    Ok((server, Some(followed)))
}

fn parameter(server: &mut ServerSpec, text: &str) -> Result<(), String> {
    let invalid = || format!("invalid parameter \"{text}\"");
    let count = |value: &str| {
        let count = number(value).ok();
        count
            .and_then(|count| u32::try_from(count).ok())
            .ok_or_else(invalid)
    };
    let seconds = |value: &str| -> Result<Duration, String> { time(value).map_err(|_| invalid()) };
    match text.split_once('=') {
        Some(("weight", value)) => {
            server.weight = Some(count(value)?)
                .filter(|weight| *weight > 0)
                .ok_or_else(invalid)?;
        }
        Some(("max_conns", value)) => server.max_conns = count(value)?,
        Some(("max_fails", value)) => server.max_fails = count(value)?,
        Some(("fail_timeout", value)) => server.fail_timeout = seconds(value)?,
        Some(("slow_start", value)) => server.slow_start = seconds(value)?,
        Some(("route", "")) => return Err("route is empty".to_owned()),
        Some(("route", value)) if value.len() > ROUTE_LEN_MAX => {
            return Err(format!("route is longer than {ROUTE_LEN_MAX}"));
        }
        Some(("route", value)) => server.route = Some(value.to_owned()),
        Some(("service", "")) => return Err("service is empty".to_owned()),
        Some(("service", value)) => server.service = Some(value.to_owned()),
        None if text == "backup" => server.backup = true,
        None if text == "down" => server.down = true,
        None if text == "drain" => server.drain = true,
        None if text == "resolve" => server.resolve = true,
        _ => return Err(invalid()),
    }
    Ok(())
}
