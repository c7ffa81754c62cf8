//! An upstream server: this program again, as a process of its own that can be killed, stopped and started.

use std::net::TcpStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::server::free_port;
use anyhow::{Context, Result, ensure};

/// It listens after some milliseconds.
const START_LIMIT: Duration = Duration::from_secs(5);

/// One upstream server, running or not. Dropping it kills it.
pub(crate) struct Upstream {
    pub(crate) address: String,
    child: Option<Child>,
}

impl Upstream {
    /// A running one, on a free port.
    pub(crate) fn start() -> Result<Upstream> {
        let mut upstream = Upstream {
            address: format!("127.0.0.1:{}", free_port()?),
            child: None,
        };
        upstream.revive()?;
        Ok(upstream)
    }

    /// What it calls itself in its answers.
    pub(crate) fn name(&self) -> String {
        let port = self.address.rsplit(':').next();
        port.unwrap_or_default().to_owned()
    }

    /// Starts it again on the same address.
    pub(crate) fn revive(&mut self) -> Result<()> {
        ensure!(self.child.is_none(), "it is running");
        let mut process = Command::new(std::env::current_exe()?);
        process.args(["upstream", "--listen", &self.address]);
        process.stdin(Stdio::null()).process_group(0);
        self.child = Some(process.spawn().context("start an upstream server")?);
        let started = Instant::now();
        while TcpStream::connect(&self.address).is_err() {
            ensure!(
                started.elapsed() < START_LIMIT,
                "the upstream server does not listen"
            );
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// SIGKILL, and gone when this returns: its connections are reset, and new ones refused.
    pub(crate) fn kill(&mut self) -> Result<()> {
        let mut child = self.child.take().context("it is not running")?;
        child.kill().context("kill -9")?;
        child.wait().context("wait for the killed server")?;
        Ok(())
    }

    /// From now on it swallows what it is sent: the kernel goes on to accept, and nobody answers.
    pub(crate) fn freeze(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    pub(crate) fn thaw(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let child = self.child.as_ref().context("it is not running")?;
        kill_process(Pid::from_child(child), signal).context("signal an upstream server")
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // An error means that the process is gone already, which is what is wanted.
            drop(child.kill());
            drop(child.wait());
        }
    }
}
