//! The operating system's file system below one directory, held by one process at a time.

use crate::disk::{Disk, DiskFile, Entry};
use bytes::{Bytes, BytesMut};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const LOCK_FILE: &str = "LOCK";

/// A directory that this process has locked.
#[derive(Debug)]
pub struct OsDisk {
    root: PathBuf,
    /// Held for as long as the disk is; the lock goes with the descriptor, however the process ends.
    _lock: File,
}

/// Why a directory could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("the data directory {root} is in use by another process{}", holder.map(|pid| format!(" (pid {pid})")).unwrap_or_default())]
    Held {
        /// The directory.
        root: PathBuf,
        /// The process that wrote the lock file, where it can be read.
        holder: Option<u32>,
    },
    /// It cannot be created or opened.
    #[error("the data directory {root} cannot be opened: {source}")]
    Io {
        /// The directory.
        root: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl OsDisk {
    /// Creates `root` where it does not exist and locks it.
    pub fn lock(root: &Path) -> Result<Self, LockError> {
        let failed = |source| LockError::Io {
            root: root.to_path_buf(),
            source,
        };
        create_root(root).map_err(failed)?;
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(root.join(LOCK_FILE))
            .map_err(failed)?;
        match rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut text = String::new();
                let holder = lock
                    .read_to_string(&mut text)
                    .ok()
                    .and_then(|_| text.trim().parse().ok());
                return Err(LockError::Held {
                    root: root.to_path_buf(),
                    holder,
                });
            }
            Err(errno) => return Err(failed(errno.into())),
        }
        lock.set_len(0).map_err(failed)?;
        lock.seek(SeekFrom::Start(0)).map_err(failed)?;
        writeln!(lock, "{}", std::process::id()).map_err(failed)?;
        Ok(Self {
            root: root.to_path_buf(),
            _lock: lock,
        })
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }
}

/// Creates the root and its missing parents. The root's name is made durable even where it exists: an
/// earlier process may have been killed before it was.
fn create_root(root: &Path) -> io::Result<()> {
    let parent = root
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let exists = root.is_dir();
    if !exists {
        if !parent.is_dir() {
            create_root(parent)?;
        }
        fs::create_dir(root)?;
    }
    match sync_dir(parent) {
        // Whoever gave us a directory inside one that we may not read has made it durable.
        Err(error) if exists && error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        synced => synced,
    }
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

impl Disk for OsDisk {
    fn create_dir(&self, dir: &str) -> io::Result<()> {
        // Also where it exists: whoever created it may have been killed before its name was durable.
        let (mut path, parts) = (self.root.clone(), Path::new(dir).iter());
        for part in parts {
            let parent = path.clone();
            path.push(part);
            match fs::create_dir(&path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => sync_dir(&parent)?,
            }
        }
        Ok(())
    }

    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(self.path(path))?;
        Ok(Arc::new(OsFile(file)))
    }

    fn open(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(self.path(path))?;
        Ok(Arc::new(OsFile(file)))
    }

    fn list(&self, dir: &str) -> io::Result<Vec<Entry>> {
        let entries = match fs::read_dir(self.path(dir)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if let (true, Ok(name)) = (metadata.is_file(), entry.file_name().into_string()) {
                found.push(Entry {
                    name,
                    len: metadata.len(),
                });
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    fn link(&self, from: &str, to: &str) -> io::Result<()> {
        fs::hard_link(self.path(from), self.path(to))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        fs::remove_file(self.path(path))
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        sync_dir(&self.path(dir))
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(&self.root)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

struct OsFile(File);

impl DiskFile for OsFile {
    fn write_at(&self, position: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, position)
    }

    fn read_at(&self, position: u64, len: usize) -> io::Result<Bytes> {
        // The file's own length bounds what is reserved, whatever a damaged index asks for.
        let available = usize::try_from(self.0.metadata()?.len().saturating_sub(position))
            .unwrap_or(usize::MAX);
        let mut buffer = BytesMut::zeroed(len.min(available));
        let mut filled = 0;
        while filled < buffer.len() {
            match self
                .0
                .read_at(&mut buffer[filled..], position + filled as u64)
            {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        buffer.truncate(filled);
        Ok(buffer.freeze())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::{LockError, OsDisk};
    use crate::disk::Disk;

    #[test]
    fn a_directory_has_one_holder_and_the_second_is_told_who() {
        let root = std::env::temp_dir().join(format!("mainstay-lock-{}", std::process::id()));
        let first = OsDisk::lock(&root).expect("a fresh directory can be locked");
        let error = OsDisk::lock(&root).expect_err("the directory is held");
        assert!(
            matches!(error, LockError::Held { holder: Some(pid), .. } if pid == std::process::id()),
            "{error}"
        );
        drop(first);
        OsDisk::lock(&root).expect("the lock went with its holder");
        std::fs::remove_dir_all(root).expect("cleaning up");
    }

    #[test]
    fn files_keep_what_is_written() {
        let root = std::env::temp_dir().join(format!("mainstay-disk-{}", std::process::id()));
        let disk = OsDisk::lock(&root).expect("a fresh directory can be locked");
        disk.create_dir("a/b")
            .expect("directories are created with their parents");
        let file = disk.create("a/b/c").expect("a new file");
        assert_eq!(
            disk.create("a/b/c").map(|_| ()).expect_err("taken").kind(),
            std::io::ErrorKind::AlreadyExists
        );
        file.write_at(3, b"def").expect("a write beyond the end");
        assert_eq!(&file.read_at(0, 100).expect("a read")[..], b"\0\0\0def");
        file.truncate(4).expect("a cut");
        assert_eq!(file.len().expect("a length"), 4);
        disk.link("a/b/c", "a/d").expect("a second name");
        assert_eq!(
            disk.link("a/b/c", "a/d").expect_err("taken").kind(),
            std::io::ErrorKind::AlreadyExists
        );
        assert_eq!(disk.list("a").expect("a listing").len(), 1);
        assert!(
            disk.list("nowhere")
                .expect("a missing directory is empty")
                .is_empty()
        );
        assert!(disk.free_bytes().expect("a number") > 0);
        std::fs::remove_dir_all(root).expect("cleaning up");
    }
}
