//! Where a configuration is read from: nginx's `-c`, `-p`, `-e` and `-g`.

use std::path::{Path, PathBuf};

use nginx_conf::{Directive, Finding, Parsed, Place, Word};

/// What the command line says about where to read. Nothing at all means the built-in configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Source {
    /// `-c`: the main file.
    pub file: Option<PathBuf>,
    /// `-p`: where relative names start from; without it from the working directory.
    pub prefix: Option<PathBuf>,
    /// `-e`: the error log that holds where the configuration names none.
    pub error_log: Option<String>,
    /// `-g`: directives that stand before the file.
    pub globals: Option<String>,
}

impl Source {
    /// The main file: `-c` from the prefix on; `conf/nginx.conf` below the prefix where only that is given.
    #[must_use]
    pub fn main_file(&self) -> Option<PathBuf> {
        match (&self.file, &self.prefix) {
            (Some(file), prefix) => Some(prefix.as_deref().unwrap_or(Path::new("")).join(file)),
            (None, Some(prefix)) => Some(prefix.join("conf/nginx.conf")),
            (None, None) => None,
        }
    }

    /// Where names in the configuration start from, and whether there is a log for topics.
    pub(super) fn origin(&self, has_log: bool) -> proxy::Origin {
        let file = self.main_file();
        let conf_dir = file.as_deref().and_then(Path::parent);
        proxy::Origin {
            prefix: self.prefix.clone().unwrap_or_default(),
            conf_dir: conf_dir.unwrap_or(Path::new("")).to_owned(),
            // nginx would not start without the directory; who has none wants no log there.
            logs: self
                .prefix
                .as_ref()
                .is_some_and(|prefix| prefix.join("logs").is_dir()),
            topics: has_log.then_some(kafka::topic_name::check),
        }
    }

    /// `-e` as the directive that it stands for, where there is none outside of the blocks.
    pub(super) fn error_log(&self, directives: &[Directive]) -> Option<Directive> {
        let name = self.error_log.as_deref()?;
        let known = directives.iter().any(|d| d.name.text == "error_log");
        let place = Place::whole(&format!("-e {name}"));
        (!known).then(|| Directive {
            name: Word::new("error_log", place.clone()),
            args: vec![Word::new(name, place)],
            block: None,
        })
    }

    /// The directives of `-g`, and what is wrong with their syntax. The last one's `;` may be left out, as in nginx.
    pub(super) fn globals(&self) -> (Vec<Directive>, Vec<Finding>) {
        let Some(text) = &self.globals else {
            return (Vec::new(), Vec::new());
        };
        let whole = text.trim_end();
        let end = if whole.is_empty() || whole.ends_with([';', '}']) {
            ""
        } else {
            ";"
        };
        let Parsed {
            directives,
            findings,
        } = nginx_conf::parse(format!("{whole}{end}").as_bytes(), "-g");
        (directives, findings)
    }
}
