//! `mainstay demo`: the three textbooks' programs against one server, parts of which are killed while one looks on, and
//! what survived.
//!
//! It needs nothing but this program: the servers behind the balancer, the worker of the task queue and the server itself
//! are processes of it, in a temporary directory and on this machine's loopback address. Whatever does not survive makes
//! it fail. It is no benchmark, and what it measures is only when the server served again.

mod amqp;
mod process;
mod python;
mod tasks;
mod traffic;

use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::client::Connection;
use crate::messages;
use process::Process;
use traffic::{Tally, Traffic};

/// The textbook's topic.
const TOPIC: &str = "my_topic";
/// The textbook's load balancer.
const NGINX: &str = include_str!("../../../examples/textbook/nginx.conf");
/// The ports that the textbooks' programs name, each taken where it is free: Kafka, AMQP, the balancer, its servers.
const PORTS: [u16; 6] = [9092, 5672, 8000, 8001, 8002, 8003];
const SERVERS: usize = 3;
/// How long the requests are watched in each state of things.
const LOOK: Duration = Duration::from_secs(2);
/// nginx leaves a failed server alone for 10 s; then it is asked again.
const RETURN_LIMIT: Duration = Duration::from_secs(30);
/// What is in the log and in the queue when the whole server is killed.
const EVENTS: usize = 1000;
const WAITING: usize = 100;
const WAITING_QUEUE: &str = "waiting";

/// Runs it, telling everything on `out`.
///
/// # Errors
/// Where something did not survive, or the demonstration cannot be set up.
pub fn run(keep: bool, out: &mut impl Write) -> Result<()> {
    let dir = std::env::temp_dir().join(format!("mainstay-demo-{}", std::process::id()));
    fs::create_dir_all(&dir).context("a temporary directory")?;
    let outcome = Stage::new(dir.clone()).and_then(|mut stage| stage.play(out));
    if keep || outcome.is_err() {
        writeln!(
            out,
            "\nData, configurations and logs are in {}",
            dir.display()
        )?;
    } else {
        fs::remove_dir_all(&dir)?;
    }
    outcome
}

/// A worker of the task queue, which the demonstration starts to kill it.
///
/// # Errors
/// Where the server goes away.
pub fn work(amqp: &str, dies: bool, out: &mut impl Write) -> Result<()> {
    tasks::work(amqp, dies, out)
}

/// The servers, and where they are.
struct Stage {
    dir: PathBuf,
    kafka: SocketAddr,
    amqp: SocketAddr,
    balancer: SocketAddr,
    servers: Vec<Process>,
    mainstay: Process,
}

impl Stage {
    fn new(dir: PathBuf) -> Result<Self> {
        let mut addresses = Vec::new();
        // All are held until all are chosen, so that none is chosen twice.
        let mut held = Vec::new();
        for port in PORTS {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
            let listener = free.or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
            addresses.push(listener.local_addr()?);
            held.push(listener);
        }
        drop(held);
        let (kafka, amqp, balancer) = (addresses[0], addresses[1], addresses[2]);
        let mut servers = Vec::new();
        for (number, address) in (1..=SERVERS).zip(&addresses[3..]) {
            let config = server(number, *address);
            let name = format!("server-{number}");
            servers.push(Process::start(&dir, &name, &config, vec![*address])?);
        }
        let mut balancer_config = NGINX.to_owned();
        for (port, address) in PORTS.iter().zip(&addresses) {
            let textbook = format!("127.0.0.1:{port};");
            balancer_config = balancer_config.replace(&textbook, &format!("{address};"));
        }
        let data = dir.join("data");
        let data = data.display();
        let config = format!(
            "error_log balancer.log;\nstorage \"file:{data}\";\nkafka {{ listen {kafka}; }}\namqp {{ listen {amqp}; }}\nhttp {{\n{balancer_config}}}\n"
        );
        let all = vec![kafka, amqp, balancer];
        let mainstay = Process::start(&dir, "mainstay", &config, all)?;
        Ok(Self {
            dir,
            kafka,
            amqp,
            balancer,
            servers,
            mainstay,
        })
    }

    fn play(&mut self, out: &mut impl Write) -> Result<()> {
        let (kafka, amqp, balancer) = (self.kafka, self.amqp, self.balancer);
        writeln!(
            out,
            "One process of Mainstay serves Kafka on {kafka}, AMQP on {amqp}, and balances HTTP on {balancer}."
        )?;
        let survived = [
            self.log(out)?,
            self.queue(out)?,
            self.upstream(out)?,
            self.server(out)?,
        ];
        writeln!(out, "\nWhat survived")?;
        for text in survived {
            say(out, &text)?;
        }
        Ok(())
    }

    /// The Kafka textbook: a message is sent and comes back.
    fn log(&self, out: &mut impl Write) -> Result<String> {
        writeln!(out, "\n1. Kafka: the textbook sends a message and reads it")?;
        let mut connection = Connection::open(&self.kafka.to_string())?;
        messages::ensure_topic(&mut connection, TOPIC)?;
        let hello = "Hello, Kafka!".to_owned();
        let offset = messages::send(&mut connection, TOPIC, std::slice::from_ref(&hello))?;
        ensure!(offset == 0, "the log is not new");
        say(out, &format!("sent {hello:?} to {TOPIC}: offset {offset}"))?;
        let read = messages::read(&mut connection, TOPIC, offset)?;
        ensure!(read == [hello], "read {read:?}");
        say(out, &format!("read {:?} from {TOPIC}", read[0]))?;
        let to = format!("localhost:{}", self.kafka.port());
        python::KAFKA.run(&self.dir, "localhost:9092", &to, out)?;
        Ok(format!("message sent: read back from offset {offset}"))
    }

