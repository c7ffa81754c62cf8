//! What the RabbitMQ textbook's program does: a queue of tasks whose worker is killed, routing by topic, and news for all.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Stdio};

use amqp_wire::{Method, RawTable, ShortStr, exchange, queue};
use anyhow::{Context, Result, bail, ensure};

use super::amqp::Client;
use super::process::own;
use super::say;

const TASKS: &str = "tasks";
const TASKS_COUNT: usize = 5;
const WANTED: &[(&str, &str)] = &[
    ("every error", "*.error"),
    ("all of the kernel", "kernel.#"),
];
const KEYS: &[&str] = &["kernel.error", "kernel.info", "mail.error", "mail.info"];
const NEWS: &[&str] = &["it rains", "it shines"];

/// A worker: a process of its own that does tasks one at a time, and tells of each on its standard output. One that dies
/// takes its first task and waits to be killed in the middle of it.
pub(super) fn work(amqp: &str, dies: bool, out: &mut impl Write) -> Result<()> {
    let mut client = Client::open(amqp)?;
    client.consume(TASKS)?;
    loop {
        let task = client.delivery()?;
        let again = if task.redelivered {
            ", redelivered"
        } else {
            ""
        };
        if dies {
            writeln!(out, "{}", task.body)?;
            out.flush()?;
            loop {
                std::thread::park();
            }
        }
        client.ack(&task)?;
        writeln!(out, "{}{again}", task.body)?;
        out.flush()?;
    }
}

/// A worker's process and what it says. Dropped, it is killed.
struct Worker {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Worker {
    fn start(amqp: &str, dies: bool) -> Result<Self> {
        let mut command = own()?;
        command.args(["demo-worker", amqp]);
        if dies {
            command.arg("--dies");
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().context("a worker")?;
        let said = child.stdout.take().context("a worker's standard output")?;
        Ok(Self {
            child,
            said: BufReader::new(said),
        })
    }

    fn next(&mut self) -> Result<String> {
        let mut line = String::new();
        ensure!(self.said.read_line(&mut line)? > 0, "the worker ended");
        Ok(line.trim_end().to_owned())
    }

    fn kill(&mut self) -> u32 {
        // It may be gone already, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.child.id()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Five tasks, a worker that is killed in the middle of the first, and one that does them all. Says what survived.
pub(super) fn share(amqp: &str, out: &mut impl Write) -> Result<String> {
    let mut client = Client::open(amqp)?;
    declare(&mut client, TASKS, true)?;
    for number in 1..=TASKS_COUNT {
        client.publish("", TASKS, &format!("task {number}"))?;
    }
    say(
        out,
        &format!("{TASKS_COUNT} tasks are in the queue, each confirmed"),
    )?;
    let mut first = Worker::start(amqp, true)?;
    let unlucky = first.next()?;
    let pid = first.kill();
    say(
        out,
        &format!("KILLED the first worker (process {pid}) in the middle of {unlucky}"),
    )?;
    let mut second = Worker::start(amqp, false)?;
    for number in 1..=TASKS_COUNT {
        let said = second.next()?;
        let again = if number == 1 { ", redelivered" } else { "" };
        ensure!(
            said == format!("task {number}{again}"),
            "the second worker did {said}"
        );
        say(out, &format!("the second worker did {said}"))?;
    }
    // Before it is looked whether anything is left, the last acknowledgement must have arrived.
    second.kill();
    ensure!(client.get(TASKS)?.is_none(), "a task is left");
    Ok(format!(
        "worker killed in the middle of {unlucky}: {TASKS_COUNT} of {TASKS_COUNT} tasks done, none lost, none done twice"
    ))
}

/// Queues that say by patterns which messages they want.
pub(super) fn route(amqp: &str, out: &mut impl Write) -> Result<()> {
    let mut client = Client::open(amqp)?;
    let mut queues = Vec::new();
    exchange_declare(&mut client, "logs", "topic")?;
    for (name, pattern) in WANTED {
        let queue = declare(&mut client, "", false)?;
        bind(&mut client, &queue, "logs", pattern)?;
        queues.push((name, queue));
    }
    for key in KEYS {
        client.publish("logs", key, &format!("a line of {key}"))?;
    }
    let expected = ["kernel.error, mail.error", "kernel.error, kernel.info"];
    for ((name, queue), expected) in queues.iter().zip(expected) {
        let mut keys = Vec::new();
        while let Some(message) = client.get(queue)? {
            client.ack(&message)?;
            keys.push(message.key);
        }
        let keys = keys.join(", ");
        ensure!(keys == expected, "{name}: {keys}");
        say(out, &format!("{name}: {keys}"))?;
    }
    Ok(())
}

/// Every subscriber hears everything.
pub(super) fn tell_all(amqp: &str, out: &mut impl Write) -> Result<()> {
    let mut client = Client::open(amqp)?;
    exchange_declare(&mut client, "news", "fanout")?;
    let mut subscribers = Vec::new();
    for name in ["radio", "newspaper"] {
        let mut subscriber = Client::open(amqp)?;
        let queue = declare(&mut subscriber, "", false)?;
        bind(&mut subscriber, &queue, "news", "")?;
        subscriber.consume(&queue)?;
        subscribers.push((name, subscriber));
    }
    for message in NEWS {
        client.publish("news", "", message)?;
    }
    for (name, subscriber) in &mut subscribers {
        let mut heard = Vec::new();
        for _ in NEWS {
            let message = subscriber.delivery()?;
            subscriber.ack(&message)?;
            heard.push(message.body);
        }
        ensure!(heard == NEWS, "{name} heard {heard:?}");
        say(out, &format!("{name} heard: {}", heard.join(", ")))?;
    }
    Ok(())
}

/// Makes a queue, durable or of this connection alone; gives its name.
pub(super) fn declare(client: &mut Client, name: &str, durable: bool) -> Result<String> {
    let method = queue::Declare {
        queue: ShortStr::new(name)?,
        durable,
        exclusive: !durable,
        ..queue::Declare::default()
    };
    let payload = client.ask(&method, "queue.declare-ok")?;
    match Method::decode(&payload)? {
        Method::QueueDeclareOk(ok) => Ok(ok.queue.as_str().to_owned()),
        other => bail!("expected queue.declare-ok: {other:?}"),
    }
}

fn exchange_declare(client: &mut Client, name: &str, kind: &str) -> Result<()> {
    let method = exchange::Declare {
        exchange: ShortStr::new(name)?,
        kind: ShortStr::new(kind)?,
        durable: true,
        arguments: RawTable::default(),
        ..exchange::Declare::default()
    };
    client.ask(&method, "exchange.declare-ok").map(drop)
}

fn bind(client: &mut Client, queue: &str, exchange: &str, key: &str) -> Result<()> {
    let method = queue::Bind {
        queue: ShortStr::new(queue)?,
        exchange: ShortStr::new(exchange)?,
        routing_key: ShortStr::new(key)?,
        ..queue::Bind::default()
    };
    client.ask(&method, "queue.bind-ok").map(drop)
}
