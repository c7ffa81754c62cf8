//! `error_page`, and the pages that we have ourselves.

use std::sync::Arc;

use nginx_conf::{Directive, Kind, Param, Presence, Spec};

use super::core::Tokens;
use super::response::reason;
use super::{Flow, HttpCx, Location, Request, Template};
use crate::conf::contexts::LOCATIONS_IF;
use crate::conf::{Apply, Done, List, Row};

/// The pages of a location.
pub(crate) type Conf = List<Page>;

/// One `error_page`.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    codes: Arc<[u16]>,
    /// `=CODE`: the answer has that status; `=`: the status of whatever answers.
    answer: Answer,
    target: Target,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// The code that the page is for.
    Same,
    /// What the target says.
    Target,
    /// This one.
    Code(u16),
}

#[derive(Debug, Clone)]
enum Target {
    /// A path of ours, perhaps with a query, or a URI to redirect to.
    Uri(Template),
    /// `@NAME`
    Named(Arc<str>),
}

/// The table.
pub(crate) static ROWS: &[Row] = &[Row::new(
    Spec::new(
        "error_page",
        LOCATIONS_IF,
        &[
            Param::required("code", Kind::Text),
            Param {
                name: "code|=code|uri",
                kind: Kind::Text,
                presence: Presence::Repeated,
            },
        ],
        "What answers instead of a status: codes from 300 to 599, then `=CODE` or `=` to change the status, then a URI, `@NAME` or an address to redirect to.",
    )
    .repeatable(),
    Apply::Location(read),
)];

fn read(location: &mut Location, directive: &Directive, cx: &mut HttpCx<'_, '_>) -> Done {
    let (target, mut words) = directive
        .args
        .split_last()
        .ok_or("invalid number of arguments")?;
    let target = match target.text.strip_prefix('@') {
        Some(_) => Target::Named(target.text.as_str().into()),
        None => Target::Uri(cx.template(target)?),
    };
    let mut answer = Answer::Same;
    if let Some((last, rest)) = words.split_last()
        && let Some(code) = last.text.strip_prefix('=')
    {
        words = rest;
        answer = match code {
            "" => Answer::Target,
            code => Answer::Code(
                code.parse()
                    .map_err(|_| format!("invalid value \"={code}\""))?,
            ),
        };
    }
    let mut codes = Vec::new();
    for word in words {
        let text = word.text.as_str();
        let code: u16 = text
            .parse()
            .map_err(|_| format!("invalid value \"{text}\""))?;
        if code == 499 || !(300..600).contains(&code) {
            return Err(format!("value \"{text}\" must be between 300 and 599"));
        }
        codes.push(code);
    }
    if codes.is_empty() {
        return Err("expected a code before the URI".to_owned());
    }
    let page = Page {
        codes: codes.into(),
        answer,
        target,
    };
    location.error_pages.add(cx.cx.level(), page);
    Ok(())
}

/// Whether the configuration has a page for that status here.
pub(crate) fn has(request: &Request, status: u16) -> bool {
    let pages = &request.location.error_pages;
    !request.in_error_page && pages.iter().any(|page| page.codes.contains(&status))
}

/// What `error_page` makes of a status.
pub(crate) enum Found {
    /// The request goes on there.
    Elsewhere(Flow),
    /// Our own page of this status is the answer.
    Here(u16),
}

/// Sends a request whose answer would be `status` to the page that the configuration has for it.
pub(crate) fn find(request: &mut Request, status: u16) -> Found {
    request.error_status = status;
    let location = request.location.clone();
    if request.in_error_page || request.redirects_left == 0 || location.error_pages.is_empty() {
        return Found::Here(status);
    }
    request.in_error_page = !location.core.recursive_error_pages;
    let mut pages = location.error_pages.iter();
    let Some(page) = pages.find(|page| page.codes.contains(&status)) else {
        return Found::Here(status);
    };
    match page.answer {
        Answer::Same => {}
        Answer::Target => request.error_status = 0,
        Answer::Code(code) => request.error_status = code,
    }
    request.response.content_type.clear();
    match &page.target {
        Target::Named(name) => Found::Elsewhere(Flow::Named(name.clone())),
        Target::Uri(template) => {
            let uri = template.to_bytes(request);
            if uri.first() == Some(&b'/') {
                request.asks_anew();
                Found::Elsewhere(internal(&uri))
            } else {
                redirect(request, page.answer, uri)
            }
        }
    }
}

fn internal(uri: &[u8]) -> Flow {
    let at = uri.iter().position(|byte| *byte == b'?');
    let (path, args) = at.map_or((uri, &b""[..]), |at| (&uri[..at], &uri[at + 1..]));
    Flow::Redirect {
        uri: path.to_vec(),
        args: args.to_vec(),
    }
}

/// Tells the client to go to another address, with 302 unless another redirect was asked for.
fn redirect(request: &mut Request, answer: Answer, uri: Vec<u8>) -> Found {
    let status = match answer {
        Answer::Code(code @ (301 | 302 | 303 | 307 | 308)) => code,
        _ => 302,
    };
    request.response.location = uri;
    Found::Here(status)
}

/// The page that we have ourselves; nothing where a status has none.
pub(crate) fn page(request: &Request, status: u16, out: &mut Vec<u8>) {
    let title = match status {
        494 => "400 Request Header Or Cookie Too Large",
        495 => "400 The SSL certificate error",
        496 => "400 No required SSL certificate was sent",
        497 => "400 The plain HTTP request was sent to HTTPS port",
        _ => "",
    };
    let head = if title.is_empty() {
        match status {
            301..=599 if !reason(status).is_empty() => format!("{status} {}", page_words(status)),
            _ => return,
        }
    } else {
        title.to_owned()
    };
    let token = match request.location.core.tokens {
        Tokens::On => concat!("mainstay/", env!("CARGO_PKG_VERSION")),
        Tokens::Off => "mainstay",
    };
    let (shown, detail) = match status {
        494..=497 => ("400 Bad Request", &head[4..]),
        _ => (head.as_str(), ""),
    };
    let line = if detail.is_empty() {
        String::new()
    } else {
        format!("<center>{detail}</center>\r\n")
    };
    let text = format!(
        "<html>\r\n<head><title>{head}</title></head>\r\n<body>\r\n<center><h1>{shown}</h1></center>\r\n{line}<hr><center>{token}</center>\r\n</body>\r\n</html>\r\n"
    );
    out.extend_from_slice(text.as_bytes());
}

/// Some titles differ from the words of the status line.
fn page_words(status: u16) -> &'static str {
    match status {
        302 => "Found",
        401 => "Authorization Required",
        _ => reason(status),
    }
}

/// The status that goes out for one of ours.
pub(crate) fn outward(status: u16) -> u16 {
    match status {
        494..=497 => 400,
        other => other,
    }
}
