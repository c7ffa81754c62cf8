//! A client program that runs: one line of JSON asked, one line answered.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::conformance::folder;

/// A program waits at most 10 s for messages; anything beyond this hangs.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// How a client's program is started.
pub(super) struct Program {
    pub(super) command: Vec<PathBuf>,
    pub(super) environment: Vec<(&'static str, PathBuf)>,
}

/// A running program. Dropping it kills it.
pub(super) struct Dialogue {
    child: Child,
    input: ChildStdin,
    answers: Receiver<std::io::Result<String>>,
}

impl Dialogue {
    /// Starts the program; what it writes to standard error goes to `target/conformance/logs/NAME.log`.
    pub(super) fn start(program: &Program, name: &str) -> Result<Dialogue> {
        let logs = folder().join("logs");
        std::fs::create_dir_all(&logs)?;
        let [executable, arguments @ ..] = &program.command[..] else {
            bail!("a program has a name")
        };
        let mut command = Command::new(executable);
        command.args(arguments).envs(program.environment.clone());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let log = File::options()
            .create(true)
            .append(true)
            .open(logs.join(name).with_extension("log"))?;
        let mut child = command
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", executable.display()))?;
        let input = child.stdin.take().context("standard input is a pipe")?;
        let output = child.stdout.take().context("standard output is a pipe")?;
        let (sender, answers) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Dialogue {
            child,
            input,
            answers,
        })
    }

    /// Asks for one operation and waits for its answer.
    pub(super) fn ask(&mut self, request: &Value) -> Result<Value> {
        let line = request.to_string() + "\n";
        self.input
            .write_all(line.as_bytes())
            .context("the program has ended")?;
        match self.answers.recv_timeout(ANSWER_LIMIT) {
            Ok(line) => {
                let line = line?;
                serde_json::from_str(&line).with_context(|| format!("the program said {line:?}"))
            }
            Err(RecvTimeoutError::Timeout) => bail!("no answer within {ANSWER_LIMIT:?}"),
            Err(RecvTimeoutError::Disconnected) => bail!("the program has ended"),
        }
    }
}

impl Drop for Dialogue {
    fn drop(&mut self) {
        // An error means that the process is gone already, which is what is wanted.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
