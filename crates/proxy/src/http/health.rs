//! `health_check` and `match` of the HTTP face, as nginx Plus documents them.

use std::sync::Arc;
use std::time::Duration;

use balancer::HealthSpec;
use nginx_conf::{Body, Directive, Kind, Param, Presence, Spec};

use super::{Draft, Handler, HttpCx, Location, proxy};
use crate::conf::contexts::{HTTP, LOCATION};
use crate::conf::{Apply, Done, Row, number, time};
use crate::upstream::{HeaderTest, Match, Probe, Test, read_regex};

/// `health_check` of a location.
#[derive(Debug, Clone)]
pub(crate) struct Conf {
    times: HealthSpec,
    port: Option<u16>,
    uri: String,
    expects: Option<Arc<Match>>,
}

const PARAMETERS: &[Param] = &[
    parameter(),
    parameter(),
    parameter(),
    parameter(),
    parameter(),
    parameter(),
    parameter(),
    parameter(),
    parameter(),
];

const fn parameter() -> Param {
    Param {
        name: "parameter",
        kind: Kind::Text,
        presence: Presence::Optional,
    }
}

/// The table.
pub(crate) static ROWS: &[Row] = &[
    Row::new(
        Spec::new(
            "match",
            &[HTTP],
            &[Param::required("name", Kind::Text)],
            "What an answer to a health check must be like: `status 200 301-303`, `status ! 500`, `header NAME`, `header ! NAME`, `header NAME = VALUE`, `header NAME ~ REGEX` (also `!=` and `!~`), `body ~ REGEX`, `body !~ REGEX`.",
        )
        .body(Body::Entries)
        .repeatable(),
        Apply::Http(add_match),
    ),
    Row::new(
        Spec::new(
            "health_check",
            &[LOCATION],
            PARAMETERS,
            "Asks the servers of the location's group regularly: `interval=5s jitter=0 fails=1 passes=1 uri=/ port= match=NAME mandatory persistent`. What was found out outlasts a reload, whether `persistent` is written or not. An answer of 200 to 399 is good where no `match` says otherwise.",
        ),
        Apply::Location(|location, directive, cx| {
            location.health = Some(read(directive, cx)?);
            Ok(())
        }),
    ),
];

fn read(directive: &Directive, cx: &HttpCx<'_, '_>) -> Result<Conf, String> {
    let mut conf = Conf {
        times: HealthSpec::default(),
        port: None,
        uri: "/".to_owned(),
        expects: None,
    };
    for word in &directive.args {
        let text = word.text.as_str();
        let invalid = || format!("invalid parameter \"{text}\"");
        let count = |value: &str| {
            let count = number(value)
                .ok()
                .and_then(|count| u32::try_from(count).ok());
            count.filter(|count| *count > 0).ok_or_else(invalid)
        };
        let times = &mut conf.times;
        match text.split_once('=') {
            Some(("interval", value)) => times.interval = time(value).map_err(|_| invalid())?,
            Some(("jitter", value)) => times.jitter = time(value).map_err(|_| invalid())?,
            Some(("fails", value)) => times.fails = count(value)?,
            Some(("passes", value)) => times.passes = count(value)?,
            Some(("uri", value)) if value.starts_with('/') => conf.uri = value.to_owned(),
            Some(("port", value)) => {
                let port = value.parse().ok().filter(|port| *port > 0);
                conf.port = Some(port.ok_or_else(invalid)?);
            }
            Some(("match", name)) => {
                let known = cx.draft.matches.iter().find(|(known, _)| known == name);
                let known = known.ok_or_else(|| format!("match \"{name}\" is not defined"))?;
                conf.expects = Some(known.1.clone());
            }
            None if text == "mandatory" => times.mandatory = true,
            None if text == "persistent" => times.persistent = true,
            _ => return Err(invalid()),
        }
    }
    if conf.times.persistent && !conf.times.mandatory {
        return Err("\"persistent\" requires \"mandatory\"".to_owned());
    }
    Ok(conf)
}

