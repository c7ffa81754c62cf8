//! Sending a file, or some ranges of it.

use std::io;
use std::ops::Range;

use http_wire::Method;
use http_wire::escape::{EscapeSet, escape};

use super::path;
use super::read::Reader;
use crate::conf::Severity;
use crate::http::{Abort, Client, Flow, Request, conditions};

/// What an answer is where no file has that name.
pub(super) const NOT_FOUND: u16 = 404;

/// Answers with the file that the path stands for.
pub(crate) async fn run(request: &mut Request, client: &mut Client) -> Result<Flow, Abort> {
    if !matches!(request.method(), Method::Get | Method::Head | Method::Post) {
        return Ok(Flow::Respond(405));
    }
    if request.uri.ends_with(b"/") {
        return Ok(forbidden(request));
    }
    let mapped = match path::map(request) {
        Ok(mapped) => mapped,
        Err(status) => return Ok(Flow::Respond(status)),
    };
    let reader = match Reader::open(mapped.as_path()) {
        Ok(reader) => reader,
        Err(error) => return Ok(failed(request, &mapped.path, &error)),
    };
    if reader.is_folder() {
        return Ok(slash(request));
    }
    if !reader.is_file() {
        let name = String::from_utf8_lossy(&mapped.path);
        request.error(
            Severity::Crit,
            format_args!("\"{name}\" is not a regular file"),
        );
        return Ok(Flow::Respond(NOT_FOUND));
    }
    if request.method() == Method::Post {
        return Ok(Flow::Respond(405));
    }
    if !client.discard_ahead(request) {
        return Ok(Flow::Respond(400));
    }
    describe(request, &reader);
    if let Some(status) = conditions::decide(request) {
        return Ok(Flow::Respond(status));
    }
    client.send_head(request);
    if client.wants_body() {
        let sent = body(request, client, reader).await;
        if let Err(Abort::Respond(_)) = sent {
            return Err(Abort::Cut);
        }
        sent?;
    }
    client.finish(request).await.map(|()| Flow::Done)
}

fn describe(request: &mut Request, reader: &Reader) {
    let (len, modified) = (reader.len(), reader.modified());
    let has_etag = request.location.core.etag;
    let response = &mut request.response;
    response.status = 200;
    response.content_length = Some(len);
    response.last_modified = Some(modified);
    response.allow_ranges = true;
    if has_etag {
        response.fields.push(
            "ETag".as_bytes(),
            format!("\"{modified:x}-{len:x}\"").as_bytes(),
        );
    }
    request.set_type_of_uri();
}

/// A folder is asked for without an index.
fn forbidden(request: &Request) -> Flow {
    let mapped = match path::map(request) {
        Ok(mapped) => mapped,
        Err(status) => return Flow::Respond(status),
    };
    let name = String::from_utf8_lossy(&mapped.path);
    request.error(
        Severity::Error,
        format_args!("directory index of \"{name}\" is forbidden"),
    );
    Flow::Respond(403)
}

/// Tells the client to ask for a folder with a slash behind it.
fn slash(request: &mut Request) -> Flow {
    let location = &mut request.response.location;
    location.clear();
    escape(&request.uri, EscapeSet::Uri, location);
    location.push(b'/');
    if !request.args.is_empty() {
        location.push(b'?');
        location.extend_from_slice(&request.args);
    }
    Flow::Respond(301)
}

fn failed(request: &Request, path: &[u8], error: &io::Error) -> Flow {
    let status = status_of(error);
    if status != NOT_FOUND || request.location.core.log_not_found {
        let level = if status == 500 {
            Severity::Crit
        } else {
            Severity::Error
        };
        let name = String::from_utf8_lossy(path);
        request.error(
            level,
            format_args!("open() \"{name}\" failed ({})", Reason(error)),
        );
    }
    Flow::Respond(status)
}

/// What is answered where the system refuses a file.
pub(crate) fn status_of(error: &io::Error) -> u16 {
    use io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound
        | ErrorKind::NotADirectory
        | ErrorKind::InvalidFilename
        // A NUL in it: no file has such a name.
        | ErrorKind::InvalidInput => NOT_FOUND,
        ErrorKind::PermissionDenied => 403,
        _ if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => 403,
        _ => 500,
    }
}

/// An error of the system as nginx's log has it.
pub(super) struct Reason<'e>(pub(super) &'e io::Error);

impl std::fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.0.to_string();
        match (self.0.raw_os_error(), text.split_once(" (os error")) {
            (Some(code), Some((words, _))) => write!(f, "{code}: {words}"),
            _ => f.write_str(&text),
        }
    }
}

async fn body(request: &mut Request, client: &mut Client, reader: Reader) -> Result<(), Abort> {
    let parts = std::mem::take(&mut request.response.parts);
    if parts.is_empty() {
        let whole = 0..reader.len();
        return bytes(request, client, reader, whole, true).await.map(drop);
    }
    let mut reader = reader;
    for part in &parts.list {
        client.send_body(request, &part.head, false).await?;
        let is_last = parts.tail.is_empty();
        reader = bytes(request, client, reader, part.bytes.clone(), is_last).await?;
    }
    client.send_body(request, &parts.tail, true).await
}

/// Sends some of the file. Gives the reader back.
async fn bytes(
    request: &mut Request,
    client: &mut Client,
    mut reader: Reader,
    range: Range<u64>,
    is_last: bool,
) -> Result<Reader, Abort> {
    let mut at = range.start;
    while at < range.end {
        match reader.read(at, range.end - at).await {
            Ok(0) => {
                request.error(
                    Severity::Alert,
                    format_args!("a file became shorter while it was sent"),
                );
                return Err(Abort::Cut);
            }
            Ok(count) => at += count as u64,
            Err(error) => {
                request.error(
                    Severity::Crit,
                    format_args!("read() failed ({})", Reason(&error)),
                );
                return Err(Abort::Cut);
            }
        }
        client
            .send_body(request, reader.bytes(), is_last && at == range.end)
            .await?;
    }
    Ok(reader)
}
