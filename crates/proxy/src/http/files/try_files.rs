//! `try_files`: the first file that is there.

use std::sync::Arc;

use nginx_conf::Directive;

use super::Alias;
use super::path::{self, Mapped};
use crate::conf::Severity;
use crate::http::{Flow, HttpCx, Request, Template};

/// What is tried, and what holds where nothing is there.
#[derive(Debug)]
pub(crate) struct TryFiles {
    files: Vec<Candidate>,
    last: Last,
}

#[derive(Debug)]
struct Candidate {
    name: Template,
    has_variables: bool,
    is_folder: bool,
}

#[derive(Debug)]
enum Last {
    Code(u16),
    Named(Arc<str>),
    Uri(Template),
}

impl TryFiles {
    /// Reads the words.
    pub(super) fn read(directive: &Directive, cx: &mut HttpCx<'_, '_>) -> Result<Self, String> {
        let Some((last, files)) = directive.args.split_last().filter(|(_, f)| !f.is_empty()) else {
            return Err("expected a file and what holds otherwise".to_owned());
        };
        let mut candidates = Vec::with_capacity(files.len());
        for file in files {
            let mut file = file.clone();
            let is_folder = file.text.ends_with('/');
            if is_folder {
                file.text.pop();
            }
            let name = cx.template(&file)?;
            candidates.push(Candidate {
                has_variables: name.as_literal().is_none(),
                name,
                is_folder,
            });
        }
        let last = match last.text.as_bytes().first() {
            Some(b'=') => {
                let code = last.text[1..].parse().ok().filter(|code| *code <= 999);
                Last::Code(code.ok_or_else(|| format!("invalid code \"{}\"", &last.text[1..]))?)
            }
            Some(b'@') => Last::Named(last.text.as_str().into()),
            _ => Last::Uri(cx.template(last)?),
        };
        Ok(Self {
            files: candidates,
            last,
        })
    }
}

/// Makes the request's path that of the first file that is there; goes on elsewhere where none is.
pub(crate) fn run(request: &mut Request) -> Flow {
    let Some(files) = request.location.files.try_files.clone() else {
        return Flow::Next;
    };
    let alias = path::alias(request);
    let (mut path, root_len) = match path::map(request) {
        Ok(Mapped { path, root_len }) => (path, root_len),
        Err(status) => return Flow::Respond(status),
    };
    for candidate in &files.files {
        let mut name = candidate.name.to_bytes(request);
        if let Alias::Prefix(len) = alias
            && candidate.has_variables
            && let Some(prefix) = request.uri.get(..len)
            && name.starts_with(prefix)
        {
            name.drain(..len);
        }
        path.truncate(root_len);
        path.extend_from_slice(&name);
        match std::fs::metadata(path::as_path(&path)) {
            Ok(found) if found.is_dir() == candidate.is_folder => {
                take(request, alias, &name, candidate.is_folder);
                return Flow::Next;
            }
            Ok(_) => {}
            Err(error) if super::send::status_of(&error) == super::send::NOT_FOUND => {}
            Err(error) => request.error(
                Severity::Crit,
                format_args!(
                    "stat() \"{}\" failed ({})",
                    String::from_utf8_lossy(&path),
                    super::send::Reason(&error)
                ),
            ),
        }
    }
    match &files.last {
        Last::Code(code) => Flow::Respond(*code),
        Last::Named(name) => Flow::Named(name.clone()),
        Last::Uri(uri) => {
            let uri = uri.to_bytes(request);
            let at = uri.iter().position(|byte| *byte == b'?');
            let (path, args) = at.map_or((&*uri, &b""[..]), |at| (&uri[..at], &uri[at + 1..]));
            Flow::Redirect {
                uri: path.to_vec(),
                args: args.to_vec(),
            }
        }
    }
}

/// The raw URI stays what it is: a server that the request goes to gets what the client sent.
fn take(request: &mut Request, alias: Alias, name: &[u8], is_folder: bool) {
    match alias {
        Alias::No => {
            request.uri.clear();
            request.uri.extend_from_slice(name);
        }
        Alias::Prefix(len) => {
            request.uri.truncate(len);
            request.uri.extend_from_slice(name);
        }
        Alias::Whole if is_folder => {}
        Alias::Whole => {
            request.uri.clear();
            request.uri.extend_from_slice(name);
            request.adds_uri_to_alias = true;
        }
    }
}
