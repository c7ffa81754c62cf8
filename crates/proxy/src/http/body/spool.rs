//! A temporary file that holds a body.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// The file. Its name is gone at once, when it is dropped, or never.
#[derive(Debug)]
pub(crate) struct Spool {
    file: File,
    path: PathBuf,
    len: u64,
    name: Name,
}

/// How long a file's name lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    /// Nobody sees it, so that nothing is left behind whatever happens to the process.
    Hidden,
    /// As long as the request: others may read the file (`$request_body_file`).
    WhileNeeded,
    /// It stays.
    Forever,
}

/// Numbers of files, so that no two have one name.
static NUMBER: AtomicU64 = AtomicU64::new(1);

/// Other processes may use the directory: names that are taken are passed over so often.
const TRIES_MAX: u32 = 1000;

impl Spool {
    /// A new file in `directory`, which is made where it is missing.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(crate) fn new(directory: &Path, name: Name) -> io::Result<Self> {
        for _ in 0..TRIES_MAX {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = directory.join(format!("{number:010}"));
            match OpenOptions::new()
                .read(true)
                .write(true)
                .create_new(true)
                .open(&path)
            {
                Ok(file) => {
                    if name == Name::Hidden {
                        fs::remove_file(&path)?;
                    }
                    return Ok(Self {
                        file,
                        path,
                        len: 0,
                        name,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    fs::create_dir_all(directory)?;
                }
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// The same file, for another reader. It goes with the last one; its name is the first one's to remove.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(crate) fn share(&self) -> io::Result<Self> {
        Ok(Self {
            file: self.file.try_clone()?,
            path: self.path.clone(),
            len: self.len,
            name: Name::Forever,
        })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// How long it is.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Appends.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Reads from `offset` on, as much as `into` has room for.
    pub(crate) fn read_at(&self, offset: u64, into: &mut Vec<u8>) -> io::Result<()> {
        let left = usize::try_from(self.len.saturating_sub(offset)).unwrap_or(usize::MAX);
        into.resize(left.min(into.capacity()), 0);
        self.file.read_exact_at(into, offset)
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if self.name == Name::WhileNeeded {
            // Somebody may have removed it already, which is as well.
            let _ = fs::remove_file(&self.path);
        }
    }
}
