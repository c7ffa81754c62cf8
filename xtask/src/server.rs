//! A server under test: started with settings, waited for, killed, stopped, measured.
//!
//! There are several kinds, so that whatever the harness says about Mainstay it can say about Apache Kafka, or
//! about RabbitMQ, too.
//! A server runs in its own process group and dies with the value that stands for it; its data directory
//! stays, so that a killed server can be started again on what it left.

mod amqp;
mod apache_kafka;
mod mainstay;
mod rabbitmq;
mod usage;

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

pub(crate) use usage::Usage;

use crate::client::Client;

/// Nothing that is tested takes longer to start, recovery of gigabytes included.
const START_LIMIT: Duration = Duration::from_secs(120);

/// How often a starting server is asked whether it serves: the resolution of start-up times.
const START_POLL: Duration = Duration::from_millis(2);

/// Which server is under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// This repository's release binary.
    Mainstay,
    /// Apache Kafka, one node, as downloaded from Maven Central.
    ApacheKafka,
    /// RabbitMQ, one node, from Debian's package `rabbitmq-server`.
    Rabbitmq,
}

impl Kind {
    /// The word that stands for the kind on the command line, in file names and in results.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Kind::Mainstay => "mainstay",
            Kind::ApacheKafka => "apache-kafka",
            Kind::Rabbitmq => "rabbitmq",
        }
    }

    /// Whether Kafka's clients can use it.
    pub(crate) fn speaks_kafka(self) -> bool {
        matches!(self, Kind::Mainstay | Kind::ApacheKafka)
    }

    /// Whether RabbitMQ's clients can use it.
    pub(crate) fn speaks_amqp(self) -> bool {
        matches!(self, Kind::Mainstay | Kind::Rabbitmq)
    }

    /// Builds or downloads what the kind needs; returns its version.
    pub(crate) fn prepare(self) -> Result<String> {
        match self {
            Kind::Mainstay => mainstay::prepare(),
            Kind::ApacheKafka => apache_kafka::prepare(),
            Kind::Rabbitmq => rabbitmq::prepare(),
        }
    }
}

/// A folder with the scripts of a Kafka distribution that test suites call, on the jars from Maven Central.
pub(crate) fn kafka_distribution() -> Result<PathBuf> {
    apache_kafka::distribution()
}

/// Mainstay's binary under test, once [`Kind::prepare`] has made it.
pub(crate) fn mainstay_binary() -> PathBuf {
    mainstay::binary()
}

/// How to start a server; the same value starts it again after a kill.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    pub(crate) kind: Kind,
    /// What the server may write; made when it does not exist.
    pub(crate) data: PathBuf,
    /// Port of the Kafka listener on 127.0.0.1; RabbitMQ has none.
    pub(crate) port: u16,
    /// Port of the AMQP listener on 127.0.0.1, where a test uses it.
    pub(crate) amqp_port: Option<u16>,
    /// Broker settings under Kafka's own names.
    pub(crate) settings: Vec<(String, String)>,
    /// Further environment of the process, such as failpoints.
    pub(crate) environment: Vec<(String, String)>,
}

impl Spec {
    /// A server on a free port with the settings that tests expect: four partitions for a topic that is made
    /// by being used, and a group that does not wait for members that may still come.
    pub(crate) fn new(kind: Kind, data: PathBuf) -> Result<Spec> {
        let settings = [
            ("num.partitions", "4"),
            ("auto.create.topics.enable", "true"),
            ("group.initial.rebalance.delay.ms", "0"),
            ("offsets.topic.replication.factor", "1"),
            ("transaction.state.log.replication.factor", "1"),
            ("transaction.state.log.min.isr", "1"),
        ];
        Ok(Spec {
            kind,
            data,
            port: free_port()?,
            amqp_port: None,
            settings: settings
                .map(|(name, value)| (name.into(), value.into()))
                .to_vec(),
            environment: Vec::new(),
        })
    }

