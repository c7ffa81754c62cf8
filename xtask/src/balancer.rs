//! A balancer under test, and the servers behind it: Mainstay, nginx or HAProxy, each given the same effective
//! configuration.
//!
//! Mainstay is given the very `nginx.conf` that nginx is given. Everything runs on 127.0.0.1, in process groups that end
//! with the values that stand for them.

mod ask;
mod configuration;
mod upstream;

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, kill_process_group};
use rustix::process::{getrlimit, setrlimit};

use crate::command;
use crate::http_client;
use crate::server::{self, Kind, Usage, free_port};
pub(crate) use ask::{Ask, Style, Totals};
pub(crate) use configuration::{Setup, certificate};
pub(crate) use upstream::Upstream;

/// A balancer that does not serve by then will not.
const START_LIMIT: Duration = Duration::from_secs(10);

/// How long a balancer may take to end when it is asked to.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// Which program, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Mainstay(PathBuf),
    Nginx(PathBuf),
    Haproxy(PathBuf),
}

impl Program {
    /// This repository's binary, built now.
    pub(crate) fn mainstay() -> Result<Program> {
        Kind::Mainstay.prepare()?;
        Ok(Program::Mainstay(server::mainstay_binary().canonicalize()?))
    }

    /// What kind of program a binary is, by what it says about itself.
    pub(crate) fn of(binary: &Path) -> Result<Program> {
        let path = binary.to_owned();
        for program in [
            Program::Mainstay(path.clone()),
            Program::Nginx(path.clone()),
            Program::Haproxy(path),
        ] {
            if program.version().is_ok() {
                return Ok(program);
            }
        }
        bail!("{} is no balancer that is known", binary.display())
    }

    pub(crate) fn binary(&self) -> &Path {
        match self {
            Program::Mainstay(path) | Program::Nginx(path) | Program::Haproxy(path) => path,
        }
    }

    /// Its name without the version: how it is called in the names of files.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Program::Mainstay(_) => "mainstay",
            Program::Nginx(_) => "nginx",
            Program::Haproxy(_) => "haproxy",
        }
    }

    /// Its name and version.
    pub(crate) fn name(&self) -> Result<String> {
        Ok(match self {
            Program::Mainstay(_) => "Mainstay".to_owned(),
            Program::Nginx(_) => format!("nginx {}", self.version()?),
            Program::Haproxy(_) => format!("HAProxy {}", self.version()?),
        })
    }

    pub(crate) fn version(&self) -> Result<String> {
        let (argument, before) = match self {
            Program::Mainstay(_) => ("--version", "mainstay "),
            Program::Nginx(_) => ("-v", "nginx version: nginx/"),
            Program::Haproxy(_) => ("-v", "HAProxy version "),
        };
        let output = Command::new(self.binary()).arg(argument).output();
        let output = output.with_context(|| self.binary().display().to_string())?;
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        let version = said
            .lines()
            .find_map(|line| line.strip_prefix(before))
            .with_context(|| format!("{} says {said:?}", self.binary().display()))?;
        let end = |character: char| character == '-' || character.is_whitespace();
        Ok(version.split(end).next().unwrap_or_default().to_owned())
    }
}

/// A running balancer. Dropping it kills it.
pub(crate) struct Balancer {
    pub(crate) folder: PathBuf,
    /// Where clients connect, without TLS.
    pub(crate) address: String,
    pub(crate) tls_address: Option<String>,
    child: Child,
}

