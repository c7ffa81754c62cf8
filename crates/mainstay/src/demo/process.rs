//! Processes of this very program, started and killed.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Who does not serve by then will not.
const START_LIMIT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);
const CONNECT_LIMIT: Duration = Duration::from_secs(1);

/// A server of this program with a configuration of its own. Dropped, it is killed.
#[derive(Debug)]
pub(super) struct Process {
    name: String,
    dir: PathBuf,
    addresses: Vec<SocketAddr>,
    child: Option<Child>,
}

impl Process {
    /// Writes the configuration, starts the server and returns when it can be connected to at every address.
    pub(super) fn start(
        dir: &Path,
        name: &str,
        config: &str,
        addresses: Vec<SocketAddr>,
    ) -> Result<Self> {
        fs::write(dir.join(format!("{name}.conf")), config)?;
        let mut process = Self {
            name: name.to_owned(),
            dir: dir.to_owned(),
            addresses,
            child: None,
        };
        process.again()?;
        Ok(process)
    }

    /// Starts it once more after it was killed; says how long that took.
    pub(super) fn again(&mut self) -> Result<Duration> {
        let began = Instant::now();
        let log = File::options()
            .append(true)
            .create(true)
            .open(self.log())
            .context("the log of a server")?;
        let mut command = own()?;
        command
            .arg("-p")
            .arg(&self.dir)
            .args(["-c", &format!("{}.conf", self.name)])
            .args(["-g", &format!("pid {}.pid;", self.name)])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let child = command.spawn().context("a server")?;
        self.child = Some(child);
        while !self.serves() {
            let ended = self.child.as_mut().map(Child::try_wait).transpose()?;
            if ended.flatten().is_some() || began.elapsed() > START_LIMIT {
                let said = fs::read_to_string(self.log()).unwrap_or_default();
                bail!(
                    "the server \"{}\" does not start: {}",
                    self.name,
                    said.trim()
                );
            }
            std::thread::sleep(POLL);
        }
        Ok(began.elapsed())
    }

    /// Kills it, as `kill -9` does; gives its process id.
    pub(super) fn kill(&mut self) -> u32 {
        let Some(mut child) = self.child.take() else {
            return 0;
        };
        // It may be gone already, which is as well.
        let _ = child.kill();
        let _ = child.wait();
        child.id()
    }

    fn serves(&self) -> bool {
        let connects = |address| TcpStream::connect_timeout(address, CONNECT_LIMIT).is_ok();
        self.addresses.iter().all(connects)
    }

    fn log(&self) -> PathBuf {
        self.dir.join(format!("{}.log", self.name))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A command of this program.
pub(super) fn own() -> Result<Command> {
    let program = std::env::current_exe().context("this program's own file")?;
    Ok(Command::new(program))
}
