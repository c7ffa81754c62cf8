//! Error logs at work: which lines go where, and what one looks like.

use std::fmt;
use std::io::Write;
use std::sync::Arc;

use super::LogFile;
use crate::conf::Severity;
use crate::net::clock;

/// Where errors go. Empty, it drops them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Errors {
    targets: Arc<[(Severity, Arc<LogFile>)]>,
}

/// Longer lines are cut, as nginx cuts them: whoever makes a request must not fill the disk with one.
const LINE_LEN_MAX: usize = 2048;

impl Errors {
    /// Goes to these files.
    pub(crate) fn new(targets: Vec<(Severity, Arc<LogFile>)>) -> Self {
        Self {
            targets: targets.into(),
        }
    }

    /// The same with one more.
    pub(crate) fn with(&self, level: Severity, file: Arc<LogFile>) -> Self {
        let mut targets = self.targets.to_vec();
        targets.push((level, file));
        Self::new(targets)
    }

    /// Whether somebody wants lines of that level: what is costly to say is asked for first.
    pub(crate) fn wants(&self, level: Severity) -> bool {
        self.targets.iter().any(|(least, _)| level >= *least)
    }

    /// Writes a line. `connection` is its number, 0 outside of connections.
    pub(crate) fn line(&self, level: Severity, connection: u64, text: fmt::Arguments<'_>) {
        if !self.wants(level) {
            return;
        }
        let mut line = Vec::with_capacity(256);
        clock::refresh();
        clock::text(|time| line.extend_from_slice(time.error_log().as_bytes()));
        let pid = std::process::id();
        let level_name = level.word();
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
            if level >= *least {
                file.write(&line);
            }
        }
    }
}
