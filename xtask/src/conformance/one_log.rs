//! A stream queue is a topic: what pika publishes kafka-python reads, and the other way round.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::amqp_clients::pattern;
use super::{Options, amqp_spec, finish, python, report};
use crate::results::{Outcome, Test};
use crate::server::Server;
use crate::{command, repo};

const PIKA: &str = "1.4.4";
const KAFKA_PYTHON: &str = "3.0.12";

/// How long a server may take to end when it is asked to.
const STOP_LIMIT: Duration = Duration::from_secs(30);

pub(super) fn run(options: &Options) -> Result<()> {
    let version = options.server.prepare()?;
    let packages = [
        format!("pika=={PIKA}"),
        format!("kafka-python=={KAFKA_PYTHON}"),
    ];
    let python = python::environment("one-log", &packages.each_ref().map(String::as_str))?;
    let spec = amqp_spec(options.server, "one-log", None)?;
    let server = Server::start(&spec)?;
    let faces = Faces {
        python,
        amqp: spec.amqp_url()?,
        kafka: spec.address(),
    };
    let steps: [(&str, &dyn Fn() -> Result<()>); 4] = [
        ("pika publishes, kafka-python reads with offsets", &|| {
            faces.amqp_to_kafka()
        }),
        (
            "kafka-python produces, pika consumes from an offset",
            &|| faces.kafka_to_amqp(),
        ),
        ("both write into one stream, both read all of it", &|| {
            faces.both()
        }),
        ("pika consumes from first, last and next", &|| {
            faces.offsets()
        }),
    ];
    let mut tests = Vec::new();
    for (name, step) in steps {
        let started = Instant::now();
        let result = step();
        tests.push(Test {
            subject: None,
            name: name.to_owned(),
            outcome: if result.is_ok() {
                Outcome::Passed
            } else {
                Outcome::Failed
            },
            seconds: (started.elapsed().as_secs_f64() * 10.0).round() / 10.0,
            detail: result.err().map(|error| format!("{error:#}")),
        });
        tests.last().into_iter().for_each(report);
    }
    server.stop(STOP_LIMIT)?;
    let versions = vec![
        (options.server.word().into(), version),
        ("pika".into(), PIKA.into()),
        ("kafka-python".into(), KAFKA_PYTHON.into()),
    ];
    finish("one-log", options, versions, tests)
}

/// The two ways into the log.
struct Faces {
    python: PathBuf,
    amqp: String,
    kafka: String,
}

impl Faces {
    fn amqp_to_kafka(&self) -> Result<()> {
        self.by_amqp(&["publish", "written-by-amqp", "0", "20"])?;
        let read = self.by_kafka(&["read", "written-by-amqp", "5", "15"])?;
        let expected: Vec<Value> = (5..20)
            .map(|number| {
                json!({"body": format!("message {number}"), "offset": number, "kind": "amqp", "key": null})
            })
            .collect();
        pattern::check(&json!({"partitions": [0], "messages": expected}), &read)
    }

    fn kafka_to_amqp(&self) -> Result<()> {
        // The queue is declared first: a topic that Kafka's clients make has the broker's number of partitions.
        self.by_amqp(&["publish", "written-by-kafka", "0", "1"])?;
        let produced = self.by_kafka(&["produce", "written-by-kafka", "1", "20"])?;
        let offsets: Vec<u32> = (1..21).collect();
        pattern::check(&json!({ "offsets": offsets }), &produced)?;
        let consumed = self.by_amqp(&["consume", "written-by-kafka", "7", "14"])?;
        let expected: Vec<Value> = (7..21)
            .map(|number| {
                json!({
                    "body": format!("message {number}"),
                    "offset": number,
                    "key": format!("key {number}"),
                    "number": number.to_string(),
                })
            })
            .collect();
        pattern::check(&json!({ "messages": expected }), &consumed)
    }

    fn both(&self) -> Result<()> {
        let stream = "written-by-both";
        self.by_amqp(&["publish", stream, "0", "5"])?;
        self.by_kafka(&["produce", stream, "5", "5"])?;
        self.by_amqp(&["publish", stream, "10", "5"])?;
        let expected: Vec<Value> = (0..15)
            .map(|number| json!({"body": format!("message {number}"), "offset": number}))
            .collect();
        let expected = json!({ "messages": expected });
        pattern::check(&expected, &self.by_kafka(&["read", stream, "0", "15"])?)
            .context("read by kafka-python")?;
        pattern::check(&expected, &self.by_amqp(&["consume", stream, "0", "15"])?)
            .context("consumed by pika")
    }

    fn offsets(&self) -> Result<()> {
        let stream = "offsets";
        self.by_amqp(&["publish", stream, "0", "3"])?;
        let first = self.by_amqp(&["consume", stream, "first", "3"])?;
        let bodies = json!({"messages": [{"body": "message 0"}, {"body": "message 1"}, {"body": "message 2"}]});
        pattern::check(&bodies, &first).context("first")?;
        // `last` is the last chunk of the log, whose size is the server's affair: it ends with the last message.
        let last = self.by_amqp(&["consume", stream, "last", "1"])?;
        let offset = last["messages"][0]["offset"].as_u64();
        ensure!(offset.is_some_and(|offset| offset < 3), "last: {last}");
        let next = self.by_amqp(&["consume", stream, "next", "1"])?;
        pattern::check(&json!({"messages": []}), &next).context("next")
    }

    fn by_amqp(&self, arguments: &[&str]) -> Result<Value> {
        self.call(&self.amqp, arguments)
    }

    fn by_kafka(&self, arguments: &[&str]) -> Result<Value> {
        self.call(&self.kafka, arguments)
    }

    fn call(&self, address: &str, arguments: &[&str]) -> Result<Value> {
        let mut command = Command::new(&self.python);
        command.arg(repo::root().join("conformance/amqp/one_log.py"));
        command.arg(arguments[0]).arg(address).args(&arguments[1..]);
        Ok(serde_json::from_str(&command::run_quietly(&mut command)?)?)
    }
}
