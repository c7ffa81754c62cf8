//! From a request to the name of a file.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::{Alias, Root};
use crate::conf::Severity;
use crate::http::Request;

/// The name of a file, and how much of it is the folder of `root` or `alias`.
pub(super) struct Mapped {
    pub(super) path: Vec<u8>,
    pub(super) root_len: usize,
}

impl Mapped {
    /// The name as the system takes it.
    /// Bytes as the name of a file.
    pub(crate) fn as_path(&self) -> &Path {
        as_path(&self.path)
    }
}

/// Bytes as the name of a file.
pub(crate) fn as_path(bytes: &[u8]) -> &Path {
    Path::new(std::ffi::OsStr::from_bytes(bytes))
}

/// What of the path stands behind the folder.
pub(super) fn alias(request: &Request) -> Alias {
    let root = request.location.files.root.as_deref();
    root.map_or(Alias::No, |root| root.alias)
}

/// The file that the request's path stands for; `Err` with the status where there can be none.
///
/// A path that would leave the folder of an `alias` is not found, where nginx goes there: `location /a { alias /b/; }` and
/// `/a../c`.
pub(super) fn map(request: &Request) -> Result<Mapped, u16> {
    let alias = alias(request);
    if alias != Alias::No && !request.is_prefix_valid {
        request.error(
            Severity::Alert,
            format_args!(
                "\"alias\" cannot be used in location \"{}\" where URI was rewritten",
                request.location.pattern
            ),
        );
        return Err(500);
    }
    let mut path = folder(request);
    let root_len = path.len();
    match alias {
        Alias::No => path.extend_from_slice(&request.uri),
        Alias::Prefix(len) => {
            let rest = request.uri.get(len..).unwrap_or_default();
            if rest == b".." || rest.starts_with(b"../") {
                return Err(404);
            }
            path.extend_from_slice(rest);
        }
        Alias::Whole if request.adds_uri_to_alias => path.extend_from_slice(&request.uri),
        Alias::Whole => {}
    }
    Ok(Mapped { path, root_len })
}

/// The folder that the request's path stands for.
pub(crate) fn folder_of(request: &Request) -> Result<PathBuf, u16> {
    map(request).map(|mapped| mapped.as_path().to_owned())
}

/// The folder of `root` or `alias`.
pub(super) fn folder(request: &Request) -> Vec<u8> {
    match request.location.files.root.as_deref() {
        Some(Root {
            literal: Some(path),
            ..
        }) => path.to_vec(),
        Some(root) => absolute(request, &root.to.to_bytes(request)),
        None => absolute(request, b"html"),
    }
}

fn absolute(request: &Request, name: &[u8]) -> Vec<u8> {
    let path = request.config.prefix.join(as_path(name));
    path.into_os_string().into_encoded_bytes()
}
