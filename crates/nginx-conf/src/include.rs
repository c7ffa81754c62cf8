//! Reads a configuration with all the files that it includes, through a reader that the caller brings.
//!
//! `include PATTERN;` is replaced, wherever it stands, by the directives of the files that match, in
//! the order of their names. As in nginx a relative path starts from the directory of the *main* file, a pattern may match nothing, and
//! a plain name must exist.

use std::io;
use std::path::{Component, Path, PathBuf};

use crate::finding::quote;
use crate::{Directive, Finding, Place, Word, glob, parse};

/// How deep files may include each other; a circle ends here.
pub const INCLUDE_DEPTH_MAX: usize = 10;

/// How many files one configuration may read, the same file counted as often as it is included.
pub const FILES_MAX: usize = 1000;

/// How many bytes one configuration may have in all its files. Large `geo` and `map` tables have a few million.
pub const LEN_MAX: usize = 16 << 20;

/// How to get at files. The only way in which this crate learns about the world.
pub trait Reader {
    /// The content of a file, cut off after `len_max` bytes.
    ///
    /// # Errors
    /// What the file system says; it becomes part of a finding.
    fn read(&mut self, path: &Path, len_max: usize) -> io::Result<Vec<u8>>;

    /// The names in a directory, in any order.
    ///
    /// # Errors
    /// What the file system says; such a directory holds no match.
    fn list(&mut self, dir: &Path) -> io::Result<Vec<String>>;
}

/// A whole configuration, its includes in place.
#[derive(Debug, Default)]
pub struct Tree {
    /// The directives of the main context.
    pub directives: Vec<Directive>,
    /// What was wrong with reading and syntax.
    pub findings: Vec<Finding>,
}

/// Reads the main file and everything that it includes. Mistakes become findings; what could be read is in the tree.
#[must_use]
pub fn load(path: &Path, reader: &mut dyn Reader) -> Tree {
    let mut loader = Loader {
        reader,
        prefix: path.parent().unwrap_or(Path::new("")).to_owned(),
        files_left: FILES_MAX,
        len_left: LEN_MAX,
        findings: Vec::new(),
        stopped: false,
    };
    let directives = loader.file(path, &Place::whole(&path.display().to_string()), 0);
    Tree {
        directives,
        findings: loader.findings,
    }
}

struct Loader<'a> {
    reader: &'a mut dyn Reader,
    prefix: PathBuf,
    files_left: usize,
    len_left: usize,
    findings: Vec<Finding>,
    /// A limit was reached and reported; nothing more is read.
    stopped: bool,
}

impl Loader<'_> {
    fn wrong(&mut self, place: &Place, message: String) {
        self.findings.push(Finding::wrong(place, message));
    }

    /// Reads one file; `cause` is the place to blame where that fails.
    fn file(&mut self, path: &Path, cause: &Place, depth: usize) -> Vec<Directive> {
        let name = path.display().to_string();
        if self.files_left == 0 {
            self.wrong(cause, format!("more than {FILES_MAX} files are included"));
            self.stopped = true;
            return Vec::new();
        }
        self.files_left -= 1;
        let content = match self.reader.read(path, self.len_left + 1) {
            Ok(content) => content,
            Err(error) => {
                self.wrong(cause, format!("cannot read {}: {error}", quote(&name)));
                return Vec::new();
            }
        };
        let Some(left) = self.len_left.checked_sub(content.len()) else {
            let text = format!("the configuration has more than {LEN_MAX} bytes");
            self.wrong(cause, text);
            self.stopped = true;
            return Vec::new();
        };
        self.len_left = left;
        let parsed = parse(&content, &name);
        self.findings.extend(parsed.findings);
        self.expand(parsed.directives, depth)
    }

    /// Puts included directives in the place of `include`, at every level.
    fn expand(&mut self, directives: Vec<Directive>, depth: usize) -> Vec<Directive> {
        let mut expanded = Vec::with_capacity(directives.len());
        for mut directive in directives {
            if directive.name.text == "include" {
                expanded.extend(self.include(&directive, depth));
                continue;
            }
            if let Some(block) = directive.block.take() {
                directive.block = Some(self.expand(block, depth));
            }
            expanded.push(directive);
        }
        expanded
    }

    fn include(&mut self, directive: &Directive, depth: usize) -> Vec<Directive> {
        let place = &directive.name.place;
        let [Word { text, place: at }] = directive.args.as_slice() else {
            let found = directive.args.len();
            let text =
                format!("\"include\": expected one file or pattern, found {found} arguments");
            self.wrong(place, text);
            return Vec::new();
        };
        if directive.block.is_some() {
            self.wrong(place, "\"include\": expected \";\", found a block".into());
            return Vec::new();
        }
        if depth == INCLUDE_DEPTH_MAX {
            let text = format!(
                "files include each other more than {INCLUDE_DEPTH_MAX} levels deep (in a circle?)"
            );
            self.wrong(at, text);
            return Vec::new();
        }
        if text.is_empty() {
            self.wrong(at, "\"include\": expected a file or pattern".into());
            return Vec::new();
        }
        let mut included = Vec::new();
        for path in self.matching(&self.prefix.join(text)) {
            if self.stopped {
                break;
            }
            included.extend(self.file(&path, at, depth + 1));
        }
        included
    }

    /// The files that a pattern means, sorted; a plain name means itself.
    fn matching(&mut self, pattern: &Path) -> Vec<PathBuf> {
        let mut found = vec![PathBuf::new()];
        let mut seen_pattern = false;
        for component in pattern.components() {
            let wanted = match component {
                Component::Normal(name) => name.to_str(),
                _ => None,
            };
            let is_pattern = wanted.is_some_and(glob::is_pattern);
            seen_pattern |= is_pattern;
            // Behind a pattern even a plain name is looked up, for it need not exist in every directory.
            let (Some(wanted), true) = (wanted, seen_pattern) else {
                for path in &mut found {
                    path.push(component);
                }
                continue;
            };
            let mut next = Vec::new();
            for dir in &found {
                let mut names = self.reader.list(dir).unwrap_or_default();
                names.retain(|name| match is_pattern {
                    true => glob::matches(wanted, name),
                    false => name == wanted,
                });
                names.sort();
                next.extend(names.iter().map(|name| dir.join(name)));
                // One more than may be read, so that reading them says so.
                next.truncate(FILES_MAX + 1);
            }
            found = next;
        }
        found
    }
}

#[cfg(test)]
mod tests;
