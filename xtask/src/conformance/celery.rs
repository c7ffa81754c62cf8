//! Celery's workers on `examples/textbook/celery_tasks.py`: three of them, one killed in the middle of a task.
//!
//! Tasks are acknowledged late. So every task ends exactly once; the task that the killed worker had begun begins
//! again elsewhere; and nothing is left in the queue.

mod record;

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};

use super::{Options, amqp_spec, finish, folder, python, report};
use crate::command;
use crate::repo;
use crate::results::{Outcome, Test};
use crate::server::Server;
use record::{Record, Sent};

const CELERY: &str = "5.7.0";

/// A worker imports, connects, and looks for others for a second.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// All tasks together take some 20 s, the one that runs twice included.
const DONE_LIMIT: Duration = Duration::from_secs(120);

/// How often files are looked at.
const POLL: Duration = Duration::from_millis(50);

/// How long a worker may take to end when it is asked to.
const STOP_LIMIT: Duration = Duration::from_secs(30);

pub(super) fn run(options: &Options) -> Result<()> {
    let version = options.server.prepare()?;
    let python = python::environment("celery", &[&format!("celery=={CELERY}")])?;
    let spec = amqp_spec(options.server, "celery", None)?;
    let record = folder().join("celery-record.txt");
    if record.exists() {
        fs::remove_file(&record)?;
    }
    let celery = Celery {
        python,
        broker: spec.amqp_url()?,
        record,
    };
    let mut server = Server::start(&spec)?;
    let started = Instant::now();
    let mut tests = match celery.play() {
        Ok(ended) => ended.judge(),
        Err(error) => vec![record::failed("the workers do the tasks", &error)],
    };
    server.ensure_alive()?;
    for test in &mut tests {
        test.seconds = started.elapsed().as_secs_f64().round();
        report(test);
    }
    let versions = vec![
        (options.server.word().into(), version),
        ("celery".into(), CELERY.into()),
    ];
    let passed = tests.iter().all(|test| test.outcome == Outcome::Passed);
    finish("celery", options, versions, tests)?;
    anyhow::ensure!(passed, "Celery does not do its tasks");
    Ok(())
}

/// How Celery's programs are called.
struct Celery {
    python: PathBuf,
    broker: String,
    record: PathBuf,
}

/// What a run left.
struct Ended {
    sent: Sent,
    record: Record,
    /// The worker that was killed, and the task that it was at.
    killed: (String, String),
    /// Messages in the queue after every worker has gone.
    left: u64,
}

impl Celery {
    fn play(&self) -> Result<Ended> {
        let mut workers = Vec::new();
        for name in ["one", "two", "three"] {
            workers.push(Worker::start(self, name)?);
        }
        for worker in &mut workers {
            worker.wait_until_ready()?;
        }
        let sent: Sent = serde_json::from_str(&self.tasks("send")?)?;
        let killed = self.wait("a worker is at a long task", |record| record.at(&sent.long))?;
        let victim = workers
            .iter()
            .position(|worker| worker.host == killed.0)
            .with_context(|| format!("no worker is called {}", killed.0))?;
        // Dropped, which kills it and the process of its pool.
        drop(workers.remove(victim));
        self.wait("every task is done", |record| {
            sent.all().all(|id| record.ends(id) > 0).then_some(())
        })?;
        for worker in workers {
            worker.stop()?;
        }
        Ok(Ended {
            sent,
            record: Record::read(&self.record)?,
            killed,
            left: self.tasks("left")?.trim().parse()?,
        })
    }

    /// Runs `conformance/celery/tasks.py`.
    fn tasks(&self, what: &str) -> Result<String> {
        let mut command = self.command();
        command
            .arg(repo::root().join("conformance/celery/tasks.py"))
            .arg(what);
        command::run_quietly(&mut command)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.python);
        command
            .env("PYTHONPATH", repo::root().join("examples/textbook"))
            .env("BROKER", &self.broker)
            .env("RECORD", &self.record)
            .current_dir(folder());
        command
    }

    fn wait<T>(&self, what: &str, ready: impl Fn(&Record) -> Option<T>) -> Result<T> {
        let started = Instant::now();
        loop {
            let record = Record::read(&self.record)?;
            if let Some(found) = ready(&record) {
                return Ok(found);
            }
            if started.elapsed() > DONE_LIMIT {
                bail!("after {DONE_LIMIT:?} it is not so that {what}");
            }
            std::thread::sleep(POLL);
        }
    }
}

impl Ended {
    fn judge(&self) -> Vec<Test> {
        let Ended {
            sent,
            record,
            killed: (host, task),
            left,
        } = self;
        let wrong_ends: Vec<&String> = sent.all().filter(|id| record.ends(id) != 1).collect();
        let wrong_starts: Vec<&String> = sent
            .all()
            .filter(|id| *id != task && record.starts(id).count() != 1)
            .collect();
        let again: Vec<&str> = record
            .starts(task)
            .map(|start| start.host.as_str())
            .collect();
        let early = sent
            .later
            .iter()
            .flat_map(|id| record.starts(id))
            .filter(|start| start.seconds < sent.eta)
            .count();
        vec![
            record::judged(
                "every task ends exactly once",
                wrong_ends.is_empty(),
                format!("not so: {wrong_ends:?}"),
            ),
            record::judged(
                "the killed worker's task begins again elsewhere",
                again.len() == 2 && again[0] == host && again[1] != host,
                format!("{host} was killed, the task began on {again:?}"),
            ),
            record::judged(
                "every other task begins once",
                wrong_starts.is_empty(),
                format!("not so: {wrong_starts:?}"),
            ),
            record::judged(
                "a task with an ETA waits for it",
                early == 0,
                format!("{early} began early"),
            ),
            record::judged(
                "nothing is left in the queue",
                *left == 0,
                format!("{left} messages are left"),
            ),
        ]
    }
}

/// A `celery worker` with its pool. Dropping it kills both.
struct Worker {
    host: String,
    child: Child,
    log: PathBuf,
}

impl Worker {
    fn start(celery: &Celery, name: &str) -> Result<Worker> {
        let logs = folder().join("logs");
        fs::create_dir_all(&logs)?;
        let log = logs.join(format!("celery-{name}.log"));
        let host = format!("{name}@localhost");
        let file = File::create(&log)?;
        let mut command = celery.command();
        command.args(["-m", "celery", "--app", "celery_tasks", "worker"]);
        command.args([
            "--concurrency",
            "1",
            "--loglevel",
            "INFO",
            "--hostname",
            &host,
        ]);
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .process_group(0)
            .spawn()?;
        Ok(Worker { host, child, log })
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let started = Instant::now();
        while !is_ready(&self.log) {
            if started.elapsed() > READY_LIMIT || self.child.try_wait()?.is_some() {
                bail!("{} is not ready; see {}", self.host, self.log.display());
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    /// Asks it to end; it finishes what it is at.
    fn stop(mut self) -> Result<()> {
        rustix::process::kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let started = Instant::now();
        while self.child.try_wait()?.is_none() {
            if started.elapsed() > STOP_LIMIT {
                bail!("{} does not end", self.host);
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // An error means that the processes are gone already, which is what is wanted.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        drop(self.child.wait());
    }
}

fn is_ready(log: &Path) -> bool {
    fs::read_to_string(log).is_ok_and(|text| text.contains(" ready."))
}
