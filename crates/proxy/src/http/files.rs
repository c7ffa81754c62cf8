//! Static files: what answers where nothing else does.
//!
//! `root` and `alias` map a path to a file; `index` and `try_files` choose among some. Ranges, conditions and entity tags are
//! nginx's. Files are opened at once and read in small pieces: see [`read`] for what that does to a worker.

mod index;
mod path;
mod read;
mod rows;
mod send;
mod try_files;
mod vars;

use std::sync::Arc;

use super::Template;
use crate::conf::{Level, List};

pub(crate) use index::run as index;
pub(crate) use path::{as_path, folder_of};
pub(crate) use rows::ROWS;
pub(crate) use send::{run as send, status_of};
pub(crate) use try_files::{TryFiles, run as try_files};
pub(crate) use vars::VARS;

/// Values of a location.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conf {
    /// `None` where neither `root` nor `alias` was given: `html` below the prefix.
    root: Option<Arc<Root>>,
    /// Where `root` was set.
    root_level: Level,
    /// `index`
    index: List<Template>,
    /// `try_files`. Never inherited.
    try_files: Option<Arc<TryFiles>>,
    /// `if_modified_since`
    pub(crate) since: Since,
    /// `max_ranges`: how many ranges one request may ask for; `None` for no limit of its own.
    pub(crate) ranges_max: Option<u64>,
}

impl Conf {
    /// What a level inside of this one starts from.
    pub(crate) fn inherited(&self) -> Self {
        Self {
            try_files: None,
            ..self.clone()
        }
    }
}

/// `root` or `alias`.
#[derive(Debug)]
struct Root {
    /// As written.
    to: Template,
    /// The folder, where there is no variable in it.
    literal: Option<Box<[u8]>>,
    alias: Alias,
}

/// What of the path stands behind the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Alias {
    /// `root`: all of it.
    No,
    /// `alias`: what follows so many bytes, the location's prefix.
    Prefix(usize),
    /// `alias` in a location by regular expression: nothing.
    Whole,
}

/// `if_modified_since`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Since {
    /// The client's copy always counts as old.
    Off,
    /// The times must be the same.
    #[default]
    Exact,
    /// The client's may be later.
    Before,
}
