//! `autoindex`: listings of folders that have no index.

mod data;
mod entries;
mod page;

use http_wire::Method;
use nginx_conf::{Kind, Param, Spec};

use super::phases::whole;
use super::{Abort, Client, Flow, Request, conditions, files, lookup};
use crate::conf::contexts::LOCATIONS;
use crate::conf::{Apply, Row, Severity, flag, word};
use entries::Entry;

/// Values of a location.
#[derive(Debug, Clone)]
pub(crate) struct Conf {
    enabled: bool,
    format: Format,
    localtime: bool,
    exact_size: bool,
}

impl Default for Conf {
    fn default() -> Self {
        Self {
            enabled: false,
            format: Format::Html,
            localtime: false,
            exact_size: true,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Html,
    Xml,
    Json,
    Jsonp,
}

const FLAG: &[Param] = &[Param::required("on|off", Kind::Flag)];

/// The table.
pub(crate) static ROWS: &[Row] = &[
    Row::new(
        Spec::new(
            "autoindex",
            LOCATIONS,
            FLAG,
            "Lists folders that have no index.",
        )
        .default("off"),
        Apply::Location(|location, directive, _| {
            location.autoindex.enabled = flag(directive)?;
            Ok(())
        }),
    ),
    Row::new(
        Spec::new(
            "autoindex_format",
            LOCATIONS,
            &[Param::required(
                "html|xml|json|jsonp",
                Kind::Choice(&["html", "xml", "json", "jsonp"]),
            )],
            "What a listing is written in.",
        )
        .default("html"),
        Apply::Location(|location, directive, _| {
            location.autoindex.format = match word(directive, 0)? {
                "xml" => Format::Xml,
                "json" => Format::Json,
                "jsonp" => Format::Jsonp,
                _ => Format::Html,
            };
            Ok(())
        }),
    ),
    Row::new(
        Spec::new(
            "autoindex_localtime",
            LOCATIONS,
            FLAG,
            "Whether a page has the times of this machine's zone, rather than UTC.",
        )
        .default("off"),
        Apply::Location(|location, directive, _| {
            location.autoindex.localtime = flag(directive)?;
            Ok(())
        }),
    ),
    Row::new(
        Spec::new(
            "autoindex_exact_size",
            LOCATIONS,
            FLAG,
            "Whether a page has sizes in bytes, rather than in K, M and G.",
        )
        .default("on"),
        Apply::Location(|location, directive, _| {
            location.autoindex.exact_size = flag(directive)?;
            Ok(())
        }),
    ),
];

/// Answers with a listing; `Next` where the request is for none.
pub(crate) async fn run(request: &mut Request, client: &mut Client) -> Result<Flow, Abort> {
    if !request.location.autoindex.enabled
        || !request.uri.ends_with(b"/")
        || !matches!(request.method(), Method::Get | Method::Head)
    {
        return Ok(Flow::Next);
    }
    let conf = request.location.autoindex.clone();
    let Ok(callback) = callback(request, conf.format) else {
        return Ok(Flow::Respond(400));
    };
    let folder = match files::folder_of(request) {
        Ok(folder) => folder,
        Err(status) => return Ok(Flow::Respond(status)),
    };
    let shown = folder.display().to_string();
    let listed = tokio::task::spawn_blocking(move || entries::read(&folder)).await;
    let entries = match listed
        .map_err(std::io::Error::other)
        .and_then(|listed| listed)
    {
        Ok(entries) => entries,
        Err(error) => {
            let status = files::status_of(&error);
            let level = if status == 500 {
                Severity::Crit
            } else {
                Severity::Error
            };
            request.error(
                level,
                format_args!("opendir() \"{shown}\" failed ({error})"),
            );
            return Ok(Flow::Respond(status));
        }
    };
    let (kind, page) = write(request, &conf, &entries, &callback);
    let response = &mut request.response;
    response.status = 200;
    response.content_length = Some(page.len() as u64);
    response.set_content_type(kind);
    if let Some(status) = conditions::decide(request) {
        return Ok(Flow::Respond(status));
    }
    whole(request, client, &page).await?;
    Ok(Flow::Done)
}

fn write(
    request: &Request,
    conf: &Conf,
    entries: &[Entry],
    callback: &[u8],
) -> (&'static [u8], Vec<u8>) {
    let mut out = Vec::with_capacity(1 << 10);
    let kind: &[u8] = match conf.format {
        Format::Html => {
            page::write(
                &request.uri,
                entries,
                conf.localtime,
                conf.exact_size,
                &mut out,
            );
            b"text/html"
        }
        Format::Xml => {
            data::xml(entries, &mut out);
            b"text/xml; charset=utf-8"
        }
        Format::Json => {
            data::json(entries, b"", &mut out);
            b"application/json"
        }
        Format::Jsonp => {
            data::json(entries, callback, &mut out);
            b"application/javascript"
        }
    };
    (kind, out)
}

/// The longest name of a function that an answer is wrapped in.
const CALLBACK_LEN_MAX: usize = 128;

/// The argument `callback`, which becomes part of a script: nothing but a name.
fn callback(request: &Request, format: Format) -> Result<Vec<u8>, ()> {
    let mut name = Vec::new();
    if format != Format::Jsonp || !lookup::arg(&request.args, "callback", &mut name) {
        return Ok(Vec::new());
    }
    let fits =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'[' | b']');
    if name.len() > CALLBACK_LEN_MAX || !name.iter().all(fits) {
        return Err(());
    }
    Ok(name)
}
