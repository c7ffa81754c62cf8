//! Configuration files from the disk.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use nginx_conf::Reader;

/// The file system as it is.
pub(super) struct Disk;

impl Reader for Disk {
    fn read(&mut self, path: &Path, len_max: usize) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        let limit = u64::try_from(len_max).unwrap_or(u64::MAX);
        File::open(path)?.take(limit).read_to_end(&mut content)?;
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
