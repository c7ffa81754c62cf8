//! Error logs: where, from which level on, and what a line looks like.

use std::fmt;
use std::io::Write;
use std::sync::Arc;

use super::LogFile;
use crate::net::clock;

/// How grave it is, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Emerg,
    Alert,
    Crit,
    Error,
    Warn,
    Notice,
    Info,
    Debug,
}

const NAMES: [(&str, Level); 8] = [
    ("emerg", Level::Emerg),
    ("alert", Level::Alert),
    ("crit", Level::Crit),
    ("error", Level::Error),
    ("warn", Level::Warn),
    ("notice", Level::Notice),
    ("info", Level::Info),
    ("debug", Level::Debug),
];

impl Level {
    /// The level of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let found = NAMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, level)| *level)
    }

    fn name(self) -> &'static str {
        let found = NAMES.iter().find(|(_, level)| *level == self);
        found.map_or("error", |(name, _)| name)
    }
}

/// Where errors go. Empty, it drops them.
#[derive(Debug, Clone, Default)]
pub(crate) struct ErrorLog {
    targets: Arc<[(Level, Arc<LogFile>)]>,
}

/// Longer lines are cut, as nginx cuts them: whoever makes a request must not fill the disk with one.
const LINE_LEN_MAX: usize = 2048;

impl ErrorLog {
    /// Goes to these files.
    pub(crate) fn new(targets: Vec<(Level, Arc<LogFile>)>) -> Self {
        Self {
            targets: targets.into(),
        }
    }

    /// The same with one more.
    pub(crate) fn with(&self, level: Level, file: Arc<LogFile>) -> Self {
        let mut targets = self.targets.to_vec();
        targets.push((level, file));
        Self::new(targets)
    }

    /// Whether somebody wants lines of that level: what is costly to say is asked for first.
    pub(crate) fn wants(&self, level: Level) -> bool {
        self.targets.iter().any(|(least, _)| level <= *least)
    }

    /// Writes a line. `connection` is its number, 0 outside of connections.
    pub(crate) fn line(&self, level: Level, connection: u64, text: fmt::Arguments<'_>) {
        if !self.wants(level) {
            return;
        }
        let mut line = Vec::with_capacity(256);
        clock::refresh();
        clock::text(|time| line.extend_from_slice(time.error_log().as_bytes()));
        let pid = std::process::id();
        let level_name = level.name();
        // Writing to a vector does not fail.
        let _ = write!(line, " [{level_name}] {pid}#{pid}: ");
        if connection != 0 {
            let _ = write!(line, "*{connection} ");
        }
        let _ = line.write_fmt(text);
        line.truncate(LINE_LEN_MAX);
        for byte in &mut line {
            if *byte == b'\n' {
                *byte = b' ';
            }
        }
        line.push(b'\n');
        for (least, file) in &*self.targets {
            if level <= *least {
                file.write(&line);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Level;

    #[test]
    fn graver_levels_come_first() {
        assert!(Level::Alert < Level::Error && Level::Error < Level::Debug);
        assert_eq!(Level::named("warn"), Some(Level::Warn));
        assert_eq!(Level::named("loud"), None);
        assert_eq!(Level::Crit.name(), "crit");
    }
}
