//! What the tasks wrote about themselves, and what was sent.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::results::{Outcome, Test};

/// What `conformance/celery/tasks.py send` prints: identities by kind, and the time of those with an ETA.
#[derive(Deserialize)]
pub(super) struct Sent {
    pub(super) add: Vec<String>,
    pub(super) long: Vec<String>,
    pub(super) later: Vec<String>,
    pub(super) eta: f64,
}

impl Sent {
    pub(super) fn all(&self) -> impl Iterator<Item = &String> {
        self.add.iter().chain(&self.long).chain(&self.later)
    }
}

/// A line of the record.
pub(super) struct Line {
    is_end: bool,
    task: String,
    pub(super) host: String,
    pub(super) seconds: f64,
}

/// Every start and every end of a task, in the order in which they happened.
pub(super) struct Record(Vec<Line>);

impl Record {
    /// Empty where no task has begun yet.
    pub(super) fn read(path: &Path) -> Result<Record> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            read => read.context("the tasks' record")?,
        };
        Record::parse(&text)
    }

    fn parse(text: &str) -> Result<Record> {
        let lines = text.lines().map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [what, _name, task, host, seconds] = words[..] else {
                anyhow::bail!("the tasks' record says {line:?}")
            };
            Ok(Line {
                is_end: what == "end",
                task: task.to_owned(),
                host: host.to_owned(),
                seconds: seconds.parse()?,
            })
        });
        Ok(Record(lines.collect::<Result<_>>()?))
    }

    /// The worker that is at one of these tasks, and the task.
    pub(super) fn at(&self, tasks: &[String]) -> Option<(String, String)> {
        let at = self
            .0
            .iter()
            .find(|line| tasks.contains(&line.task) && self.ends(&line.task) == 0)?;
        Some((at.host.clone(), at.task.clone()))
    }

    pub(super) fn ends(&self, task: &str) -> usize {
        let ends = self.0.iter().filter(|line| line.is_end);
        ends.filter(|line| line.task == task).count()
    }

    pub(super) fn starts(&self, task: &str) -> impl Iterator<Item = &Line> {
        let starts = self.0.iter().filter(|line| !line.is_end);
        starts.filter(move |line| line.task == task)
    }
}

pub(super) fn judged(name: &str, holds: bool, otherwise: String) -> Test {
    Test {
        subject: None,
        name: name.to_owned(),
        outcome: if holds {
            Outcome::Passed
        } else {
            Outcome::Failed
        },
        seconds: 0.0,
        detail: (!holds).then_some(otherwise),
    }
}

pub(super) fn failed(name: &str, error: &anyhow::Error) -> Test {
    judged(name, false, format!("{error:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_says_who_is_at_what() {
        let record = Record::parse(
            "start long a one@localhost 1.0\nend long a one@localhost 2.0\nstart long b two@localhost 3.5\n",
        )
        .unwrap();
        let tasks = ["a".to_owned(), "b".to_owned()];
        let (host, task) = record.at(&tasks).unwrap();
        assert_eq!((host.as_str(), task.as_str()), ("two@localhost", "b"));
        assert_eq!((record.ends("a"), record.ends("b")), (1, 0));
        assert!(record.starts("b").all(|line| line.seconds > 3.0));
        assert!(Record::parse("start\n").is_err());
    }
}
