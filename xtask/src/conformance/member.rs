//! A client program that runs: its events as they come, and what they add up to.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;

use super::clients::Program;
use super::folder;

/// What a client program reports; `conformance/clients/scenario.py` describes each.
#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Event {
    Acked {
        index: u32,
        partition: i32,
        offset: Option<i64>,
    },
    Assigned {
        partitions: BTreeSet<i32>,
    },
    Record(Record),
    Committed {
        offsets: Vec<(i32, i64)>,
    },
}

/// A record as the client saw it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Record {
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) key: String,
    pub(super) value: String,
    pub(super) headers: BTreeMap<String, String>,
}

/// A running client program, and the sum of its events so far. Dropping it kills it.
pub(super) struct Member {
    name: String,
    child: Child,
    events: Receiver<Event>,
    /// Index of each message that the server acknowledged: its partition and, if the client tells, its offset.
    pub(super) acked: BTreeMap<u32, (i32, Option<i64>)>,
    pub(super) assigned: BTreeSet<i32>,
    /// By partition and offset; the first sight of each.
    pub(super) records: BTreeMap<(i32, i64), Record>,
    pub(super) committed: Option<BTreeMap<i32, i64>>,
    /// Keys of records that this member, or one that it took over from, has read.
    keys: BTreeSet<String>,
}

impl Member {
    /// Starts the program; what it writes to standard error goes to `target/conformance/logs/NAME.log`.
    pub(super) fn start(program: &Program, name: &str, arguments: &[&str]) -> Result<Member> {
        let logs = folder().join("logs");
        std::fs::create_dir_all(&logs)?;
        let [executable, rest @ ..] = &program.command[..] else {
            bail!("a program has a name")
        };
        let mut command = Command::new(executable);
        command.args(rest).args(arguments).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(File::create(logs.join(name).with_extension("log"))?);
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        let output = child
            .stdout
            .take()
            .context("the program's output is piped")?;
        let (sender, events) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                match serde_json::from_str(&line) {
                    Ok(event) => {
                        if sender.send(event).is_err() {
                            // Nobody wants to know any more.
                            break;
                        }
                    }
                    Err(error) => eprintln!("not an event ({error}): {line}"),
                }
            }
        });
        Ok(Member {
            name: name.to_owned(),
            child,
            events,
            acked: BTreeMap::new(),
            assigned: BTreeSet::new(),
            records: BTreeMap::new(),
            committed: None,
            keys: BTreeSet::new(),
        })
    }

    /// Takes in what was reported since the last call.
    pub(super) fn take_events(&mut self) {
        while let Ok(event) = self.events.try_recv() {
            self.take(event);
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Acked {
                index,
                partition,
                offset,
            } => drop(self.acked.insert(index, (partition, offset))),
            Event::Assigned { partitions } => self.assigned = partitions,
            Event::Record(record) => {
                self.keys.insert(record.key.clone());
                self.records
                    .entry((record.partition, record.offset))
                    .or_insert(record);
            }
            Event::Committed { offsets } => self.committed = Some(offsets.into_iter().collect()),
        }
    }

    /// Takes in events until the condition holds.
    pub(super) fn wait_until(
        &mut self,
        what: &str,
        limit: Duration,
        mut condition: impl FnMut(&Member) -> bool,
    ) -> Result<()> {
        let deadline = Instant::now() + limit;
        loop {
            self.take_events();
            if condition(self) {
                return Ok(());
            }
            ensure!(
                Instant::now() < deadline,
                "{}: not within {limit:?}: {what}",
                self.name
            );
            if let Some(status) = self.child.try_wait()? {
                // What it wrote last may still be on its way.
                std::thread::sleep(Duration::from_millis(200));
                self.take_events();
                ensure!(
                    condition(self),
                    "{}: ended ({status}) before: {what}; {}",
                    self.name,
                    self.last_words()
                );
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Counts these records as read: a member of the same group read them before.
    pub(super) fn read_before<'a>(&mut self, records: impl Iterator<Item = &'a Record>) {
        self.keys.extend(records.map(|record| record.key.clone()));
    }

    pub(super) fn has_read(&self, key: &str) -> bool {
        self.keys.contains(key)
    }

    /// Waits for the program to end by itself, successfully.
    pub(super) fn finish(mut self, limit: Duration) -> Result<Member> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait()? {
                // The channel closes with the program's output.
                while let Ok(event) = self.events.recv() {
                    self.take(event);
                }
                ensure!(
                    status.success(),
                    "{}: {status}; {}",
                    self.name,
                    self.last_words()
                );
                return Ok(self);
            }
            ensure!(
                Instant::now() < deadline,
                "{}: did not end within {limit:?}",
                self.name
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The one order that a member knows: commit, leave, end. Returns what it committed.
    pub(super) fn commit_and_leave(
        mut self,
        limit: Duration,
    ) -> Result<(Member, BTreeMap<i32, i64>)> {
        drop(self.child.stdin.take());
        let mut member = self.finish(limit)?;
        let committed = member
            .committed
            .take()
            .context("the member ended without reporting what it committed")?;
        Ok((member, committed))
    }

    /// SIGKILL: the member is gone without a word to the server.
    pub(super) fn kill(mut self) -> Result<()> {
        kill_process_group(Pid::from_child(&self.child), Signal::KILL)?;
        self.child.wait()?;
        Ok(())
    }

    fn last_words(&self) -> String {
        let log = folder().join("logs").join(&self.name).with_extension("log");
        let text = std::fs::read_to_string(log).unwrap_or_default();
        text.lines()
            .rfind(|line| !line.trim().is_empty())
            .unwrap_or("it said nothing")
            .to_owned()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            // An error means that the group is gone already, which is what is wanted.
            let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
            drop(self.child.wait());
        }
    }
}
