//! TLS to servers.

use super::{FILE, FLAG, TEXT, repeated, row};
use crate::conf::{Row, flag, number, word};
use crate::net::tls::{Passwords, Protocol};

/// The table.
pub(super) const ROWS: &[Row] = &[
    row(
        "proxy_ssl_protocols",
        &[repeated("protocol")],
        "TLSv1.2 TLSv1.3",
        "The versions of TLS: TLSv1.2, TLSv1.3. Older ones may be named and are not spoken.",
        |location, directive, _| {
            let words = directive.args.iter().map(|word| word.text.as_str());
            location.proxy.ssl.choice.protocols = Protocol::list(words)?;
            Ok(())
        },
    ),
    row(
        "proxy_ssl_ciphers",
        TEXT,
        "DEFAULT",
        "The cipher suites of TLS 1.2, in OpenSSL's words.",
        |location, directive, _| {
            location.proxy.ssl.choice.ciphers = Some(word(directive, 0)?.to_owned());
            Ok(())
        },
    ),
    row(
        "proxy_ssl_name",
        TEXT,
        "$proxy_host",
        "Whom a server's certificate must be for, and what is sent where `proxy_ssl_server_name` is on.",
        |location, directive, cx| {
            word(directive, 0)?;
            location.proxy.ssl.name = Some(cx.template(&directive.args[0])?);
            Ok(())
        },
    ),
    row(
        "proxy_ssl_server_name",
        FLAG,
        "off",
        "Whether the name is sent to the server (SNI, RFC 6066).",
        |location, directive, _| {
            location.proxy.ssl.sends_name = flag(directive)?;
            Ok(())
        },
    ),
    row(
        "proxy_ssl_verify",
        FLAG,
        "off",
        "Whether the server's certificate is verified.",
        |location, directive, _| {
            location.proxy.ssl.verifies = flag(directive)?;
            Ok(())
        },
    ),
    row(
        "proxy_ssl_verify_depth",
        TEXT,
        "1",
        "Accepted; the length of chains is bounded by the library.",
        |_, directive, _| number(word(directive, 0)?).map(drop),
    ),
    row(
        "proxy_ssl_trusted_certificate",
        FILE,
        "",
        "The authorities that a server's certificate is verified by.",
        |location, directive, cx| {
            let file = cx.cx.paths.at_conf(word(directive, 0)?);
            location.proxy.ssl.trusted = Some(file);
            Ok(())
        },
    ),
    row(
        "proxy_ssl_crl",
        FILE,
        "",
        "What the authorities revoked.",
        |location, directive, cx| {
            let file = cx.cx.paths.at_conf(word(directive, 0)?);
            location.proxy.ssl.revoked = Some(file);
            Ok(())
        },
    ),
    row(
        "proxy_ssl_certificate",
        FILE,
        "",
        "Our certificate, for servers that ask for one; empty for none. With variables, it is read for each request.",
        |location, directive, cx| {
            word(directive, 0)?;
            let ssl = &mut location.proxy.ssl;
            ssl.certificate = Some(cx.template(&directive.args[0])?);
            ssl.conf_dir = cx.cx.paths.at_conf("");
            Ok(())
        },
    ),
    row(
        "proxy_ssl_certificate_key",
        FILE,
        "",
        "Its key.",
        |location, directive, cx| {
            word(directive, 0)?;
            location.proxy.ssl.key = Some(cx.template(&directive.args[0])?);
            Ok(())
        },
    ),
    row(
        "proxy_ssl_password_file",
        FILE,
        "",
        "Passwords of an encrypted key, one a line; they are tried one after the other.",
        |location, directive, cx| {
            let loaded = Passwords::load(&cx.cx.paths.at_conf(word(directive, 0)?));
            location.proxy.ssl.passwords = loaded.map_err(|error| error.to_string())?;
            Ok(())
        },
    ),
    row(
        "proxy_ssl_session_reuse",
        FLAG,
        "on",
        "Whether sessions of TLS are resumed.",
        |location, directive, _| {
            location.proxy.ssl.forgets_sessions = !flag(directive)?;
            Ok(())
        },
    ),
];