    /// Adds or replaces a broker setting.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Spec {
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.into(), value.into()));
        self
    }

    /// The same with an AMQP listener, on this port or on a free one.
    pub(crate) fn with_amqp(mut self, port: Option<u16>) -> Result<Spec> {
        self.amqp_port = Some(match port {
            Some(port) => port,
            None => free_port()?,
        });
        Ok(self)
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The same with a planted bug switched on, in a build that has it; built here.
    pub(crate) fn with_planted_bug(mut self, failpoint: &str) -> Result<Spec> {
        ensure!(
            self.kind == Kind::Mainstay,
            "bugs are planted in Mainstay only"
        );
        mainstay::prepare_planted()?;
        let switch = format!("{failpoint}=return");
        self.environment
            .push((mainstay::FAILPOINTS.to_owned(), switch));
        Ok(self)
    }

    /// Where AMQP clients connect.
    pub(crate) fn amqp_address(&self) -> Result<String> {
        let port = self.amqp_port.context("the server has no AMQP listener")?;
        Ok(format!("127.0.0.1:{port}"))
    }

    /// Address of the AMQP listener, in a form that AMQP clients take.
    pub(crate) fn amqp_url(&self) -> Result<String> {
        let port = self.amqp_port.context("the server has no AMQP listener")?;
        Ok(format!("amqp://guest:guest@127.0.0.1:{port}/%2f"))
    }

    /// What the server printed, over all of its starts.
    pub(crate) fn log(&self) -> PathBuf {
        self.data.with_extension("log")
    }
}

/// A running server. Dropping it kills it.
pub(crate) struct Server {
    pub(crate) spec: Spec,
    /// From the start of the process to the first answered Metadata request, or AMQP handshake.
    pub(crate) start_time: Duration,
    child: Child,
    /// What the kind needs beside it: Erlang's name server.
    _companion: Option<Companion>,
}

impl Server {
    /// Starts a server and returns once it answers on each face that a test uses: ApiVersions and Metadata on
    /// Kafka's, the first frame of the handshake on AMQP's.
    pub(crate) fn start(spec: &Spec) -> Result<Server> {
        std::fs::create_dir_all(&spec.data)?;
        let (mut command, companion) = match spec.kind {
            Kind::Mainstay => (mainstay::command(spec)?, None),
            Kind::ApacheKafka => (apache_kafka::command(spec)?, None),
            Kind::Rabbitmq => {
                let (command, epmd) = rabbitmq::command(spec)?;
                (command, Some(epmd))
            }
        };
        let log = File::options()
            .create(true)
            .append(true)
            .open(spec.log())
            .context("server log")?;
        command
            .envs(spec.environment.iter().cloned())
            .stdin(Stdio::null());
        command.stdout(log.try_clone()?).stderr(log);
        let started = Instant::now();
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        let mut server = Server {
            spec: spec.clone(),
            start_time: Duration::ZERO,
            child,
            _companion: companion,
        };
        server.wait_until_serving(started)?;
        server.start_time = started.elapsed();
        Ok(server)
    }

    pub(crate) fn address(&self) -> String {
        self.spec.address()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What the process and everything that it started have used so far.
    pub(crate) fn usage(&self) -> Result<Usage> {
        Usage::of_tree(self.pid())
    }

    /// Power-cut of the process: SIGKILL, and gone when this returns. The data stays.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill().context("kill -9")?;
        self.child.wait().context("wait for the killed server")?;
        Ok(())
    }

    /// Asks the server to end (SIGTERM) and waits for it.
    pub(crate) fn stop(mut self, limit: Duration) -> Result<ExitStatus> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).context("SIGTERM")?;
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        bail!("the server did not end within {limit:?} of SIGTERM")
    }

    /// Whether the process is still there: a test that kills nothing ends with this.
    pub(crate) fn ensure_alive(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!(
                "the server ended by itself ({status}); see {}",
                self.spec.log().display()
            ),
        }
    }

    fn wait_until_serving(&mut self, started: Instant) -> Result<()> {
        loop {
            self.ensure_alive()?;
            match self.try_faces() {
                Ok(()) => return Ok(()),
                Err(_) if started.elapsed() < START_LIMIT => std::thread::sleep(START_POLL),
                Err(error) => return Err(error.context("the server does not answer")),
            }
        }
    }

    fn try_faces(&self) -> Result<()> {
        if self.spec.kind.speaks_kafka() {
            let mut client = Client::connect(&self.address())?;
            client.api_versions()?;
            ensure!(client.metadata_brokers()? > 0, "the server lists no broker");
        }
        match self.spec.amqp_port {
            Some(port) => amqp::greet(port),
            None => Ok(()),
        }
    }
}

/// A process that a server needs; it ends with the value.
struct Companion(Child);

impl Drop for Companion {
    fn drop(&mut self) {
        // An error means that the process is gone already, which is what is wanted.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An error means that the process is gone already, which is what is wanted.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A port that nobody listens on now. Another process may take it before it is used; nobody else starts
/// servers by the hundred on a machine that runs this.
pub(crate) fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?
        .local_addr()?
        .port())
}

/// A command in its own process group, so that a Ctrl-C at the terminal reaches the harness first.
fn grouped(program: impl AsRef<std::ffi::OsStr>) -> Command {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new(program);
    command.process_group(0);
    command
}
