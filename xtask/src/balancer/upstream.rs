//! An upstream server: this program again, as a process of its own that can be killed, stopped and started.

use std::net::TcpStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

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
