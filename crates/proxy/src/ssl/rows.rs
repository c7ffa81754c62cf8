//! The `ssl_…` directives. Both faces have them: [`rows!`] makes a face's table.

use std::path::PathBuf;

use nginx_conf::{Context, Directive, Kind, Param, Presence, Spec};

use super::{Conf, Verify};
use crate::conf::{Cx, Done, flag, number, size, word};
use crate::net::tls::{Passwords, Protocol};

const FILE: &[Param] = &[Param::required("file", Kind::Text)];
const FLAG: &[Param] = &[Param::required("on|off", Kind::Flag)];
const TEXT: &[Param] = &[Param::required("list", Kind::Text)];
const COUNT: &[Param] = &[Param::required("number", Kind::Text)];
const WORDS: &[Param] = &[Param {
    name: "protocol",
    kind: Kind::Text,
    presence: Presence::Repeated,
}];
const CACHES: &[Param] = &[Param {
    name: "off|none|builtin[:SIZE]|shared:NAME:SIZE",
    kind: Kind::Text,
    presence: Presence::Repeated,
}];
const VERIFY: &[Param] = &[Param::required(
    "mode",
    Kind::Choice(&["off", "on", "optional", "optional_no_ca"]),
)];

/// What takes a directive in.
pub(crate) type Set = fn(&mut Conf, &Directive, &mut Cx<'_>) -> Done;

/// A directive: its line for the table, and what takes it in.
pub(crate) struct Entry {
    name: &'static str,
    params: &'static [Param],
    default: &'static str,
    help: &'static str,
    repeats: bool,
    pub(crate) set: Set,
}

impl Entry {
    /// The line of a face.
    pub(crate) const fn spec(&self, contexts: &'static [Context]) -> Spec {
        let spec = Spec::new(self.name, contexts, self.params, self.help).default(self.default);
        if self.repeats {
            spec.repeatable()
        } else {
            spec
        }
    }
}

const fn entry(
    name: &'static str,
    params: &'static [Param],
    default: &'static str,
    help: &'static str,
    set: Set,
) -> Entry {
    Entry {
        name,
        params,
        default,
        help,
        repeats: false,
        set,
    }
}

const fn repeated(entry: Entry) -> Entry {
    Entry {
        repeats: true,
        ..entry
    }
}

/// How many there are.
pub(crate) const COUNT_OF: usize = 16;

/// All of them.
pub(crate) const ENTRIES: [Entry; COUNT_OF] = [
    repeated(entry(
        "ssl_certificate",
        FILE,
        "",
        "A file with the server's certificate and the intermediate ones behind it, in PEM; several serve clients of different abilities (RSA, ECDSA). Variables, `data:` and engines are not supported.",
        |conf, directive, cx| {
            let path = file(directive, cx)?;
            conf.certificates.add(cx.level(), path);
            Ok(())
        },
    )),
    repeated(entry(
        "ssl_certificate_key",
        FILE,
        "",
        "The file with the certificate's private key, in PEM; in PKCS #8 it may be encrypted.",
        |conf, directive, cx| {
            let path = file(directive, cx)?;
            conf.keys.add(cx.level(), path);
            Ok(())
        },
    )),
    entry(
        "ssl_protocols",
        WORDS,
        "TLSv1.2 TLSv1.3",
        "The versions of TLS. Only TLSv1.2 and TLSv1.3 are spoken: older ones may be named beside them and are not offered.",
        protocols,
    ),
    entry(
        "ssl_ciphers",
        TEXT,
        "HIGH:!aNULL:!MD5",
        "OpenSSL's list of ciphers for TLS 1.2. Of what it names, the ephemeral ECDH suites with AES-GCM and ChaCha20 are offered, others are not there; a list with none of them is refused. TLS 1.3 has all of its suites.",
        |conf, directive, _| {
            conf.choice.ciphers = Some(word(directive, 0)?.to_owned());
            Ok(())
        },
    ),
    entry(
        "ssl_prefer_server_ciphers",
        FLAG,
        "off",
        "Whether our order of ciphers counts, not the client's.",
        |conf, directive, _| {
            conf.prefer_server_ciphers = flag(directive)?;
            Ok(())
        },
    ),
    entry(
        "ssl_ecdh_curve",
        TEXT,
        "auto",
        "Groups of the key exchange: of `X25519`, `prime256v1` and `secp384r1`; others are not there.",
        |conf, directive, _| {
            conf.choice.groups = Some(word(directive, 0)?.to_owned());
            Ok(())
        },
    ),
    entry(
        "ssl_session_cache",
        CACHES,
        "none",
        "Whether sessions are remembered, so that clients without tickets resume them. The size counts; all workers and the servers with the same certificates share the cache, whatever its name.",
        session_cache,
    ),
    entry(
        "ssl_session_tickets",
        FLAG,
        "on",
        "Whether clients get tickets, with which they resume sessions.",
        |conf, directive, _| {
            conf.tickets = flag(directive)?;
            Ok(())
        },
    ),
    entry(
        "ssl_verify_client",
        VERIFY,
        "off",
        "Whether clients are asked for a certificate: `on` requires one that is believed, `optional` takes none or a believed one, `optional_no_ca` takes any; `$ssl_client_verify` tells what it is worth.",
        |conf, directive, _| {
            conf.verify = match word(directive, 0)? {
                "on" => Verify::On,
                "optional" => Verify::Optional,
                "optional_no_ca" => Verify::OptionalNoCa,
                _ => Verify::Off,
            };
            Ok(())
        },
    ),
    entry(
        "ssl_verify_depth",
        COUNT,
        "1",
        "How many intermediate authorities may stand between a client's certificate and a trusted one; more than 6 are never followed.",
        |conf, directive, _| {
            conf.depth = usize::try_from(number(word(directive, 0)?)?)
                .map_err(|_| "the number is too large".to_owned())?;
            Ok(())
        },
    ),
    entry(
        "ssl_client_certificate",
        FILE,
        "",
        "The authorities of clients' certificates, in PEM; clients are told of them.",
        |conf, directive, cx| {
            conf.client_certificate = Some(file(directive, cx)?);
            Ok(())
        },
    ),
    entry(
        "ssl_trusted_certificate",
        FILE,
        "",
        "More authorities of clients' certificates, in PEM, of which clients are not told.",
        |conf, directive, cx| {
            conf.trusted_certificate = Some(file(directive, cx)?);
            Ok(())
        },
    ),
    entry(
        "ssl_crl",
        FILE,
        "",
        "Certificates of clients that their authorities revoked, in PEM.",
        |conf, directive, cx| {
            conf.crl = Some(file(directive, cx)?);
            Ok(())
        },
    ),
    entry(
        "ssl_reject_handshake",
        FLAG,
        "off",
        "Refuses handshakes for the server's names; in a default server, for names that no server has.",
        |conf, directive, _| {
            conf.reject_handshake = flag(directive)?;
            Ok(())
        },
    ),
    entry(
        "ssl_early_data",
        FLAG,
        "off",
        "Requests before the end of the handshake, which can be replayed: `on` is not supported.",
        |_, directive, _| match flag(directive)? {
            true => Err("early data is not supported yet".to_owned()),
            false => Ok(()),
        },
    ),
    entry(
        "ssl_password_file",
        FILE,
        "",
        "Passwords of encrypted keys, one a line; they are tried one after the other.",
        |conf, directive, cx| {
            let loaded = Passwords::load(&file(directive, cx)?);
            conf.passwords = loaded.map_err(|error| error.to_string())?;
            Ok(())
        },
    ),
];

/// A face's table: `rows!(CONTEXTS, Apply variant)`; the face's draft has its [`Conf`] in the field `ssl`.
macro_rules! rows {
    ($contexts:expr, $apply:ident) => {{
        use $crate::ssl::rows::{COUNT_OF, ENTRIES};
        const fn make<const I: usize>() -> $crate::conf::Row {
            $crate::conf::Row::new(
                ENTRIES[I].spec($contexts),
                $crate::conf::Apply::$apply(|draft, directive, cx| {
                    (const { ENTRIES[I].set })(&mut draft.ssl, directive, cx.cx)
                }),
            )
        }
        const ROWS: [$crate::conf::Row; COUNT_OF] = [
            make::<0>(),
            make::<1>(),
            make::<2>(),
            make::<3>(),
            make::<4>(),
            make::<5>(),
            make::<6>(),
            make::<7>(),
            make::<8>(),
            make::<9>(),
            make::<10>(),
            make::<11>(),
            make::<12>(),
            make::<13>(),
            make::<14>(),
            make::<15>(),
        ];
        ROWS
    }};
}
pub(crate) use rows;

/// A file of the configuration.
fn file(directive: &Directive, cx: &Cx<'_>) -> Result<PathBuf, String> {
    let text = word(directive, 0)?;
    for (start, what) in [
        ("data:", "certificates and keys in variables"),
        ("engine:", "OpenSSL's engines"),
        ("store:", "OpenSSL's stores"),
    ] {
        if text.starts_with(start) {
            return Err(format!("{what} (\"{start}\") are not supported yet"));
        }
    }
    if text.contains('$') {
        return Err("variables in names of certificates and keys are not supported yet".to_owned());
    }
    Ok(cx.paths.at_conf(text))
}

fn protocols(conf: &mut Conf, directive: &Directive, _: &mut Cx<'_>) -> Done {
    let words = directive.args.iter().map(|word| word.text.as_str());
    conf.choice.protocols = Protocol::list(words)?;
    Ok(())
}

/// What nginx says of a shared cache: a megabyte holds some 4,000 sessions.
const SESSIONS_PER_MB: u64 = 4000;
/// OpenSSL's own cache.
const SESSIONS_BUILTIN: u64 = 20_480;
/// Sessions take memory for hours; more than a busy server needs.
const SESSIONS_MAX: u64 = 1 << 20;

fn session_cache(conf: &mut Conf, directive: &Directive, _: &mut Cx<'_>) -> Done {
    let mut sessions = 0;
    for word in &directive.args {
        let text = word.text.as_str();
        let invalid = || format!("invalid session cache \"{text}\"");
        let count = match text.split_once(':') {
            None if matches!(text, "off" | "none") => 0,
            None if text == "builtin" => SESSIONS_BUILTIN,
            Some(("builtin", count)) => number(count).map_err(|_| invalid())?,
            Some(("shared", rest)) => {
                let (name, bytes) = rest.split_once(':').ok_or_else(invalid)?;
                let bytes = size(bytes).map_err(|_| invalid())?;
                if name.is_empty() || bytes == 0 {
                    return Err(invalid());
                }
                (bytes / (1 << 20)).max(1).saturating_mul(SESSIONS_PER_MB)
            }
            _ => return Err(invalid()),
        };
        sessions = count.max(sessions);
    }
    conf.cached_sessions = usize::try_from(sessions.min(SESSIONS_MAX)).unwrap_or(usize::MAX);
    Ok(())
}
