//! Which peer a real nginx chooses, and which one the balancer chooses for the same requests: choice by choice.
//!
//! One nginx with one worker serves every case as a location of its own and tells the peers that it tried. The balancer
//! predicts them, retries included. Dead peers refuse connections; no time of failure ends during a run, because nginx
//! counts whole seconds. `random` cannot be predicted and is left out.

mod case;
mod nginx;
mod peers;
mod predict;

use std::net::IpAddr;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::results::{self, Provenance};
use case::{CASES, Case};
use nginx::Nginx;
use peers::Peers;
use predict::Prediction;

/// Arguments of `cargo xtask picks`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The nginx to compare with.
    #[arg(long, env = "NGINX_BINARY", default_value = "nginx")]
    nginx: PathBuf,
    /// Requests for each case.
    #[arg(long, default_value_t = 2000)]
    requests: u32,
}

/// What `bench/results/picks.json` holds.
#[derive(Serialize, Deserialize)]
struct Results {
    provenance: Provenance,
    cases: Vec<Compared>,
}

/// One case in which every choice was the same.
#[derive(Serialize, Deserialize)]
struct Compared {
    method: String,
    servers: String,
    requests: u32,
    /// Choices, those after a failure included.
    choices: usize,
}

/// A request as the algorithms see it.
struct Request {
    key: String,
    client: IpAddr,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let peers = Peers::start()?;
    let mut nginx = Nginx::start(&args.nginx, &nginx::configuration(CASES, &peers))?;
    let mut cases = Vec::new();
    for (index, case) in CASES.iter().enumerate() {
        let choices = compare(index, case, &peers, &mut nginx, args.requests)?;
        println!(
            "picks: {} [{}]: {} requests, {choices} choices, all equal",
            case.directive, case.servers, args.requests
        );
        cases.push(Compared {
            method: case.directive.to_owned(),
            servers: case.servers.to_owned(),
            requests: args.requests,
            choices,
        });
    }
    let versions = vec![("nginx".to_owned(), nginx.version.clone())];
    results::write(
        "picks",
        &Results {
            provenance: Provenance::now("picks", versions)?,
            cases,
        },
    )
}

/// Returns how many choices were the same; fails at the first that was not.
fn compare(
    index: usize,
    case: &Case,
    peers: &Peers,
    nginx: &mut Nginx,
    requests: u32,
) -> Result<usize> {
    let mut prediction = Prediction::new(case, index, peers);
    let mut draws = 0x2545_f491_4f6c_dd1d_u64;
    let mut choices = 0;
    for number in 0..requests {
        let request = request(&mut draws);
        let chosen = nginx.ask(index, &request)?;
        let predicted = prediction.of(&request);
        ensure!(
            chosen == predicted,
            "{} [{}]: request {number} (key {}, client {}) went to {chosen}; predicted {predicted}",
            case.directive,
            case.servers,
            request.key,
            request.client,
        );
        choices += chosen.split(", ").count();
    }
    Ok(choices)
}

/// Some key and some address, the same ones in each run.
fn request(draws: &mut u64) -> Request {
    let mut draw = || {
        *draws ^= *draws << 13;
        *draws ^= *draws >> 7;
        *draws ^= *draws << 17;
        *draws
    };
    let (high, low) = (draw(), draw());
    let client = if high.is_multiple_of(3) {
        IpAddr::from((u128::from(high) << 64 | u128::from(low)).to_be_bytes())
    } else {
        IpAddr::from([
            high.to_be_bytes()[0] % 200 + 1,
            low.to_be_bytes()[1],
            low.to_be_bytes()[2],
            7,
        ])
    };
    Request {
        // One request in 16 has no key: those go round robin.
        key: if low.is_multiple_of(16) {
            String::new()
        } else {
            format!("{:x}", draw() >> (low % 60))
        },
        client,
    }
}
