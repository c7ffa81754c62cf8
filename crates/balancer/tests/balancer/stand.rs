//! A group in words, and requests that report what they are told to.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use balancer::{
    Address, Ask, Change, Choice, Failure, Method, Outcome, ServerSpec, Tried, Upstream,
    UpstreamSpec, Verdict,
};
use base::Monotonic;

/// `"a weight=5; b backup"`: the names are letters, and name the peers of 127.0.0.1:1, :2, ….
pub(crate) fn spec(method: Method, servers: &str) -> UpstreamSpec {
    let servers = servers.split(';').map(|line| server(line.trim())).collect();
    UpstreamSpec {
        method,
        ..UpstreamSpec::new("u", servers)
    }
}

fn server(line: &str) -> ServerSpec {
    let mut words = line.split(' ');
    let name = words.next().unwrap();
    let mut server = ServerSpec::new(name, vec![address(name)]);
    for word in words {
        let (key, value) = word.split_once('=').unwrap_or((word, "0"));
        let number: u32 = value.parse().unwrap();
        match key {
            "weight" => server.weight = number,
            "max_conns" => server.max_conns = number,
            "max_fails" => server.max_fails = number,
            "fail_timeout" => server.fail_timeout = Duration::from_secs(number.into()),
            "slow_start" => server.slow_start = Duration::from_secs(number.into()),
            "backup" => server.backup = true,
            "down" => server.down = true,
            "drain" => server.drain = true,
            "resolve" => {
                server.resolve = true;
                server.addresses.clear();
            }
            other => panic!("no parameter {other}"),
        }
    }
    server
}

/// The address of a letter.
pub(crate) fn address(name: &str) -> Address {
    let port = u16::from(name.as_bytes()[0] - b'a' + 1);
    Address::Ip(SocketAddr::from(([127, 0, 0, 1], port)))
}

/// A group and its clock.
pub(crate) struct Stand {
    pub(crate) upstream: Upstream,
    pub(crate) now: Monotonic,
    pub(crate) random: u64,
}

impl Stand {
    pub(crate) fn new(method: Method, servers: &str) -> Self {
        Self::of(spec(method, servers))
    }

    pub(crate) fn of(spec: UpstreamSpec) -> Self {
        assert_eq!(spec.check(), []);
        let now = Monotonic(1_000_000);
        Self {
            upstream: Upstream::new(spec, now),
            now,
            random: 1,
        }
    }

    pub(crate) fn wait(&mut self, ms: u64) {
        self.now = self.now + Duration::from_millis(ms);
    }

    pub(crate) fn ask(
        &mut self,
        key: &str,
        client: Option<IpAddr>,
        tried: &mut Tried,
    ) -> Option<Choice> {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(99);
        let ask = Ask {
            key: key.as_bytes(),
            client,
            random: self.random,
        };
        self.upstream.pick(&ask, tried, self.now).ok()
    }

    pub(crate) fn pick(&mut self) -> Option<Choice> {
        self.ask("", None, &mut Tried::default())
    }

    pub(crate) fn served(&self, choice: Choice) -> Option<Change> {
        self.upstream
            .report(choice, &Outcome::new(Verdict::Served), self.now)
    }

    pub(crate) fn failed(&self, choice: Choice) -> Option<Change> {
        let outcome = Outcome::new(Verdict::Failed(Failure::Error));
        self.upstream.report(choice, &outcome, self.now)
    }

    /// One request on which the servers of `dead` fail: the names of those it tried, `-` where none was left.
    pub(crate) fn request(&mut self, key: &str, client: Option<IpAddr>, dead: &str) -> String {
        let mut tried = Tried::default();
        let mut names = String::new();
        for _ in 0..self.upstream.tries() {
            let Some(choice) = self.ask(key, client, &mut tried) else {
                return names + "-";
            };
            names.push_str(&choice.server);
            if !dead.contains(&*choice.server) {
                self.served(choice);
                return names;
            }
            self.failed(choice);
        }
        names
    }

    /// So many requests one after the other, with a space between what they tried.
    pub(crate) fn requests(&mut self, number: usize, dead: &str) -> String {
        let all: Vec<_> = (0..number).map(|_| self.request("", None, dead)).collect();
        all.join(" ")
    }

    pub(crate) fn conns(&self) -> Vec<u32> {
        let peers = self.upstream.snapshot().into_iter();
        peers.map(|peer| peer.conns).collect()
    }
}
