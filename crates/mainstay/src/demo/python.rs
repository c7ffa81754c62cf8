//! The textbooks' own programs, as `examples/textbook` has them, where Python and its packages are there.
//!
//! The demonstration does not depend on them: a newcomer has this program and perhaps nothing else, so that its own small
//! clients take the same steps, and what is told about survival is told about those.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::say;

/// The programs end within seconds.
const LIMIT: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(20);

/// A textbook's program.
#[derive(Debug)]
pub(super) struct Program {
    file: &'static str,
    text: &'static str,
    /// What Python must know for it to run.
    probe: &'static str,
    install: &'static str,
}

pub(super) const KAFKA: Program = Program {
    file: "kafka.py",
    text: include_str!("../../../../examples/textbook/kafka.py"),
    probe: "from kafka import SimpleConsumer",
    install: "kafka-python==1.4.7",
};

pub(super) const RABBITMQ: Program = Program {
    file: "rabbitmq.py",
    text: include_str!("../../../../examples/textbook/rabbitmq.py"),
    probe: "import pika",
    install: "pika==1.4.4",
};

impl Program {
    /// Runs it with this server, its output going where ours goes; says so where it cannot run.
    pub(super) fn run(&self, dir: &Path, from: &str, to: &str, out: &mut impl Write) -> Result<()> {
        if !self.can_run() {
            let text = format!(
                "(the same in Python, examples/textbook/{}, is left out: pip install {})",
                self.file, self.install
            );
            return say(out, &text);
        }
        say(
            out,
            &format!("the same in Python, examples/textbook/{}:", self.file),
        )?;
        out.flush()?;
        let path = dir.join(self.file);
        fs::write(&path, self.text.replace(from, to))?;
        let mut child = Command::new("python3")
            .arg(&path)
            .stdin(Stdio::null())
            .spawn()
            .context("python3")?;
        let began = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if began.elapsed() > LIMIT {
                child.kill()?;
                child.wait()?;
                bail!("{} did not end within {} s", self.file, LIMIT.as_secs());
            }
            std::thread::sleep(POLL);
        };
        ensure!(status.success(), "{} failed: {status}", self.file);
        Ok(())
    }

    fn can_run(&self) -> bool {
        let mut python = Command::new("python3");
        python.args(["-c", self.probe]).stdin(Stdio::null());
        let status = python.stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    }
}
