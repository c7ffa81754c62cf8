//! RabbitMQ as a server under test: one node without plugins, from Debian's package `rabbitmq-server`, or from
//! a Debian system in a folder that `RABBITMQ_ROOT` names.
//!
//! A newer release than this machine's comes with `debootstrap --include=rabbitmq-server trixie FOLDER` and
//! `RABBITMQ_ROOT=FOLDER`: the node then runs in a chroot, its data below `FOLDER/var/tmp`.
//! Nothing of a node that the machine runs already is touched: name, ports, cookie and files are this node's own.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::{Companion, Spec, free_port, grouped};
use crate::command;

/// The package's own start script; the one in `/usr/sbin` changes the user and with it the environment.
const SCRIPT: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/// Erlang's name server listens a moment after its start.
const EPMD_LIMIT: Duration = Duration::from_secs(10);

fn root() -> Option<PathBuf> {
    std::env::var_os("RABBITMQ_ROOT").map(PathBuf::from)
}

/// A path that the node uses, as the harness sees it.
fn outside(path: &Path) -> PathBuf {
    match root() {
        Some(root) => root.join(path.strip_prefix("/").unwrap_or(path)),
        None => path.to_owned(),
    }
}

fn program(name: &str) -> Command {
    match root() {
        Some(root) => {
            let mut command = grouped("chroot");
            command.arg(root).arg(name);
            command
        }
        None => grouped(name),
    }
}

pub(super) fn prepare() -> Result<String> {
    if root().is_none() && !Path::new(SCRIPT).exists() {
        let mut install = Command::new("apt-get");
        install.args(["install", "--yes", "rabbitmq-server"]);
        // The package would start a node of its own.
        install.env("RUNLEVEL", "1");
        command::run(&mut install).context("RabbitMQ, from Debian's package `rabbitmq-server`")?;
    }
    // /usr/lib/rabbitmq/lib/rabbitmq_server-3.10.8
    for entry in fs::read_dir(outside(Path::new("/usr/lib/rabbitmq/lib")))? {
        let name = entry?.file_name();
        if let Some(version) = name
            .to_str()
            .and_then(|name| name.strip_prefix("rabbitmq_server-"))
        {
            return Ok(version.to_owned());
        }
    }
    Err(anyhow::anyhow!("no RabbitMQ below /usr/lib/rabbitmq/lib"))
}

/// Writes the configuration and starts the name server; returns what starts the node, and the name server.
pub(super) fn command(spec: &Spec) -> Result<(Command, Companion)> {
    let port = spec
        .amqp_port
        .context("RabbitMQ has only an AMQP listener")?;
    let data = home(spec)?;
    fs::create_dir_all(outside(&data))?;
    let configuration = data.join("rabbitmq.conf");
    let lines = [
        format!("listeners.tcp.1 = 127.0.0.1:{port}"),
        // What happens to a confirmed message on this machine's disk is not the subject here.
        "disk_free_limit.absolute = 50MB".to_owned(),
    ];
    fs::write(outside(&configuration), lines.join("\n") + "\n")?;
    fs::write(outside(&data.join("enabled_plugins")), "[].\n")?;
    let epmd_port = free_port()?;
    let epmd = epmd(epmd_port)?;
    let mut command = program(SCRIPT);
    command
        .env("HOME", &data)
        .env("RABBITMQ_NODENAME", format!("mainstay-{port}@localhost"))
        .env("RABBITMQ_DIST_PORT", free_port()?.to_string())
        .env("RABBITMQ_MNESIA_BASE", data.join("mnesia"))
        .env("RABBITMQ_LOG_BASE", data.join("log"))
        .env("RABBITMQ_LOGS", "-")
        .env("RABBITMQ_PID_FILE", data.join("pid"))
        .env(
            "RABBITMQ_ENABLED_PLUGINS_FILE",
            data.join("enabled_plugins"),
        )
        .env("RABBITMQ_CONFIG_FILE", &configuration)
        .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
        .env("ERL_EPMD_PORT", epmd_port.to_string())
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        .env(
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
            "-kernel inet_dist_use_interface {127,0,0,1}",
        )
        // The script then becomes the node in place of watching it, so that a signal reaches it.
        .env("RUNNING_UNDER_SYSTEMD", "true");
    Ok((command, epmd))
}

/// Where the node writes, as the node sees it.
fn home(spec: &Spec) -> Result<PathBuf> {
    let name = spec.data.file_name().context("a data folder has a name")?;
    let Some(root) = root() else {
        return Ok(spec.data.join("node"));
    };
    let home = Path::new("/var/tmp/mainstay-harness").join(name);
    // An empty data folder means a fresh server.
    let marker = spec.data.join("chroot");
    if !marker.exists() {
        let stale = root.join(home.strip_prefix("/")?);
        if stale.exists() {
            fs::remove_dir_all(stale)?;
        }
        fs::write(&marker, home.display().to_string())?;
    }
    Ok(home)
}

/// Erlang's name server for this node alone: it ends with the node, the machine's own is left in peace.
fn epmd(port: u16) -> Result<Companion> {
    let mut command = program("/usr/bin/epmd");
    command.args(["-address", "127.0.0.1", "-port", &port.to_string()]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let epmd = Companion(
        command
            .spawn()
            .context("epmd, from Debian's package `erlang-base`")?,
    );
    let started = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        ensure!(started.elapsed() < EPMD_LIMIT, "epmd does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(epmd)
}
