//! `examples/textbook/rabbitmq.py`, unmodified, says what it saw.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::{Options, amqp_spec, finish, folder, python, report};
use crate::command;
use crate::repo;
use crate::results::{Outcome, Test};
use crate::server::Server;

/// The program ends within seconds; anything near this limit hangs.
const LIMIT: Duration = Duration::from_secs(90);

const PIKA: &str = "1.4.4";

/// What it prints, a part at a time: it is wrong about nothing and silent about nothing.
const PARTS: &[(&str, &[&str])] = &[
    (
        "a queue of tasks",
        &[
            "the first worker was killed in the middle of task 1",
            "the second worker did task 1, redelivered",
            "the second worker did task 2",
            "the second worker did task 3",
            "the second worker did task 4",
            "the second worker did task 5",
        ],
    ),
    (
        "routing by topic",
        &[
            "every error: kernel.error, mail.error",
            "all of the kernel: kernel.error, kernel.info",
        ],
    ),
    (
        "publish and subscribe",
        &[
            "radio heard: it rains, it shines",
            "newspaper heard: it rains, it shines",
            "everything arrived",
        ],
    ),
];

pub(super) fn run(options: &Options) -> Result<()> {
    let version = options.server.prepare()?;
    let python = python::environment("textbook-rabbitmq", &[&format!("pika=={PIKA}")])?;
    let spec = amqp_spec(options.server, "textbook-rabbitmq", None)?;
    let server = Server::start(&spec)?;
    let mut tests = Vec::new();
    // A second run finds the queue and the exchanges of the first.
    for run in ["first run", "second run"] {
        let mut program = Command::new(&python);
        program.arg(repo::root().join("examples/textbook/rabbitmq.py"));
        program.arg(spec.amqp_url()?);
        let log = folder().join("textbook-rabbitmq.log");
        let ended = command::run_limited(&mut program, LIMIT, &log)?;
        let said: Vec<&str> = ended.output.lines().collect();
        for (part, expected) in PARTS {
            let missing = expected.iter().find(|line| !said.contains(line));
            let detail = missing.map(|line| {
                let last = said.last().copied().unwrap_or_default();
                format!("did not say {line:?}; its last words: {last}")
            });
            let outcome = match missing {
                None => Outcome::Passed,
                Some(_) if ended.timed_out => Outcome::TimedOut,
                Some(_) => Outcome::Failed,
            };
            tests.push(Test {
                subject: None,
                name: format!("{part}, {run}"),
                outcome,
                seconds: ended.took.as_secs_f64(),
                detail,
            });
            tests.last().into_iter().for_each(report);
        }
        if ended.code != Some(0) {
            println!("the program ended with {:?}: {}", ended.code, log.display());
        }
    }
    server.stop(Duration::from_secs(30))?;
    let passed = tests.iter().all(|test| test.outcome == Outcome::Passed);
    let versions = vec![
        (options.server.word().into(), version),
        ("pika".into(), PIKA.into()),
    ];
    finish("textbook-rabbitmq", options, versions, tests)?;
    ensure!(passed, "the textbook's program does not run");
    Ok(())
}
