//! `index`: the file that answers for a folder.

use std::io;

use http_wire::Method;

use super::path::{self, Mapped};
use super::send;
use crate::conf::Severity;
use crate::http::{Flow, Request};

/// Goes on at the first index that is there; `Next` where there is none, or the path is none of a folder.
pub(crate) fn run(request: &Request) -> Flow {
    if !request.uri.ends_with(b"/")
        || !matches!(request.method(), Method::Get | Method::Head | Method::Post)
    {
        return Flow::Next;
    }
    let location = request.location.clone();
    if location.files.index.is_empty() {
        return first(request, [b"index.html".to_vec()].into_iter());
    }
    let names = location.files.index.iter();
    first(request, names.map(|name| name.to_bytes(request)))
}

fn first(request: &Request, names: impl Iterator<Item = Vec<u8>>) -> Flow {
    let mut folder: Option<Mapped> = None;
    for name in names {
        if name.first() == Some(&b'/') {
            return to(request, name);
        }
        let is_first = folder.is_none();
        let mapped = match folder.take() {
            Some(mapped) => mapped,
            None => match path::map(request) {
                Ok(mapped) => mapped,
                Err(status) => return Flow::Respond(status),
            },
        };
        let len = mapped.path.len();
        let mut path = mapped.path;
        path.extend_from_slice(&name);
        match std::fs::metadata(path::as_path(&path)) {
            Ok(_) => {
                let mut uri = request.uri.clone();
                uri.extend_from_slice(&name);
                return to(request, uri);
            }
            Err(error) => {
                path.truncate(len);
                if let Some(flow) = missing(request, &path, &error, is_first) {
                    return flow;
                }
            }
        }
        folder = Some(Mapped { path, ..mapped });
    }
    Flow::Next
}

fn to(request: &Request, uri: Vec<u8>) -> Flow {
    Flow::Redirect {
        uri,
        args: request.args.clone(),
    }
}

/// What follows from an index that cannot be had; `None` where the next one is tried.
fn missing(request: &Request, folder: &[u8], error: &io::Error, is_first: bool) -> Option<Flow> {
    let outcome = match error.kind() {
        io::ErrorKind::NotFound if !is_first => return None,
        io::ErrorKind::NotFound => match std::fs::metadata(path::as_path(folder)) {
            Ok(found) if found.is_dir() => return None,
            Ok(_) => send::NOT_FOUND,
            Err(error) => send::status_of(&error),
        },
        _ => send::status_of(error),
    };
    let name = String::from_utf8_lossy(folder);
    match outcome {
        403 => request.error(
            Severity::Error,
            format_args!("\"{name}\" is forbidden ({})", send::Reason(error)),
        ),
        404 if !request.location.core.log_not_found => {}
        404 => request.error(
            Severity::Error,
            format_args!("\"{name}\" is not found ({})", send::Reason(error)),
        ),
        _ => request.error(
            Severity::Crit,
            format_args!("stat() \"{name}\" failed ({})", send::Reason(error)),
        ),
    }
    Some(Flow::Respond(outcome))
}
