//! `proxy_ssl_*`: TLS to upstreams.

use nginx_conf::{Directive, Kind, Param, Presence, Spec};

use super::super::{Server, StreamCx, Template};
use crate::conf::contexts::STREAMS;
use crate::conf::{Apply, Done, Row, flag, number, word};
use crate::net::tls::{Passwords, Protocol};

const FLAG: &[Param] = &[Param::required("on|off", Kind::Flag)];
const TEXT: &[Param] = &[Param::required("text", Kind::Text)];
const FILE: &[Param] = &[Param::required("file", Kind::Text)];
const NUMBER: &[Param] = &[Param::required("number", Kind::Text)];
const WORDS: &[Param] = &[Param {
    name: "protocol",
    kind: Kind::Text,
    presence: Presence::Repeated,
}];

const fn row(
    name: &'static str,
    params: &'static [Param],
    default: &'static str,
    help: &'static str,
    apply: fn(&mut Server, &Directive, &mut StreamCx<'_, '_>) -> Done,
) -> Row {
    let spec = Spec::new(name, STREAMS, params, help).default(default);
    Row::new(spec, Apply::StreamServer(apply))
}

/// The table.
pub(crate) static ROWS: &[Row] = &[
    row(
        "proxy_ssl",
        FLAG,
        "off",
        "Whether TLS is spoken with upstreams.",
        |server, directive, _| {
            server.proxy.is_tls = flag(directive)?;
            Ok(())
        },
    ),
    row(
        "proxy_ssl_protocols",
        WORDS,
        "TLSv1.2 TLSv1.3",
        "The versions of TLS: TLSv1.2, TLSv1.3. Older ones may be named and are not spoken.",
        |server, directive, _| {
            let words = directive.args.iter().map(|word| word.text.as_str());
            server.proxy.ssl.choice.protocols = Protocol::list(words)?;
            Ok(())
        },
    ),
    row(
        "proxy_ssl_ciphers",
        TEXT,
        "DEFAULT",
        "The cipher suites of TLS 1.2, in OpenSSL's words.",
        |server, directive, _| {
            server.proxy.ssl.choice.ciphers = Some(word(directive, 0)?.to_owned());
            Ok(())
        },
    ),
    row(
        "proxy_ssl_name",
        TEXT,
        "host of proxy_pass",
        "Whom an upstream's certificate must be for, and what is sent where `proxy_ssl_server_name` is on. May hold variables.",
        |server, directive, cx| {
            word(directive, 0)?;
            server.proxy.ssl.name = Some(cx.template(&directive.args[0])?);
            Ok(())
        },
    ),
    row(
        "proxy_ssl_server_name",
        FLAG,
        "off",
        "Whether the name is sent to the upstream (SNI, RFC 6066).",
        |server, directive, _| {
            server.proxy.ssl.sends_name = flag(directive)?;
            Ok(())
        },
    ),
    row(
        "proxy_ssl_alpn",
        WORDS,
        "",
        "The application protocols that upstreams are offered. May hold variables; what is empty is left out.",
        |server, directive, cx| {
            let words = directive.args.iter();
            let offered: Result<Vec<_>, _> = words.map(|word| cx.template(word)).collect();
            server.proxy.alpn = offered?;
            Ok(())
        },
    ),
    row(
        "proxy_ssl_verify",
        FLAG,
        "off",
        "Whether an upstream's certificate is verified.",
        |server, directive, _| {
            server.proxy.ssl.verifies = flag(directive)?;
            Ok(())
        },
    ),
    row(
        "proxy_ssl_verify_depth",
        NUMBER,
        "1",
        "Accepted; the length of chains is bounded by the library.",
        |_, directive, _| number(word(directive, 0)?).map(drop),
    ),
    row(
        "proxy_ssl_trusted_certificate",
        FILE,
        "",
        "The authorities by which an upstream's certificate is verified.",
        |server, directive, cx| {
            server.proxy.ssl.trusted = Some(cx.cx.paths.at_conf(word(directive, 0)?));
            Ok(())
        },
    ),
    row(
        "proxy_ssl_crl",
        FILE,
        "",
        "What the authorities revoked.",
        |server, directive, cx| {
            server.proxy.ssl.revoked = Some(cx.cx.paths.at_conf(word(directive, 0)?));
            Ok(())
        },
    ),
    row(
        "proxy_ssl_certificate",
        FILE,
        "",
        "Our certificate, for upstreams that ask for one; empty for none. With variables, it is read for each connection.",
        |server, directive, cx| {
            let ssl = &mut server.proxy.ssl;
            ssl.certificate = Some(file(directive, cx)?);
            ssl.conf_dir = cx.cx.paths.at_conf("");
            Ok(())
        },
    ),
    row(
        "proxy_ssl_certificate_key",
        FILE,
        "",
        "Its key; in PKCS #8 it may be encrypted.",
        |server, directive, cx| {
            server.proxy.ssl.key = Some(file(directive, cx)?);
            Ok(())
        },
    ),
    row(
        "proxy_ssl_password_file",
        FILE,
        "",
        "Passwords of an encrypted key, one a line; they are tried one after the other.",
        |server, directive, cx| {
            let loaded = Passwords::load(&cx.cx.paths.at_conf(word(directive, 0)?));
            server.proxy.ssl.passwords = loaded.map_err(|error| error.to_string())?;
            Ok(())
        },
    ),
    row(
        "proxy_ssl_session_reuse",
        FLAG,
        "on",
        "Whether sessions of TLS are resumed.",
        |server, directive, _| {
            server.proxy.ssl.forgets_sessions = !flag(directive)?;
            Ok(())
        },
    ),
];

fn file(directive: &Directive, cx: &mut StreamCx<'_, '_>) -> Result<Template, String> {
    let text = word(directive, 0)?;
    if text.starts_with("data:") || text.starts_with("engine:") {
        return Err("\"data:\" and engines are not supported yet".to_owned());
    }
    cx.template(&directive.args[0])
}

/// Names of application protocols, as TLS takes them.
pub(crate) fn protocols(directive: &Directive) -> Result<Vec<Vec<u8>>, String> {
    let name = |word: &nginx_conf::Word| {
        let text = word.text.as_bytes();
        let fits = !text.is_empty() && text.len() <= 255;
        fits.then(|| text.to_vec())
            .ok_or_else(|| format!("invalid protocol \"{}\"", word.text))
    };
    directive.args.iter().map(name).collect()
}
