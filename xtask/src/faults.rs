//! Faults behind and in a balancer under load; no idempotent request may fail.
//!
//! The clients check every byte. An answer that had begun when its server was killed cannot be saved by anybody: such ones
//! are counted, and are no failures. The same runs drive nginx (`--binary`), to compare.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::balancer::{Ask, Balancer, Program, Setup, Style, Totals, Upstream};
use crate::repo;
use crate::results::{self, Provenance};

/// A server that does not answer is to be out by then.
const OUT_LIMIT: Duration = Duration::from_secs(3);

/// Arguments of `cargo xtask faults`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    face: Face,
}

#[derive(clap::Subcommand)]
enum Face {
    /// The HTTP balancer.
    Http(Options),
}

#[derive(clap::Args)]
struct Options {
    /// The balancer under test, an nginx for example; by default this repository's release build.
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Only faults whose name contains this; the results are printed and not written.
    #[arg(long)]
    only: Option<String>,
    /// How often a server is killed, or the balancer reloaded.
    #[arg(long, default_value_t = 10)]
    times: u32,
}

/// What happens, and how the balancer is set up for it.
struct Fault {
    name: &'static str,
    /// Of the location, in nginx's words.
    location: &'static str,
    /// Of the group of servers.
    group: &'static str,
    server_parameters: &'static str,
    /// nginx has it in its commercial edition only.
    mainstay_only: bool,
    happens: fn(&Ask, &Balancer, &mut [Upstream], u32) -> Result<Happened>,
}

/// What was done, in times since the load began.
#[derive(Default)]
struct Happened {
    kills: Vec<(Duration, String)>,
    frozen_at: Option<Duration>,
}

#[derive(Debug, Serialize)]
struct Run {
    fault: &'static str,
    requests: u64,
    failures: u64,
    /// Connections that were closed as a request came, and replaced by the client.
    replaced: u64,
    /// Answers that had begun when their server was killed.
    cut_by_a_kill: usize,
    /// After so many seconds no request met the server that does not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    out_after_seconds: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Report {
    server: String,
    provenance: Provenance,
    runs: Vec<Run>,
}

const FAULTS: &[Fault] = &[
    Fault {
        name: "a server is killed, and returns",
        location: "proxy_connect_timeout 1s;",
        group: "",
        server_parameters: "max_fails=1 fail_timeout=1s",
        mainstay_only: false,
        happens: kill_and_return,
    },
    Fault {
        name: "a server swallows packets, timeouts",
        location: "proxy_connect_timeout 1s;\nproxy_read_timeout 1s;",
        group: "",
        server_parameters: "max_fails=1 fail_timeout=30s",
        mainstay_only: false,
        happens: freeze,
    },
    Fault {
        name: "a server swallows packets, health_check",
        location: "proxy_connect_timeout 1s;\nproxy_read_timeout 2s;\nhealth_check interval=500ms fails=1 passes=1;",
        group: "zone backend 64k;",
        server_parameters: "max_fails=0",
        mainstay_only: true,
        happens: freeze,
    },
    Fault {
        name: "a reload every second",
        location: "",
        group: "",
        server_parameters: "",
        mainstay_only: false,
        happens: reload,
    },
];

const STYLES: &[Style] = &[
    Style::KeepAlive,
    Style::KeepAlive,
    Style::KeepAlive,
    Style::KeepAlive,
    Style::OneEach,
    Style::OneEach,
    Style::SlowUpstream,
    Style::SlowUpstream,
    Style::Upload,
];

pub(crate) fn run(args: &Args) -> Result<()> {
    let Face::Http(options) = &args.face;
    let program = match &options.binary {
        Some(binary) => Program::of(&binary.canonicalize()?)?,
        None => Program::mainstay()?,
    };
    let is_ours = matches!(program, Program::Mainstay(_));
    let mut runs = Vec::new();
    let mut wrong = Vec::new();
    for fault in FAULTS {
        let chosen = options
            .only
            .as_ref()
            .is_none_or(|only| fault.name.contains(only.as_str()));
        if !chosen || fault.mainstay_only && !is_ours {
            continue;
        }
        let run = fault
            .run(&program, options.times, &mut wrong)
            .with_context(|| fault.name)?;
        println!("{}: {run:?}", fault.name);
        runs.push(run);
    }
    if options.only.is_none() {
        let file = if is_ours {
            "faults-http".to_owned()
        } else {
            format!("faults-http-{}", program.word())
        };
        let versions = vec![(program.word().to_owned(), program.version()?)];
        let command = format!("faults http --times {}", options.times);
        let report = Report {
            server: program.name()?,
            provenance: Provenance::now(&command, versions)?,
            runs,
        };
        results::write(&file, &report)?;
    }
    ensure!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    Ok(())
}