impl Balancer {
    /// Starts the program on this setup, and returns once it answers a request through one of the servers behind it.
    pub(crate) fn start(program: &Program, setup: &Setup, folder: &Path) -> Result<Balancer> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
        let folder = folder.canonicalize()?;
        let port = free_port()?;
        let tls_port = match setup.certificate {
            Some(_) => Some(free_port()?),
            None => None,
        };
        let mut process = match program {
            Program::Mainstay(_) | Program::Nginx(_) => {
                let text = setup.nginx(&folder, port, tls_port);
                fs::write(folder.join("nginx.conf"), text)?;
                let mut process = Command::new(program.binary());
                process.arg("-p").arg(format!("{}/", folder.display()));
                process.args(["-c", "nginx.conf", "-e", "error.log"]);
                process
            }
            Program::Haproxy(_) => {
                fs::write(folder.join("haproxy.cfg"), setup.haproxy(port, tls_port))?;
                let mut process = Command::new(program.binary());
                process.arg("-db").arg("-f").arg(folder.join("haproxy.cfg"));
                process
            }
        };
        // HAProxy's access log is its standard output.
        let output = File::create(folder.join("access.log"))?;
        let errors = File::create(folder.join("stderr.log"))?;
        process.stdin(Stdio::null()).stdout(output).stderr(errors);
        let child = process
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {process:?}"))?;
        let mut balancer = Balancer {
            folder,
            address: format!("127.0.0.1:{port}"),
            tls_address: tls_port.map(|port| format!("127.0.0.1:{port}")),
            child,
        };
        balancer.wait_until_serving()?;
        Ok(balancer)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What all of its processes have used so far.
    pub(crate) fn usage(&self) -> Result<Usage> {
        Usage::of_tree(self.pid())
    }

    /// Files and sockets that all of its processes have open.
    pub(crate) fn open_files(&self) -> Result<u64> {
        Usage::open_files(self.pid())
    }

    /// Reads its configuration again: SIGHUP.
    pub(crate) fn reload(&self) -> Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::HUP).context("SIGHUP")
    }

    /// Whether the process is still there.
    pub(crate) fn ensure_alive(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!(
                "the balancer ended by itself ({status}): {}",
                self.complaint()
            ),
        }
    }

    /// Asks it to end, and waits.
    pub(crate) fn stop(mut self) -> Result<()> {
        self.ensure_alive()?;
        kill_process(Pid::from_child(&self.child), Signal::TERM).context("SIGTERM")?;
        let asked = Instant::now();
        while asked.elapsed() < STOP_LIMIT {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        bail!("the balancer did not end within {STOP_LIMIT:?} of SIGTERM")
    }

    /// The last line that it wrote about errors.
    fn complaint(&self) -> String {
        for name in ["stderr.log", "error.log"] {
            let text = fs::read_to_string(self.folder.join(name)).unwrap_or_default();
            if let Some(line) = text.lines().last() {
                return line.to_owned();
            }
        }
        "it said nothing".to_owned()
    }

    fn wait_until_serving(&mut self) -> Result<()> {
        let started = Instant::now();
        loop {
            self.ensure_alive()?;
            match http_client::get(&self.address, "/") {
                Ok(answer) if answer.status == 200 => return Ok(()),
                Ok(answer) if started.elapsed() > START_LIMIT => {
                    bail!("the balancer answers {}", answer.status)
                }
                Err(error) if started.elapsed() > START_LIMIT => {
                    return Err(error).context("the balancer does not serve");
                }
                _ => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        // The group may have ended already, which is what is wanted.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        drop(self.child.wait());
    }
}

/// Lets this process, and what it starts, open this many files, or as many as the machine allows: the answer.
pub(crate) fn allow_files(count: u64) -> Result<u64> {
    let limit = getrlimit(Resource::Nofile);
    let Some(current) = limit.current.filter(|current| *current < count) else {
        return Ok(count);
    };
    let raised = |maximum: u64| {
        let wanted = Rlimit {
            current: Some(count.min(maximum)),
            maximum: Some(maximum),
        };
        setrlimit(Resource::Nofile, wanted).map(|()| count.min(maximum))
    };
    // To raise the hard limit takes a privilege that not even every root has.
    let hard = limit.maximum.unwrap_or(u64::MAX);
    raised(hard.max(count))
        .or_else(|_| raised(hard))
        .with_context(|| format!("cannot open more than {current} files"))
}

/// Fails with a hint where a program that the harness needs is not installed.
pub(crate) fn ensure_installed(program: &str, argument: &str) -> Result<()> {
    let found = Command::new(program)
        .arg(argument)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    ensure!(
        found.is_ok(),
        "{program} is not installed; Debian has it as a package of that name"
    );
    Ok(())
}

/// Writes back what the last contender left to the kernel.
pub(crate) fn settle() -> Result<()> {
    command::run_quietly(&mut Command::new("sync")).map(drop)
}