/// Gives the checks of a location to the group that it passes to.
pub(crate) fn settle(location: &mut Location, cx: &mut HttpCx<'_, '_>) -> Done {
    let Some(conf) = location.health.take() else {
        return Ok(());
    };
    let Some(Handler::Proxy(pass)) = &location.handler else {
        return Err("\"health_check\" needs a \"proxy_pass\" beside it".to_owned());
    };
    let Some((group, place)) = pass.fixed() else {
        return Err("\"health_check\" needs a \"proxy_pass\" without variables".to_owned());
    };
    let host = String::from_utf8_lossy(&place.host);
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: mainstay/{}\r\nConnection: close\r\n\r\n",
        conf.uri,
        env!("CARGO_PKG_VERSION")
    );
    let tls = place.is_tls.then(|| proxy::tls(location, &host)).flatten();
    let probe = Probe {
        times: conf.times,
        port: conf.port,
        timeout: timeout(location),
        tls,
        request: request.into_bytes().into(),
        is_http: true,
        expects: conf.expects,
    };
    let draft = cx.draft.upstreams.get_mut(group);
    let draft = draft.ok_or("the group is missing")?;
    if draft.probe.is_some() {
        return Err(format!(
            "upstream \"{}\" has a \"health_check\" already",
            draft.name
        ));
    }
    draft.probe = Some(Arc::new(probe));
    Ok(())
}

/// How long one check may take: as long as a request of the location could.
fn timeout(location: &Location) -> Duration {
    location.proxy.connect_timeout + location.proxy.read_timeout
}

fn add_match(draft: &mut Draft, directive: &Directive, cx: &mut HttpCx<'_, '_>) -> Done {
    let name = crate::conf::word(directive, 0)?;
    if draft.matches.iter().any(|(known, _)| known == name) {
        return Err(format!("duplicate match \"{name}\""));
    }
    let mut found = Match::default();
    for entry in directive.block.as_deref().unwrap_or_default() {
        let words: Vec<&str> = entry.args.iter().map(|word| word.text.as_str()).collect();
        match (entry.name.text.as_str(), words.as_slice()) {
            ("status", ["!", ranges @ ..]) => found.status = Some((true, statuses(ranges)?)),
            ("status", ranges) => found.status = Some((false, statuses(ranges)?)),
            ("body", [how @ ("~" | "!~"), regex]) => {
                found.body = Some((*how == "!~", read_regex(regex, &mut cx.registry)?));
            }
            ("header", words) => found.headers.push(header(words, cx)?),
            ("require", _) => {
                return Err("\"require\" in a match is not supported yet".to_owned());
            }
            (other, _) => return Err(format!("invalid match parameter \"{other}\"")),
        }
    }
    draft.matches.push((name.to_owned(), Arc::new(found)));
    Ok(())
}

fn statuses(words: &[&str]) -> Result<Vec<(u16, u16)>, String> {
    let range = |word: &&str| {
        let (first, last) = word.split_once('-').unwrap_or((word, word));
        let status = |text: &str| {
            let status = text
                .parse()
                .ok()
                .filter(|status| (100..600).contains(status));
            status.ok_or_else(|| format!("invalid status \"{word}\""))
        };
        Ok((status(first)?, status(last)?))
    };
    if words.is_empty() {
        return Err("invalid number of arguments in \"status\"".to_owned());
    }
    words.iter().map(range).collect()
}

fn header(words: &[&str], cx: &mut HttpCx<'_, '_>) -> Result<HeaderTest, String> {
    let (name, test) = match words {
        ["!", name] => (name, Test::Absent),
        [name] => (name, Test::Present),
        [name, "=", value] => (name, Test::Equals(false, value.as_bytes().into())),
        [name, "!=", value] => (name, Test::Equals(true, value.as_bytes().into())),
        [name, how @ ("~" | "!~"), regex] => {
            let regex = read_regex(regex, &mut cx.registry)?;
            (name, Test::Matches(*how == "!~", regex))
        }
        _ => return Err("invalid number of arguments in \"header\"".to_owned()),
    };
    Ok(HeaderTest {
        name: name.as_bytes().into(),
        test,
    })
}
