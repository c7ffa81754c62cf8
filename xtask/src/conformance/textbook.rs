//! The textbook's program, unmodified from `examples/textbook/kafka.py`, prints its message back.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::{Options, finish, folder, fresh_data, python, report};
use crate::command;
use crate::repo;
use crate::results::{Outcome, Test};
use crate::server::{Server, Spec};

/// The program waits half a second for its topic; anything near this limit hangs.
const LIMIT: Duration = Duration::from_secs(60);

pub(super) fn run(options: &Options) -> Result<()> {
    let version = options.server.prepare()?;
    let python = python::environment("textbook", &["kafka-python==1.4.7"])?;
    let mut spec = Spec::new(options.server, fresh_data("textbook")?)?;
    // The book's address.
    spec.port = 9092;
    let server = Server::start(&spec)?;
    let mut tests = Vec::new();
    // A second run finds its topic made and its group's offsets committed.
    for name in ["first run", "second run"] {
        let mut program = Command::new(&python);
        program.arg(repo::root().join("examples/textbook/kafka.py"));
        let ended = command::run_limited(&mut program, LIMIT, &folder().join("textbook.log"))?;
        let printed = ended
            .output
            .lines()
            .find(|line| line.contains("Hello, Kafka!") && line.contains("offset="));
        let outcome = match printed {
            Some(_) if ended.code == Some(0) => Outcome::Passed,
            _ if ended.timed_out => Outcome::TimedOut,
            _ => Outcome::Failed,
        };
        let said = printed
            .or_else(|| ended.output.lines().last())
            .unwrap_or_default();
        tests.push(Test {
            subject: None,
            name: name.into(),
            outcome,
            seconds: ended.took.as_secs_f64(),
            detail: Some(said.to_owned()),
        });
        tests.last().into_iter().for_each(report);
    }
    server.stop(Duration::from_secs(30))?;
    let passed = tests.iter().all(|test| test.outcome == Outcome::Passed);
    let versions = vec![
        (options.server.word().into(), version),
        ("kafka-python".into(), "1.4.7".into()),
    ];
    finish("textbook", options, versions, tests)?;
    ensure!(passed, "the textbook's program does not run");
    Ok(())
}