    /// The RabbitMQ textbook, whose worker is killed.
    fn queue(&self, out: &mut impl Write) -> Result<String> {
        writeln!(
            out,
            "\n2. RabbitMQ: the textbook's task queue loses a worker; routing; news for all"
        )?;
        let amqp = self.amqp.to_string();
        let survived = tasks::share(&amqp, out)?;
        tasks::route(&amqp, out)?;
        tasks::tell_all(&amqp, out)?;
        let to = format!("localhost:{}", self.amqp.port());
        python::RABBITMQ.run(&self.dir, "localhost:5672", &to, out)?;
        Ok(survived)
    }

    /// The nginx textbook, one of whose servers is killed under load and returns.
    fn upstream(&mut self, out: &mut impl Write) -> Result<String> {
        writeln!(
            out,
            "\n3. nginx: the textbook's three servers behind the balancer, under load"
        )?;
        let traffic = Traffic::start(self.balancer);
        let mut all = 0;
        let mut look = |traffic: &Traffic, out: &mut _| -> Result<Tally> {
            std::thread::sleep(LOOK);
            let tally = traffic.take();
            all += tally.requests();
            say(
                out,
                &format!("{} ({} failed)", tally.spread(), tally.failed),
            )?;
            let failure = tally.failure.as_deref().unwrap_or_default();
            ensure!(tally.failed == 0, "requests failed: {failure}");
            Ok(tally)
        };
        let before = look(&traffic, out)?;
        ensure!(before.answers.len() == SERVERS, "not all servers are asked");
        let pid = self.servers[1].kill();
        say(out, &format!("KILLED server 2 (process {pid})"))?;
        look(&traffic, out)?;
        self.servers[1].again()?;
        say(out, "started server 2 again; nginx's fail_timeout is 10 s")?;
        let began = Instant::now();
        while !look(&traffic, out)?.answers.contains_key("server 2") {
            ensure!(
                began.elapsed() < RETURN_LIMIT,
                "server 2 is not asked again"
            );
        }
        drop(traffic);
        Ok(format!(
            "server of three killed under load: {all} requests, none failed; used again after it returned"
        ))
    }

    /// The whole server is killed, with messages in the log and in a queue.
    fn server(&mut self, out: &mut impl Write) -> Result<String> {
        writeln!(out, "\n4. All of Mainstay is killed")?;
        let mut connection = Connection::open(&self.kafka.to_string())?;
        let events: Vec<String> = (1..=EVENTS)
            .map(|number| format!("event {number}"))
            .collect();
        let offset = messages::send(&mut connection, TOPIC, &events)?;
        let mut client = amqp::Client::open(&self.amqp.to_string())?;
        tasks::declare(&mut client, WAITING_QUEUE, true)?;
        for number in 1..=WAITING {
            client.publish("", WAITING_QUEUE, &format!("task {number}"))?;
        }
        say(
            out,
            &format!("{EVENTS} events are in the log, {WAITING} tasks in a queue, each confirmed"),
        )?;
        let pid = self.mainstay.kill();
        say(out, &format!("KILLED Mainstay (process {pid})"))?;
        let took = self.mainstay.again()?.as_millis();
        say(
            out,
            &format!("started it again: everything is served after {took} ms"),
        )?;
        let mut connection = Connection::open(&self.kafka.to_string())?;
        let read = messages::read(&mut connection, TOPIC, offset)?;
        ensure!(
            read == events,
            "{} of {EVENTS} events are there",
            read.len()
        );
        let mut client = amqp::Client::open(&self.amqp.to_string())?;
        for number in 1..=WAITING {
            let Some(task) = client.get(WAITING_QUEUE)? else {
                bail!("task {number} of {WAITING} is lost");
            };
            ensure!(
                task.body == format!("task {number}"),
                "{} instead of task {number}",
                task.body
            );
            client.ack(&task)?;
        }
        let answer = traffic::ask(self.balancer, &mut None)?;
        say(
            out,
            &format!("all events and all tasks are there; the balancer answers ({answer})"),
        )?;
        Ok(format!(
            "all of Mainstay killed: {EVENTS} of {EVENTS} events and {WAITING} of {WAITING} tasks were there, {took} ms later"
        ))
    }
}

/// A server behind the balancer: it says who it is.
fn server(number: usize, address: SocketAddr) -> String {
    format!(
        "error_log server-{number}.log;\nworker_processes 1;\nhttp {{\n    access_log off;\n    server {{\n        listen {address};\n        location / {{ return 200 \"server {number}\\n\"; }}\n    }}\n}}\n"
    )
}

/// A line of the story, to be seen at once.
fn say(out: &mut impl Write, text: &str) -> Result<()> {
    writeln!(out, "   {text}")?;
    out.flush()?;
    Ok(())
}
