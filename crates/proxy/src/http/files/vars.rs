//! The variables about files.

use super::path;
use crate::http::var::Builtin;

/// The table.
pub(crate) static VARS: &[Builtin] = &[
    Builtin {
        name: "document_root",
        get: |request, out| {
            out.extend_from_slice(&path::folder(request));
            true
        },
    },
    Builtin {
        name: "realpath_root",
        get: |request, out| {
            let real = std::fs::canonicalize(path::as_path(&path::folder(request)));
            real.is_ok_and(|real| {
                out.extend_from_slice(real.as_os_str().as_encoded_bytes());
                true
            })
        },
    },
    Builtin {
        name: "request_filename",
        get: |request, out| {
            path::map(request).is_ok_and(|mapped| {
                out.extend_from_slice(&mapped.path);
                true
            })
        },
    },
];
