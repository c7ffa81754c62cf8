//! Configuration files from the disk.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use nginx_conf::Reader;

/// The file system as it is; remembers what was read.
#[derive(Default)]
pub(super) struct Disk {
    files: Vec<(PathBuf, Vec<u8>)>,
}

impl Disk {
    /// What was read, each file once.
    pub(super) fn into_files(self) -> Vec<(PathBuf, Vec<u8>)> {
        self.files
    }
}

impl Reader for Disk {
    fn read(&mut self, path: &Path, len_max: usize) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        let limit = u64::try_from(len_max).unwrap_or(u64::MAX);
        File::open(path)?.take(limit).read_to_end(&mut content)?;
        // How much there may be in all files together is limited by the one who asks.
        if !self.files.iter().any(|(known, _)| known == path) {
            self.files.push((path.to_owned(), content.clone()));
        }
        Ok(content)
    }

    fn list(&mut self, dir: &Path) -> io::Result<Vec<String>> {
        let dir = if dir.as_os_str().is_empty() {
            Path::new(".")
        } else {
            dir
        };
        let mut names = Vec::new();
        for entry in fs::read_dir(dir)? {
            // A name that is not UTF-8 cannot be written in a configuration and matches no pattern of one.
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }
}