impl Fault {
    fn run(&self, program: &Program, times: u32, wrong: &mut Vec<String>) -> Result<Run> {
        let mut upstreams = [Upstream::start()?, Upstream::start()?, Upstream::start()?];
        let addresses = upstreams.iter().map(|one| one.address.clone()).collect();
        let mut setup = Setup::new(2, addresses);
        setup.location = self.location.to_owned();
        setup.group = self.group.to_owned();
        setup.server_parameters = self.server_parameters.to_owned();
        let folder = repo::target().join("faults/run");
        let mut balancer = Balancer::start(program, &setup, &folder)?;
        let (happened, mut totals) = Ask::during(&balancer.address, STYLES, |ask| {
            std::thread::sleep(Duration::from_secs(1));
            (self.happens)(ask, &balancer, &mut upstreams, times)
        })?;
        balancer.ensure_alive()?;
        totals.fail_unexcused(&happened.kills);
        let out_after = happened.frozen_at.map(|at| out_after(&totals, at));
        self.judge(&totals, upstreams.len(), out_after, wrong);
        balancer.stop()?;
        Ok(Run {
            fault: self.name,
            requests: totals.requests,
            failures: totals.failures,
            replaced: totals.replaced,
            cut_by_a_kill: totals.cut.len(),
            out_after_seconds: out_after.map(|out_after| out_after.as_secs_f64()),
        })
    }

    fn judge(
        &self,
        totals: &Totals,
        upstreams: usize,
        out_after: Option<Duration>,
        wrong: &mut Vec<String>,
    ) {
        for (at, what) in &totals.words {
            wrong.push(format!("{}, after {at:.1?}: {what}", self.name));
        }
        if totals.by_upstream.len() != upstreams {
            let used = &totals.by_upstream;
            wrong.push(format!(
                "{}: not every server was used: {used:?}",
                self.name
            ));
        }
        if out_after == Some(Duration::ZERO) {
            wrong.push(format!("{}: no request met the frozen server", self.name));
        }
        if let Some(late) = out_after.filter(|out_after| *out_after > OUT_LIMIT) {
            wrong.push(format!("{}: it was out after {late:.1?} only", self.name));
        }
    }
}

/// How long after the freeze the last request was sent that had to wait for the frozen server.
fn out_after(totals: &Totals, frozen_at: Duration) -> Duration {
    let met = totals.slow.iter().map(|(sent, _)| *sent);
    let last = met.filter(|sent| *sent >= frozen_at).max();
    last.map_or(Duration::ZERO, |last| last - frozen_at)
}

fn kill_and_return(
    ask: &Ask,
    _: &Balancer,
    upstreams: &mut [Upstream],
    times: u32,
) -> Result<Happened> {
    let mut happened = Happened::default();
    let count = upstreams.len();
    for (_, index) in (0..times).zip((0..count).cycle()) {
        let upstream = &mut upstreams[index];
        happened.kills.push((ask.elapsed(), upstream.name()));
        upstream.kill()?;
        std::thread::sleep(Duration::from_millis(700));
        upstream.revive()?;
        let before = ask.so_far().by_upstream.get(&upstream.name()).copied();
        std::thread::sleep(Duration::from_millis(1800));
        let after = ask.so_far().by_upstream.get(&upstream.name()).copied();
        ensure!(after > before, "a server that has returned is not used");
    }
    Ok(happened)
}

fn freeze(ask: &Ask, _: &Balancer, upstreams: &mut [Upstream], _: u32) -> Result<Happened> {
    let frozen = upstreams.first().context("there is a server")?;
    let frozen_at = ask.elapsed();
    frozen.freeze()?;
    std::thread::sleep(OUT_LIMIT * 3);
    frozen.thaw()?;
    Ok(Happened {
        frozen_at: Some(frozen_at),
        ..Happened::default()
    })
}

fn reload(_: &Ask, balancer: &Balancer, _: &mut [Upstream], times: u32) -> Result<Happened> {
    for _ in 0..times {
        balancer.reload()?;
        std::thread::sleep(Duration::from_secs(1));
    }
    Ok(Happened::default())
}
