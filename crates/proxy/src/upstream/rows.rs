//! The directives of an `upstream` block, for both faces.

use balancer::Method;
use nginx_conf::{Directive, Kind, Param, Presence};

use super::keepalive::IDLE_MAX;
use super::{Draft, resolver_row, server};
use crate::conf::{Done, number, time, word};
use crate::script::Registry;

pub(crate) const ADDRESS: &[Param] = &[
    Param::required("address", Kind::Text),
    optional("parameter"),
    optional("parameter"),
    optional("parameter"),
    optional("parameter"),
    optional("parameter"),
    optional("parameter"),
    optional("parameter"),
    optional("parameter"),
    optional("parameter"),
    optional("parameter"),
    optional("parameter"),
];
pub(crate) const ADDRESSES: &[Param] = &[Param {
    name: "address|parameter",
    kind: Kind::Text,
    presence: Presence::Repeated,
}];
pub(crate) const TIME: &[Param] = &[Param::required("time", Kind::Text)];
pub(crate) const COUNT: &[Param] = &[Param::required("number", Kind::Text)];
pub(crate) const KEEPALIVE: &[Param] = &[Param::required("number", Kind::Text), optional("local")];
pub(crate) const HASH: &[Param] = &[Param::required("key", Kind::Text), optional("consistent")];
pub(crate) const RANDOM: &[Param] = &[optional("two"), optional("method")];
pub(crate) const ZONE: &[Param] = &[Param::required("name", Kind::Text), optional("size")];

pub(crate) const SERVER_HELP: &str = "A server of the group: `HOST[:PORT]` or `unix:PATH`, then `weight= max_conns= max_fails= fail_timeout= slow_start= backup down drain resolve service= route=`.";
pub(crate) const ZONE_HELP: &str =
    "Names the group's shared state. All workers share it here anyway, so the size means nothing.";
pub(crate) const HASH_HELP: &str =
    "Chooses by a key; `consistent` by a ketama ring, so that a change of servers moves few keys.";
pub(crate) const LEAST_HELP: &str =
    "Chooses the server with the fewest connections for its weight.";
pub(crate) const RANDOM_HELP: &str =
    "Chooses at random; `two` takes the better of two, the one with fewer connections.";
pub(crate) const RESOLVER_HELP: &str = "The name servers by which `resolve` follows names.";

const fn optional(name: &'static str) -> Param {
    Param {
        name,
        kind: Kind::Text,
        presence: Presence::Optional,
    }
}

/// `server`; `port` is the one where none is written.
pub(crate) fn server<V>(draft: &mut Draft<V>, directive: &Directive, port: Option<u16>) -> Done {
    let line = draft.servers.len();
    let (server, followed) = server::read(directive, line, port)?;
    draft.servers.push(server);
    draft.followed.extend(followed);
    Ok(())
}

/// `zone`
pub(crate) fn zone<V>(draft: &mut Draft<V>, _: &Directive) -> Done {
    draft.zone = true;
    Ok(())
}

fn method<V>(draft: &mut Draft<V>, method: Method) -> Done {
    if draft.method.is_some() {
        return Err("load balancing method redefined".to_owned());
    }
    draft.method = Some(method);
    Ok(())
}

/// `hash`
pub(crate) fn hash<V>(
    draft: &mut Draft<V>,
    directive: &Directive,
    registry: &mut Registry<V>,
) -> Done {
    let consistent = match directive.args.get(1).map(|word| word.text.as_str()) {
        None => false,
        Some("consistent") => true,
        Some(other) => return Err(format!("invalid parameter \"{other}\"")),
    };
    method(draft, Method::Hash { consistent })?;
    let key = directive
        .args
        .first()
        .ok_or("invalid number of arguments")?;
    registry.stand_at(&key.place);
    draft.key = Some(registry.template(&key.text)?);
    Ok(())
}

/// `ip_hash`
pub(crate) fn ip_hash<V>(draft: &mut Draft<V>, _: &Directive) -> Done {
    method(draft, Method::IpHash)
}

/// `least_conn`
pub(crate) fn least_conn<V>(draft: &mut Draft<V>, _: &Directive) -> Done {
    method(draft, Method::LeastConn)
}

/// `random`
pub(crate) fn random<V>(draft: &mut Draft<V>, directive: &Directive) -> Done {
    let words: Vec<&str> = directive.args.iter().map(|word| &*word.text).collect();
    let two = match *words {
        [] => false,
        ["two"] | ["two", "least_conn"] => true,
        [first, ..] if first != "two" => return Err(format!("invalid parameter \"{first}\"")),
        _ => return Err(format!("invalid parameter \"{}\"", words[1])),
    };
    method(draft, Method::Random { two })
}

/// `keepalive`
pub(crate) fn keepalive<V>(draft: &mut Draft<V>, directive: &Directive) -> Done {
    let text = word(directive, 0)?;
    let max = number(text).map_err(|_| format!("invalid value \"{text}\""))?;
    draft.keepalive.idle_max = usize::try_from(max).map_or(IDLE_MAX, |max| max.min(IDLE_MAX));
    draft.keepalive.local = match directive.args.get(1).map(|word| word.text.as_str()) {
        None => false,
        Some("local") => true,
        Some(other) => return Err(format!("invalid parameter \"{other}\"")),
    };
    Ok(())
}

/// `keepalive_requests`
pub(crate) fn keepalive_requests<V>(draft: &mut Draft<V>, directive: &Directive) -> Done {
    draft.keepalive.requests_max = number(word(directive, 0)?)?;
    Ok(())
}

/// `keepalive_time`
pub(crate) fn keepalive_time<V>(draft: &mut Draft<V>, directive: &Directive) -> Done {
    draft.keepalive.time = time(word(directive, 0)?)?;
    Ok(())
}

/// `keepalive_timeout`
pub(crate) fn keepalive_timeout<V>(draft: &mut Draft<V>, directive: &Directive) -> Done {
    draft.keepalive.timeout = time(word(directive, 0)?)?;
    Ok(())
}

/// `resolver`
pub(crate) fn resolver<V>(draft: &mut Draft<V>, directive: &Directive) -> Done {
    draft.resolver = Some(resolver_row::read(directive, draft.resolver_timeout)?);
    Ok(())
}

/// `resolver_timeout`
pub(crate) fn resolver_timeout<V>(draft: &mut Draft<V>, directive: &Directive) -> Done {
    draft.resolver_timeout = time(word(directive, 0)?)?;
    Ok(())
}
