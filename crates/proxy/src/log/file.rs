//! Files that logs are written to: opened when a configuration comes into force, reopened on demand.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use crate::conf::LogTarget;

/// One file, open or not. Lines are appended in single writes, so that processes and threads may share it.
#[derive(Debug)]
pub(crate) struct LogFile {
    place: LogTarget,
    file: RwLock<Option<File>>,
}

impl LogFile {
    fn new(place: LogTarget) -> Self {
        Self {
            place,
            file: RwLock::new(None),
        }
    }

    /// Opens it under its name, whatever was open before goes on in the meantime.
    fn open(&self) -> Result<(), (PathBuf, io::Error)> {
        let LogTarget::File(path) = &self.place else {
            return Ok(());
        };
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .map_err(|error| (path.clone(), error))?;
        *self.file.write().unwrap_or_else(PoisonError::into_inner) = Some(file);
        Ok(())
    }

    /// Appends whole lines.
    pub(crate) fn write(&self, lines: &[u8]) {
        if self.place == LogTarget::Stderr {
            let _ = io::stderr().write_all(lines);
            return;
        }
        let file = self.file.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut file) = file.as_ref() {
            // A full disk must not stop what is logged, and there is nowhere to tell of it.
            let _ = file.write_all(lines);
        }
    }
}

/// The files of a configuration, each once.
#[derive(Debug, Default)]
pub(crate) struct Logs {
    files: Vec<Arc<LogFile>>,
}

impl Logs {
    /// The file of that name.
    pub(crate) fn file(&mut self, place: LogTarget) -> Arc<LogFile> {
        let known = self.files.iter().find(|file| file.place == place);
        known.cloned().unwrap_or_else(|| {
            let file = Arc::new(LogFile::new(place));
            self.files.push(file.clone());
            file
        })
    }

    /// Opens, or reopens, all of them.
    ///
    /// # Errors
    ///
    /// The first file that cannot be opened, and why; the others are tried all the same.
    pub(crate) fn open(&self) -> Result<(), (PathBuf, io::Error)> {
        let mut outcome = Ok(());
        for file in &self.files {
            outcome = outcome.and(file.open());
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_moved_away_is_made_again() {
        let dir = std::env::temp_dir().join(format!("proxy-log-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let mut logs = Logs::default();
        let file = logs.file(LogTarget::File(dir.join("a.log")));
        assert!(Arc::ptr_eq(
            &file,
            &logs.file(LogTarget::File(dir.join("a.log")))
        ));
        file.write(b"lost\n");
        logs.open().unwrap();
        file.write(b"one\n");
        std::fs::rename(dir.join("a.log"), dir.join("b.log")).unwrap();
        file.write(b"two\n");
        logs.open().unwrap();
        file.write(b"three\n");
        assert_eq!(std::fs::read(dir.join("b.log")).unwrap(), b"one\ntwo\n");
        assert_eq!(std::fs::read(dir.join("a.log")).unwrap(), b"three\n");
        logs.file(LogTarget::File(dir.join("no/such/dir")));
        assert_eq!(logs.open().unwrap_err().0, dir.join("no/such/dir"));
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
