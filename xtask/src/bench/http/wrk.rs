//! wrk, the load: <https://github.com/wg/wrk>. What it counted comes as JSON from `bench/wrk.lua`.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::workload::Workload;
use crate::balancer::Balancer;
use crate::{command, repo, upstream};

/// wrk ends by itself a moment after its time; the connections of slow answers may keep it.
const GRACE: Duration = Duration::from_secs(30);

pub(super) struct Wrk {
    pub(super) version: String,
}

/// What one run counted.
#[derive(Debug, Deserialize)]
pub(super) struct Load {
    pub(super) requests: u64,
    pub(super) microseconds: u64,
    pub(super) p50_us: u64,
    pub(super) p99_us: u64,
    pub(super) p999_us: u64,
    connect: u64,
    read: u64,
    write: u64,
    status: u64,
    timeout: u64,
}

impl Load {
    pub(super) fn errors(&self) -> u64 {
        self.connect + self.read + self.write + self.status + self.timeout
    }
}

impl Wrk {
    pub(super) fn find() -> Result<Wrk> {
        let output = Command::new("wrk").arg("-v").output();
        let output =
            output.context("wrk is the load and is not installed: Debian's package `wrk`")?;
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        let version = said.strip_prefix("wrk ").unwrap_or_default();
        let version = version.split(' ').next().unwrap_or_default();
        Ok(Wrk {
            version: version.trim_start_matches("debian/").to_owned(),
        })
    }

    /// Keeps the load up for this time.
    pub(super) fn run(
        &self,
        balancer: &Balancer,
        workload: &Workload,
        time: Duration,
    ) -> Result<Load> {
        let (scheme, address) = if workload.tls {
            let address = balancer.tls_address.as_ref();
            ("https", address.context("the balancer has no TLS")?)
        } else {
            ("http", &balancer.address)
        };
        let path = upstream::path(workload.body_bytes, 0);
        let mut wrk = Command::new("wrk");
        wrk.args(["--threads", "1", "--timeout", "10s"]);
        wrk.arg("--connections")
            .arg(workload.connections.to_string());
        wrk.arg("--duration").arg(format!("{}s", time.as_secs()));
        wrk.arg("--script").arg(repo::root().join("bench/wrk.lua"));
        if !workload.keep_alive {
            wrk.args(["--header", "Connection: close"]);
        }
        wrk.arg(format!("{scheme}://{address}{path}"));
        let log = balancer.folder.join("wrk.log");
        let ended = command::run_limited(&mut wrk, time + GRACE, &log)?;
        ensure!(ended.code == Some(0), "wrk failed: {}", ended.output);
        let mut lines = ended.output.lines();
        let result = lines.find_map(|line| line.strip_prefix("result "));
        let result = result.with_context(|| format!("wrk said no result: {}", ended.output))?;
        serde_json::from_str(result).context("the result of wrk")
    }
}
