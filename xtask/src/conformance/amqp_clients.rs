//! RabbitMQ's clients through the scenarios of `conformance/amqp`: one program for each library, one judge.

mod dialogue;
mod install;
pub(super) mod pattern;
mod scenario;

use std::time::Instant;

use anyhow::Result;

use super::{Options, amqp_spec, finish, report};
use crate::results::{Outcome, Test};
use crate::server::{Kind, Server};
use dialogue::Program;
use install::CLIENTS;
use scenario::{Ended, Scenario, Stage};

pub(super) fn run(options: &Options) -> Result<()> {
    let scenarios = scenario::read()?;
    let mut versions = vec![(options.server.word().to_owned(), options.server.prepare()?)];
    let mut tests = Vec::new();
    for client in CLIENTS.iter().filter(|client| options.chooses(client.name)) {
        let ran = match client.install() {
            Ok((program, version)) => {
                versions.push((client.name.to_owned(), version.clone()));
                let subject = format!("{} {version}", client.name);
                println!("{subject} against {}", options.server.word());
                run_client(options.server, client.name, &subject, &program, &scenarios)?
            }
            Err(error) => vec![Test {
                subject: Some(client.name.to_owned()),
                name: "install".into(),
                outcome: Outcome::Skipped,
                seconds: 0.0,
                detail: Some(format!("{error:#}")),
            }],
        };
        tests.extend(ran);
    }
    finish("amqp-clients", options, versions, tests)
}

/// Every scenario in turn, on one server that is the client's own.
fn run_client(
    kind: Kind,
    name: &str,
    subject: &str,
    program: &Program,
    scenarios: &[Scenario],
) -> Result<Vec<Test>> {
    let spec = amqp_spec(kind, &format!("amqp-{name}"), None)?;
    let mut stage = Stage::new(name, program, Server::start(&spec)?)?;
    let mut tests = Vec::new();
    for scenario in scenarios {
        let started = Instant::now();
        let (outcome, detail) = match stage.play(scenario) {
            Ok(Ended::Passed) => (Outcome::Passed, None),
            Ok(Ended::Unsupported(why)) => (Outcome::Skipped, Some(why)),
            Err(error) => (Outcome::Failed, Some(format!("{error:#}"))),
        };
        let test = Test {
            subject: Some(subject.to_owned()),
            name: scenario.name.clone(),
            outcome,
            seconds: (started.elapsed().as_secs_f64() * 10.0).round() / 10.0,
            detail,
        };
        report(&test);
        tests.push(test);
        stage.clear()?;
    }
    Ok(tests)
}
