//! Kept-alive connections that do nothing after one request each: the memory that they take.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{Contender, MEBIBYTE, Options, float};
use crate::balancer::{self, Balancer, Setup, Upstream};
use crate::bench::fresh_data;
use crate::bench::http_records::{HttpIdle, HttpIdleRun};
use crate::http_client::HttpClient;
use crate::results::{self, Provenance};
use crate::server::Usage;
use crate::upstream;

/// Longer than any of the contenders takes to give back what a connection needs only while it is busy.
const REST: Duration = Duration::from_secs(5);

/// Files that a balancer, or this program, has open beside the idle connections.
const OTHER_FILES: u32 = 100;

/// What each of them asks once.
const BODY_BYTES: usize = 1024;

pub(super) fn run(
    options: &Options,
    contenders: &[Contender],
    versions: Vec<(String, String)>,
) -> Result<()> {
    let wanted = options.connections + OTHER_FILES;
    let allowed = u32::try_from(balancer::allow_files(u64::from(wanted))?)?;
    let connections = allowed.saturating_sub(OTHER_FILES);
    let mut runs = Vec::new();
    for contender in contenders {
        let run = measure(contender, connections).with_context(|| contender.name.clone())?;
        println!(
            "{:<14}: {:.1} MiB without a client, {:.1} MiB (proportional {:.1} MiB) with {} connections",
            run.contender,
            run.before_mib,
            run.after_mib,
            run.after_proportional_mib,
            run.connections
        );
        runs.push(run);
    }
    if options.is_partial() {
        return Ok(());
    }
    results::write(
        "http-idle",
        &HttpIdle {
            provenance: Provenance::now("bench http --part idle", versions)?,
            rest_seconds: REST.as_secs(),
            runs,
        },
    )
}

fn measure(contender: &Contender, connections: u32) -> Result<HttpIdleRun> {
    let upstream = Upstream::start()?;
    let mut setup = Setup::new(1, vec![upstream.address.clone()]);
    // nginx closes idle connections when fewer than a sixteenth of its places are free.
    setup.connections = connections + connections / 8 + OTHER_FILES;
    let mut balancer = Balancer::start(
        &contender.program,
        &setup,
        &fresh_data("http-idle")?.join("run"),
    )?;
    std::thread::sleep(REST);
    let before = balancer.usage()?.resident_bytes;
    let path = upstream::path(BODY_BYTES, 0);
    let mut open = Vec::new();
    for _ in 0..connections {
        let mut client = HttpClient::connect(&balancer.address)?;
        let answer = client.request("GET", &path, &[])?;
        ensure!(
            answer.status == 200 && answer.keep_alive,
            "a connection is not kept alive: status {}",
            answer.status
        );
        open.push(client);
    }
    std::thread::sleep(REST);
    let after = balancer.usage()?.resident_bytes;
    let proportional = Usage::proportional_bytes(balancer.pid())?;
    // They have to be there still: a connection that was closed takes no memory.
    for client in &mut open {
        client
            .request("GET", &path, &[])
            .context("an idle connection was closed")?;
    }
    balancer.ensure_alive()?;
    Ok(HttpIdleRun {
        contender: contender.name.clone(),
        connections,
        before_mib: float(before) / MEBIBYTE,
        after_mib: float(after) / MEBIBYTE,
        after_proportional_mib: float(proportional) / MEBIBYTE,
    })
}
