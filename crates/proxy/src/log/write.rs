//! The line of one request, or of one session.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::{AccessLog, Target, Writer};
use crate::outlet::Outlet;
use crate::script::Scope;

/// Where lines can go.
pub(crate) struct Ways<'w> {
    pub(crate) writer: &'w Writer,
    pub(crate) outlet: &'w dyn Outlet,
    /// Where relative names of files start from.
    pub(crate) prefix: &'w Path,
}

impl<V> AccessLog<V> {
    /// Writes a line where it is wanted. `scratch` is memory to work in.
    ///
    /// # Errors
    ///
    /// A file with variables in its name that cannot be opened or written, with its name.
    pub(crate) fn write(
        &self,
        scope: &impl Scope<V>,
        ways: &Ways<'_>,
        scratch: &mut Vec<u8>,
    ) -> Result<(), (PathBuf, io::Error)> {
        if !self.wants(scope, scratch) {
            return Ok(());
        }
        match &self.target {
            Target::File(file) => {
                let line = |out: &mut Vec<u8>| self.format.render(scope, out);
                ways.writer.line(file, self.limits, line);
            }
            Target::Topic(topic) => {
                scratch.clear();
                self.format.render(scope, scratch);
                let line = scratch.strip_suffix(b"\n").unwrap_or(scratch);
                ways.outlet.append(topic, line);
            }
            Target::Path(path) => {
                let name = path.to_bytes(scope);
                let full = ways.prefix.join(Path::new(OsStr::from_bytes(&name)));
                scratch.clear();
                self.format.render(scope, scratch);
                let opened = OpenOptions::new().append(true).create(true).open(&full);
                let written = opened.and_then(|mut file| file.write_all(scratch));
                return written.map_err(|error| (full, error));
            }
        }
        Ok(())
    }
}
