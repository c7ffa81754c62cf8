//! The files of nginx's own Perl suite that concern proxying and balancing.
//!
//! The suite is not part of this repository: `--suite`, or `NGINX_TESTS`, names a copy of it, which is only read. Which of its
//! files are run, and how many assertions each has, says `conformance/nginx/files.json`. A file whose module the binary
//! declares missing (`-V`) skips itself; a file that is cut at the time limit has failed.

mod file;
mod record;
mod tap;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use anyhow::{Context, Result, anyhow, bail, ensure};

use crate::repo;
use crate::results::{self, Provenance};
use crate::server::{self, Kind};
use file::Runner;
pub(crate) use record::{NginxFile, NginxSuite};

#[derive(clap::Args)]
pub(super) struct Options {
    /// A copy of the suite; by default what the environment variable NGINX_TESTS names.
    #[arg(long)]
    suite: Option<PathBuf>,
    /// The program under test, an nginx to compare with for example; by default this repository's release build.
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Only this file, as `proxy.t`; may be given several times. The results are printed and not written.
    #[arg(long)]
    only: Vec<String>,
    /// Files that run at the same time: most of a file's time is spent waiting.
    #[arg(long, default_value_t = 6)]
    jobs: usize,
}

/// What the suite is run against.
struct Subject {
    binary: PathBuf,
    name: &'static str,
    version: String,
}

pub(super) fn run(options: &Options) -> Result<()> {
    let suite = options
        .suite
        .clone()
        .or_else(|| std::env::var_os("NGINX_TESTS").map(PathBuf::from))
        .context("name a copy of nginx's test suite: --suite, or NGINX_TESTS")?;
    ensure!(
        suite.join("lib/Test/Nginx.pm").exists(),
        "{} is no copy of nginx's test suite",
        suite.display()
    );
    let subject = subject(options.binary.as_deref())?;
    let chosen = chosen(&options.only)?;
    let runner = Runner::new(suite.canonicalize()?, subject.binary.clone())?;
    let files = run_all(&runner, chosen, options.jobs)?;
    print_totals(&subject, &files);
    if !options.only.is_empty() {
        return Ok(());
    }
    let name = match subject.name {
        "mainstay" => "conformance-nginx".to_owned(),
        other => format!("conformance-nginx-{other}"),
    };
    let provenance = Provenance::now(
        "conformance nginx",
        vec![(subject.name.to_owned(), subject.version)],
    )?;
    let server = subject.name.to_owned();
    results::write(
        &name,
        &NginxSuite {
            server,
            provenance,
            files,
        },
    )
}

/// The files to run, each with its number of assertions.
fn chosen(only: &[String]) -> Result<BTreeMap<String, u32>> {
    let text = fs::read_to_string(repo::root().join("conformance/nginx/files.json"))
        .context("conformance/nginx/files.json")?;
    let all: BTreeMap<String, u32> =
        serde_json::from_str(&text).context("conformance/nginx/files.json")?;
    if only.is_empty() {
        return Ok(all);
    }
    let find = |name: &String| -> Result<(String, u32)> {
        let assertions = all.get(name);
        let assertions = assertions
            .with_context(|| format!("{name} does not stand in conformance/nginx/files.json"))?;
        Ok((name.clone(), *assertions))
    };
    only.iter().map(find).collect()
}

/// Whose binary it is: only Mainstay's knows `--version`.
fn subject(binary: Option<&Path>) -> Result<Subject> {
    let Some(binary) = binary else {
        let version = Kind::Mainstay.prepare()?;
        let binary = server::mainstay_binary().canonicalize()?;
        return Ok(Subject {
            binary,
            name: "mainstay",
            version,
        });
    };
    let binary = binary
        .canonicalize()
        .with_context(|| binary.display().to_string())?;
    let said = |argument: &str| -> Result<String> {
        let output = Command::new(&binary).arg(argument).output();
        let output = output.with_context(|| binary.display().to_string())?;
        let bytes = [output.stdout, output.stderr].concat();
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    if let Some(version) = said("--version")?.trim().strip_prefix("mainstay ") {
        let version = version.to_owned();
        return Ok(Subject {
            binary,
            name: "mainstay",
            version,
        });
    }
    let text = said("-v")?;
    let Some(version) = text.trim().strip_prefix("nginx version: nginx/") else {
        bail!("{} is neither Mainstay nor nginx", binary.display());
    };
    Ok(Subject {
        name: "nginx",
        version: version.to_owned(),
        binary,
    })
}

/// Runs the files, several at a time; the answer is in the order of their names.
fn run_all(runner: &Runner, files: BTreeMap<String, u32>, jobs: usize) -> Result<Vec<NginxFile>> {
    ensure!(jobs > 0, "at least one job");
    let waiting = Mutex::new(files.into_iter().enumerate());
    let next = || waiting.lock().ok()?.next();
    let work = || -> Result<Vec<NginxFile>> {
        let mut done = Vec::new();
        while let Some((index, (name, assertions))) = next() {
            let file = runner
                .run(index, &name, assertions)
                .with_context(|| name.clone())?;
            print(&file);
            done.push(file);
        }
        Ok(done)
    };
    let mut all = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        let mut all = Vec::new();
        for worker in workers {
            all.extend(worker.join().map_err(|_| anyhow!("a job panicked"))??);
        }
        anyhow::Ok(all)
    })?;
    all.sort_by(|one: &NginxFile, other| one.name.cmp(&other.name));
    Ok(all)
}

fn print(file: &NginxFile) {
    println!(
        "{:<44} {:<9} {:>3} passed, {:>3} failed, {:>3} skipped of {:>3} {:>6.1} s  {}",
        file.name,
        file.word(),
        file.passed,
        file.failed,
        file.skipped,
        file.assertions,
        file.seconds,
        file.detail.as_deref().unwrap_or_default()
    );
}

fn print_totals(subject: &Subject, files: &[NginxFile]) {
    println!(
        "nginx's own suite against {} {}: {}",
        subject.name,
        subject.version,
        NginxFile::totals(files)
    );
}
