//! Files that logs are written to: opened when a configuration comes into force, reopened on demand.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

/// One file, open or not. Lines are appended in single writes, so that processes and threads may share it.
#[derive(Debug)]
pub(crate) struct LogFile {
    path: PathBuf,
    file: RwLock<Option<File>>,
}

impl LogFile {
    fn new(path: PathBuf) -> Self {
        Self {
            path,
            file: RwLock::new(None),
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens it under its name, whatever was open before goes on in the meantime.
    fn open(&self) -> io::Result<()> {
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(&self.path)?;
        *self.file.write().unwrap_or_else(PoisonError::into_inner) = Some(file);
        Ok(())
    }

    /// Appends whole lines.
    pub(crate) fn write(&self, lines: &[u8]) {
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
    pub(crate) fn file(&mut self, path: PathBuf) -> Arc<LogFile> {
        let known = self.files.iter().find(|file| file.path == path);
        known.cloned().unwrap_or_else(|| {
            let file = Arc::new(LogFile::new(path));
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
            let opened = file.open().map_err(|error| (file.path.clone(), error));
            outcome = outcome.and(opened);
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
        let file = logs.file(dir.join("a.log"));
        assert!(Arc::ptr_eq(&file, &logs.file(dir.join("a.log"))));
        file.write(b"lost\n");
        logs.open().unwrap();
        file.write(b"one\n");
        std::fs::rename(dir.join("a.log"), dir.join("b.log")).unwrap();
        file.write(b"two\n");
        logs.open().unwrap();
        file.write(b"three\n");
        assert_eq!(std::fs::read(dir.join("b.log")).unwrap(), b"one\ntwo\n");
        assert_eq!(std::fs::read(dir.join("a.log")).unwrap(), b"three\n");
        logs.file(dir.join("no/such/dir"));
        assert_eq!(logs.open().unwrap_err().0, dir.join("no/such/dir"));
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
