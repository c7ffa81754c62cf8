//! How a command fails: what is printed, and the exit code.

use std::process::ExitCode;

use nginx_conf::Finding;

/// Something went wrong; [`Failure::report`] prints it once, in `main`.
#[derive(Debug)]
pub enum Failure {
    /// The command line or the configuration must be changed first.
    Usage(String),
    /// The configuration is refused; every finding that refuses it is printed.
    Configuration(Vec<Finding>),
    /// A server refused some of what was asked for; one line for each.
    Refused(Vec<String>),
    /// It failed while it ran; trying again may help.
    Runtime(anyhow::Error),
}

impl Failure {
    /// The lines for standard error.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Usage(text) => vec![format!("mainstay: {text}")],
            Self::Configuration(findings) => {
                let refusing = findings.iter().filter(|f| f.verdict.refuses());
                refusing.map(|f| format!("mainstay: {f}")).collect()
            }
            Self::Refused(lines) => lines.iter().map(|l| format!("mainstay: {l}")).collect(),
            Self::Runtime(error) => vec![format!("mainstay: {error:#}")],
        }
    }

    /// 1 where it failed while it ran, 2 where command line or configuration must be changed.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) | Self::Configuration(_) => ExitCode::from(2),
            Self::Refused(_) | Self::Runtime(_) => ExitCode::from(1),
        }
    }

    /// Prints the lines and gives the exit code.
    pub fn report(&self) -> ExitCode {
        for line in self.lines() {
            say(&line);
        }
        self.exit_code()
    }
}

/// Prints a line to standard error, whatever a file or a server put into it; where even that fails there is nobody
/// left to tell.
fn say(line: &str) {
    use std::io::Write;
    let shown: String = line
        .chars()
        .flat_map(|c| {
            let escaped = c.is_control().then(|| c.escape_default());
            let plain = (!c.is_control()).then_some(c);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect();
    let _ = writeln!(std::io::stderr().lock(), "{shown}");
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Runtime(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Runtime(error.into())
    }
}
