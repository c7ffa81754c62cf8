//! What happens in a scenario, step by step: `conformance/amqp/scenarios.json` read and played.

use std::collections::{BTreeMap, HashMap};
use std::fs;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::dialogue::{Dialogue, Program};
use super::pattern;
use crate::repo;
use crate::server::Server;

/// One scenario.
#[derive(Deserialize)]
pub(super) struct Scenario {
    pub(super) name: String,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    /// The operation, as `conformance/amqp/README.md` lists them.
    #[serde(rename = "do")]
    operation: String,
    /// The program that does it.
    #[serde(default = "first")]
    by: String,
    /// What the answer must hold; without it, no error.
    expect: Option<Value>,
    /// Members of the answer to remember, and under which names.
    #[serde(default)]
    keep: BTreeMap<String, String>,
    /// The operation's arguments.
    #[serde(flatten)]
    arguments: Map<String, Value>,
}

fn first() -> String {
    "a".to_owned()
}

/// The arguments that a scenario may leave out.
fn defaults(operation: &str) -> Value {
    match operation {
        "exchange" => json!({"durable": true, "passive": false, "arguments": {}}),
        "queue" => {
            json!({"durable": true, "exclusive": false, "auto_delete": false, "passive": false, "arguments": {}})
        }
        "bind" => json!({"key": "", "arguments": {}}),
        "publish" => {
            json!({"exchange": "", "key": "", "mandatory": false, "persistent": true, "priority": null, "expiration": null, "headers": {}})
        }
        "consume" => json!({"exclusive": false, "arguments": {}}),
        "ack" => json!({"multiple": false}),
        _ => json!({}),
    }
}

pub(super) fn read() -> Result<Vec<Scenario>> {
    let path = repo::root().join("conformance/amqp/scenarios.json");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    serde_json::from_str(&text).context("conformance/amqp/scenarios.json")
}

/// How a scenario ended that did not fail.
pub(super) enum Ended {
    Passed,
    /// The library lacks something; it says what.
    Unsupported(String),
}

/// A server and the programs that talk to it.
pub(super) struct Stage<'a> {
    name: &'a str,
    program: &'a Program,
    url: String,
    /// None only while it is started again.
    server: Option<Server>,
    programs: HashMap<String, Dialogue>,
    kept: HashMap<String, Value>,
}

impl<'a> Stage<'a> {
    pub(super) fn new(name: &'a str, program: &'a Program, server: Server) -> Result<Stage<'a>> {
        Ok(Stage {
            name,
            program,
            url: server.spec.amqp_url()?,
            server: Some(server),
            programs: HashMap::new(),
            kept: HashMap::new(),
        })
    }

    pub(super) fn play(&mut self, scenario: &Scenario) -> Result<Ended> {
        for (number, step) in (1..).zip(&scenario.steps) {
            let place = || format!("step {number}, {} by {}", step.operation, step.by);
            let answer = self.step(step).with_context(place)?;
            if let Some(why) = answer.get("unsupported").and_then(Value::as_str) {
                return Ok(Ended::Unsupported(why.to_owned()));
            }
            let judged = match &step.expect {
                Some(expected) => pattern::check(&self.filled_in(expected), &answer),
                None => no_error(&answer),
            };
            judged.with_context(place)?;
            for (member, name) in &step.keep {
                self.kept.insert(name.clone(), answer[member].clone());
            }
        }
        Ok(Ended::Passed)
    }

    /// Ends the programs of a scenario, and sees whether the server survived it.
    pub(super) fn clear(&mut self) -> Result<()> {
        self.programs.clear();
        self.kept.clear();
        match &mut self.server {
            Some(server) => server.ensure_alive(),
            None => bail!("the server did not start again"),
        }
    }

    fn step(&mut self, step: &Step) -> Result<Value> {
        match step.operation.as_str() {
            "kill" => {
                self.programs.remove(&step.by);
                Ok(json!({}))
            }
            "kill_server" => {
                self.programs.clear();
                let server = self.server.take().context("a server runs")?;
                let spec = server.spec.clone();
                server.kill()?;
                self.server = Some(Server::start(&spec).context("start again after kill -9")?);
                Ok(json!({}))
            }
            operation => {
                let mut request = defaults(operation);
                request["do"] = operation.into();
                for (name, value) in &step.arguments {
                    request[name] = self.filled_in(value);
                }
                self.program(&step.by)?.ask(&request)
            }
        }
    }

    /// The program of this name, started and connected when it is first asked for something.
    fn program(&mut self, by: &str) -> Result<&mut Dialogue> {
        if !self.programs.contains_key(by) {
            let mut program = Dialogue::start(self.program, &format!("amqp-{}", self.name))?;
            let answer = program.ask(&json!({"do": "connect", "url": self.url}))?;
            no_error(&answer).context("connect")?;
            self.programs.insert(by.to_owned(), program);
        }
        self.programs.get_mut(by).context("the program was started")
    }

    /// A value of the scenario with what its names and numbers stand for.
    fn filled_in(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.filled_in_text(text),
            Value::Array(items) => items.iter().map(|item| self.filled_in(item)).collect(),
            Value::Object(members) => members
                .iter()
                .map(|(name, item)| (name.clone(), self.filled_in(item)))
                .collect::<Map<String, Value>>()
                .into(),
            other => other.clone(),
        }
    }

    /// `$NAME` is what was kept under that name, `~N` a text of N characters.
    fn filled_in_text(&self, text: &str) -> Value {
        let kept = text.strip_prefix('$').and_then(|name| self.kept.get(name));
        let long = || {
            let length: usize = text.strip_prefix('~')?.parse().ok()?;
            Some(Value::from("x".repeat(length)))
        };
        kept.cloned().or_else(long).unwrap_or_else(|| text.into())
    }
}

fn no_error(answer: &Value) -> Result<()> {
    let wrong = ["error", "failed"]
        .iter()
        .find_map(|kind| answer.get(*kind));
    ensure!(wrong.is_none(), "{answer}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scenarios_can_be_read() {
        let scenarios = read().unwrap();
        let mut names: Vec<&str> = scenarios.iter().map(|one| one.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), scenarios.len());
    }
}
