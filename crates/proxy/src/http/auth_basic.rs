//! `auth_basic`: names and passwords, by a file that is read for each request, as nginx reads it.

mod password;

use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_wire::FieldName;
use nginx_conf::{Context, Kind, Param, Spec};

use super::phases::Verdict;
use super::{Request, Template};
use crate::conf::contexts::{HTTP, LIMIT_EXCEPT, LOCATION, SERVER};
use crate::conf::{Apply, Row, Severity};

const CONTEXTS: &[Context] = &[HTTP, SERVER, LOCATION, LIMIT_EXCEPT];

/// A file of passwords that is longer than this is not read.
const FILE_LEN_MAX: u64 = 16 << 20;

/// Values of a location.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conf {
    realm: Option<Arc<Template>>,
    /// Where relative names start from, and the name.
    file: Option<Arc<(PathBuf, Template)>>,
}

/// The table.
pub(crate) static ROWS: &[Row] = &[
    Row::new(
        Spec::new(
            "auth_basic",
            CONTEXTS,
            &[Param::required("realm|off", Kind::Text)],
            "Asks clients for a name and a password, under this name.",
        )
        .default("off"),
        Apply::Location(|location, directive, cx| {
            let realm = directive.args.first().ok_or("expected a name")?;
            location.auth_basic.realm = Some(Arc::new(cx.template(realm)?));
            Ok(())
        }),
    ),
    Row::new(
        Spec::new(
            "auth_basic_user_file",
            CONTEXTS,
            &[Param::required("file", Kind::Text)],
            "The names and passwords, `NAME:PASSWORD` a line: as crypt(3), `$apr1$`, `{PLAIN}`, `{SHA}` or `{SSHA}` has them.",
        ),
        Apply::Location(|location, directive, cx| {
            let file = directive.args.first().ok_or("expected a file")?;
            let folder = cx.cx.paths.at_conf("");
            location.auth_basic.file = Some(Arc::new((folder, cx.template(file)?)));
            Ok(())
        }),
    ),
];

/// The name and the password of `Authorization: Basic`.
pub(crate) fn credentials(request: &Request) -> Option<(Vec<u8>, Vec<u8>)> {
    let value = request.value(FieldName::Authorization)?;
    let scheme = value.get(..6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let mut name = STANDARD.decode(value[6..].trim_ascii()).ok()?;
    let at = name.iter().position(|byte| *byte == b':')?;
    let password = name[at + 1..].to_vec();
    name.truncate(at);
    Some((name, password))
}

/// Asks for a password where the location wants one.
pub(crate) async fn run(request: &mut Request) -> Verdict {
    if request.location.auth_basic.realm.is_none() {
        return Verdict::Silent;
    }
    let conf = request.location.auth_basic.clone();
    let (Some(realm), Some(file)) = (&conf.realm, &conf.file) else {
        return Verdict::Silent;
    };
    let realm = realm.to_bytes(request);
    if realm == b"off" {
        return Verdict::Silent;
    }
    let Some((name, password)) = credentials(request).filter(|(name, _)| !name.is_empty()) else {
        request.error(
            Severity::Info,
            format_args!("no user/password was provided for basic authentication"),
        );
        return refuse(request, &realm);
    };
    let path = file.1.to_bytes(request);
    let path = file.0.join(super::files::as_path(&path));
    let shown = path.display().to_string();
    // Hashes are slow on purpose, and the file may be on a disk.
    let (checked, name) = {
        let wanted = name.clone();
        let check = move || password::check(&path, FILE_LEN_MAX, &wanted, &password);
        (tokio::task::spawn_blocking(check).await, name)
    };
    let name = String::from_utf8_lossy(&name).into_owned();
    match checked {
        Ok(Ok(Some(true))) => Verdict::Allows,
        Ok(Ok(Some(false))) => {
            request.error(
                Severity::Error,
                format_args!("user \"{name}\": password mismatch"),
            );
            refuse(request, &realm)
        }
        Ok(Ok(None)) => {
            request.error(
                Severity::Error,
                format_args!("user \"{name}\" was not found in \"{shown}\""),
            );
            refuse(request, &realm)
        }
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            request.error(
                Severity::Error,
                format_args!("open() \"{shown}\" failed ({error})"),
            );
            Verdict::Ends(403)
        }
        Ok(Err(error)) => {
            request.error(
                Severity::Crit,
                format_args!("open() \"{shown}\" failed ({error})"),
            );
            Verdict::Ends(500)
        }
        Err(error) => {
            request.error(
                Severity::Crit,
                format_args!("checking a password failed: {error}"),
            );
            Verdict::Ends(500)
        }
    }
}

fn refuse(request: &mut Request, realm: &[u8]) -> Verdict {
    request
        .response
        .fields
        .push_with(b"WWW-Authenticate", |out| {
            out.extend_from_slice(b"Basic realm=\"");
            out.extend_from_slice(realm);
            out.push(b'"');
        });
    Verdict::Denies(401)
}
