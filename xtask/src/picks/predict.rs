//! What the balancer would choose.

use std::time::Duration;

use balancer::retry::{Progress, Rules};
use balancer::{Ask, Failure, Outcome, ServerSpec, Tried, Upstream, UpstreamSpec, Verdict};
use base::Monotonic;

use super::Request;
use super::case::Case;
use super::peers::Peers;

/// The moment at which all of a case's requests happen.
const NOW: Monotonic = Monotonic(1_000_000_000);

/// Longer than any run, so that nothing recovers.
pub(crate) const FAIL_TIMEOUT: Duration = Duration::from_secs(100_000);

pub(crate) struct Prediction<'a> {
    upstream: Upstream,
    peers: &'a Peers,
    tried: Tried,
}

impl<'a> Prediction<'a> {
    pub(crate) fn new(case: &Case, index: usize, peers: &'a Peers) -> Self {
        let servers = case.servers.split(';');
        let servers = servers.map(|line| server(line, peers)).collect();
        let spec = UpstreamSpec {
            method: case.method,
            ..UpstreamSpec::new(format!("c{index}"), servers)
        };
        Self {
            upstream: Upstream::new(spec, NOW),
            peers,
            tried: Tried::default(),
        }
    }

    /// The addresses that the request would be sent to, as `$upstream_addr` shows them.
    pub(crate) fn of(&mut self, request: &Request) -> String {
        let rules = Rules::default();
        let mut attempts = rules.begin(self.upstream.tries(), NOW);
        let ask = Ask {
            key: request.key.as_bytes(),
            client: Some(request.client),
            random: 0,
        };
        self.tried.clear();
        let mut names: Vec<String> = Vec::new();
        loop {
            let Ok(choice) = self.upstream.pick(&ask, &mut self.tried, NOW) else {
                names.push(self.upstream.name().to_string());
                break;
            };
            names.push(choice.name.to_string());
            let dead = self.peers.is_dead(&choice.address);
            let verdict = if dead {
                Verdict::Failed(Failure::Connect)
            } else {
                Verdict::Served
            };
            self.upstream.report(choice, &Outcome::new(verdict), NOW);
            if !dead || !attempts.again(&rules, Failure::Connect, UNSENT, NOW) {
                break;
            }
        }
        names.join(", ")
    }
}

/// No byte goes out to a peer that refuses the connection.
const UNSENT: Progress = Progress {
    idempotent: true,
    sent: false,
    body_gone: false,
    answered: false,
};

fn server(line: &str, peers: &Peers) -> ServerSpec {
    let mut words = line.split_whitespace();
    let (name, address) = peers.server(words.next().unwrap_or_default());
    let mut server = ServerSpec::new(name, vec![address.clone()]);
    server.fail_timeout = FAIL_TIMEOUT;
    for word in words {
        let (key, value) = word.split_once('=').unwrap_or((word, "0"));
        let number = value.parse().unwrap_or_default();
        match key {
            "weight" => server.weight = number,
            "max_fails" => server.max_fails = number,
            "backup" => server.backup = true,
            "down" => server.down = true,
            "drain" => server.drain = true,
            _ => {}
        }
    }
    server
}
