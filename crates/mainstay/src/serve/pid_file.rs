//! The file with the process id.

use std::fs;
use std::io;
use std::path::PathBuf;

use crate::config::Pid;

/// A file that was written, and goes with this.
#[derive(Debug)]
pub(super) struct PidFile(PathBuf);

impl PidFile {
    /// Writes the id of this process. Nothing where there is nothing to write: nginx's default file, and no directory for it.
    ///
    /// # Errors
    /// The system's, with the file's name.
    pub(super) fn write(pid: Option<&Pid>) -> io::Result<Option<Self>> {
        let Some(Pid { path, named }) = pid else {
            return Ok(None);
        };
        let missing = |dir: &std::path::Path| !dir.as_os_str().is_empty() && !dir.is_dir();
        if !named && path.parent().is_some_and(missing) {
            return Ok(None);
        }
        fs::write(path, format!("{}\n", std::process::id())).map_err(|error| {
            let text = format!("cannot write the process id to {}: {error}", path.display());
            io::Error::new(error.kind(), text)
        })?;
        Ok(Some(Self(path.clone())))
    }

    /// Whether it is that one.
    pub(super) fn is(&self, pid: Option<&Pid>) -> bool {
        pid.is_some_and(|pid| pid.path == self.0)
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // Somebody may have removed it already.
        let _ = fs::remove_file(&self.0);
    }
}
