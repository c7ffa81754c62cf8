//! `examples/textbook/nginx.conf` and its variants, as they are: requests are spread as they say, a server that is killed
//! costs no request, and one that returns is used again.
//!
//! The three servers behind the balancer are threads of this program that count what they are asked. The same can be run
//! against nginx itself (`--binary`), which tells whether the expectations are nginx's.

mod member;
mod scenario;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::{folder, report};
use crate::balancer::Program;
use crate::repo;
use crate::results::{self, Outcome, Provenance, Suite, Test};
use member::Member;
use scenario::SCENARIOS;

/// Where the examples listen.
const BALANCER: &str = "127.0.0.1:8000";
/// Where their servers are.
const MEMBERS: [&str; 3] = ["127.0.0.1:8001", "127.0.0.1:8002", "127.0.0.1:8003"];
/// A balancer that does not accept by then will not.
const START_LIMIT: Duration = Duration::from_secs(10);

#[derive(clap::Args)]
pub(super) struct Options {
    /// The program under test, an nginx to compare with for example; by default this repository's release build.
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Only scenarios whose name contains this; the results are printed and not written.
    #[arg(long)]
    only: Option<String>,
}

pub(super) fn run(options: &Options) -> Result<()> {
    let program = match &options.binary {
        None => Program::mainstay()?,
        Some(path) => Program::Nginx(path.canonicalize()?),
    };
    let mut tests = Vec::new();
    for scenario in SCENARIOS {
        let chosen = |only: &String| scenario.name.contains(only.as_str());
        if !options.only.as_ref().is_none_or(chosen) {
            continue;
        }
        let began = Instant::now();
        let outcome = scenario.run(&program);
        tests.push(Test {
            subject: Some(scenario.file.to_owned()),
            name: scenario.name.to_owned(),
            outcome: match outcome {
                Ok(_) => Outcome::Passed,
                Err(_) => Outcome::Failed,
            },
            seconds: began.elapsed().as_secs_f64(),
            detail: Some(match outcome {
                Ok(text) => text,
                Err(error) => format!("{error:#}"),
            }),
        });
        tests.last().into_iter().for_each(report);
    }
    let passed = tests.iter().all(|test| test.outcome == Outcome::Passed);
    if options.only.is_none() {
        write(&program, tests)?;
    }
    ensure!(
        passed,
        "the textbook's load balancer does not do what it says"
    );
    Ok(())
}

fn write(program: &Program, tests: Vec<Test>) -> Result<()> {
    let server = program.word().to_owned();
    let name = match program {
        Program::Mainstay(_) => "conformance-textbook-nginx".to_owned(),
        other => format!("conformance-textbook-nginx-{}", other.word()),
    };
    let versions = vec![(server.clone(), program.version()?)];
    let provenance = Provenance::now("conformance textbook-nginx", versions)?;
    results::write(
        &name,
        &Suite {
            suite: "textbook-nginx".to_owned(),
            server,
            provenance,
            tests,
        },
    )
}

/// A running balancer; killed when dropped.
struct Balancer(Child);

impl Balancer {
    /// Starts the program on one of the examples, and returns once it accepts.
    fn start(program: &Program, file: &str) -> Result<Balancer> {
        let folder = folder().join("textbook-nginx");
        fs::create_dir_all(&folder)?;
        let example = repo::root().join("examples/textbook").join(file);
        let mut process = match program {
            Program::Nginx(binary) => {
                let file = folder.join("nginx.conf");
                fs::write(&file, whole(&fs::read_to_string(&example)?))?;
                fs::create_dir_all(folder.join("logs"))?;
                let mut process = Command::new(binary);
                process.arg("-p").arg(&folder).arg("-c").arg(file);
                process.args(["-g", "daemon off;"]);
                process
            }
            Program::Mainstay(binary) | Program::Haproxy(binary) => {
                let mut process = Command::new(binary);
                process.current_dir(&folder).arg("-c").arg(&example);
                process
            }
        };
        let log = fs::File::create(folder.join("stderr.log"))?;
        process
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let child = process.spawn().with_context(|| format!("{process:?}"))?;
        let mut balancer = Balancer(child);
        balancer.wait(&folder)?;
        Ok(balancer)
    }

    fn wait(&mut self, folder: &Path) -> Result<()> {
        let began = Instant::now();
        while std::net::TcpStream::connect(BALANCER).is_err() {
            if let Some(status) = self.0.try_wait()? {
                let said = fs::read_to_string(folder.join("stderr.log"))?;
                bail!("the balancer ended ({status}): {said}");
            }
            ensure!(
                began.elapsed() < START_LIMIT,
                "the balancer does not listen"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        if let Some(pid) = rustix::process::Pid::from_raw(self.0.id().cast_signed()) {
            // nginx's workers go with their master only where it is asked.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _ = self.0.wait();
    }
}

/// What nginx needs around a fragment.
fn whole(text: &str) -> String {
    if text.contains("events") && !text.contains("`events {}`") {
        text.to_owned()
    } else {
        format!("events {{}}\nhttp {{\n{text}\n}}\n")
    }
}

/// The servers of the examples, all up.
fn members() -> Result<[Member; 3]> {
    let [one, two, three] = MEMBERS.map(Member::start);
    Ok([one?, two?, three?])
}
