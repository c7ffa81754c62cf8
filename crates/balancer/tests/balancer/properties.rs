//! On many seeds: whatever happens, counts are exact and no peer is used that must not be.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use balancer::{
    Choice, Failure, Method, Outcome, PeerId, PeerSnapshot, Resolved, State, Tried, Upstream,
    Verdict,
};
use base::Monotonic;

use crate::stand::{Stand, address, spec};

const METHODS: [Method; 7] = [
    Method::RoundRobin,
    Method::LeastConn,
    Method::IpHash,
    Method::Hash { consistent: false },
    Method::Hash { consistent: true },
    Method::Random { two: false },
    Method::Random { two: true },
];

/// `fail_timeout` of every peer here.
const ASIDE: Duration = Duration::from_secs(1);

struct Draws(u64);

impl Draws {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}

/// One request: what it holds and what it has tried. Its choice may belong to an older generation of the group.
#[derive(Default)]
struct Request {
    tried: Tried,
    names: BTreeSet<PeerId>,
    held: Option<(usize, Choice)>,
}

struct Run {
    stand: Stand,
    older: Vec<Upstream>,
    draws: Draws,
    servers: String,
    method: Method,
    /// When each peer's window began: by a failure that counts, or by a probe.
    windows: BTreeMap<PeerId, Monotonic>,
    picks: u64,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut draws = Draws(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let method = *draws.of(&METHODS);
        let mut servers = vec!["r resolve fail_timeout=1".to_owned()];
        for letter in 'a'..='d' {
            let (weight, fails, conns) = (draws.below(4) + 1, draws.below(3), draws.below(5));
            let backup = matches!(method, Method::RoundRobin | Method::LeastConn)
                && letter != 'a'
                && draws.below(4) == 0;
            let rest = draws.of(&["", "", "", "", "", "", " down", " drain"]);
            let backup = if backup { " backup" } else { "" };
            servers.push(format!(
                "{letter} weight={weight} max_fails={fails} max_conns={conns} fail_timeout=1{rest}{backup}"
            ));
        }
        let servers = servers.join(";");
        Self {
            stand: Stand::new(method, &servers),
            older: Vec::new(),
            draws,
            servers,
            method,
            windows: BTreeMap::new(),
            picks: 0,
        }
    }

    fn step(&mut self, request: &mut Request) {
        match self.draws.below(100) {
            0..60 if request.held.is_none() => self.pick(request),
            0..60 => self.report(request),
            60..63 => *request = Request::default(),
            63..90 => {
                let ms = self.draws.below(400);
                self.stand.wait(ms);
            }
            90..95 => self.resolve(),
            95 => self.reload(),
            _ => {}
        }
    }

    fn pick(&mut self, request: &mut Request) {
        let before = self.stand.upstream.snapshot();
        let key = self.draws.below(50).to_string();
        let single = before.len() == 1;
        let Some(choice) = self.stand.ask(&key, None, &mut request.tried) else {
            self.check_none(&before, request);
            return;
        };
        self.picks += 1;
        let peer = before.iter().find(|peer| peer.peer == choice.peer).unwrap();
        let allowed = matches!(peer.state, State::Up | State::Unavailable);
        assert!(allowed, "{peer:?}");
        assert!(peer.max_conns == 0 || peer.conns < peer.max_conns);
        assert!(
            single || request.names.insert(choice.peer),
            "tried twice: {peer:?}"
        );
        if peer.state == State::Unavailable && !single {
            let window = self.windows.insert(choice.peer, self.stand.now);
            assert!(
                window.is_some_and(|window| self.stand.now - window > ASIDE),
                "a herd"
            );
        }
        request.held = Some((self.older.len(), choice));
    }

    /// Nothing was to be had: then there is nothing that is up, has room, and was not tried.
    fn check_none(&self, peers: &[PeerSnapshot], request: &Request) {
        for peer in peers {
            let room = peer.max_conns == 0 || peer.conns < peer.max_conns;
            let free = room && !request.names.contains(&peer.peer);
            assert!(!(free && peer.state == State::Up), "{peer:?} was free");
        }
    }

    fn report(&mut self, request: &mut Request) {
        let (generation, choice) = request.held.take().unwrap();
        let verdict = match self.draws.below(10) {
            0..4 => Verdict::Served,
            4 => Verdict::PassedOn,
            5 => Verdict::Abandoned,
            6 => return, // The choice is dropped: a task that was cancelled.
            7 => Verdict::Failed(Failure::Stale),
            _ => Verdict::Failed(Failure::Timeout),
        };
        let of = self.older.get(generation).unwrap_or(&self.stand.upstream);
        if generation == self.older.len() && verdict == Verdict::Failed(Failure::Timeout) {
            self.windows.insert(choice.peer, self.stand.now);
        }
        of.report(choice, &Outcome::new(verdict), self.stand.now);
        if !matches!(verdict, Verdict::Failed(_)) {
            *request = Request::default();
        }
    }

    fn resolve(&mut self) {
        let letters = ["e", "f", "g", "h"];
        let new: Vec<_> = letters
            .iter()
            .filter(|_| self.draws.below(2) == 0)
            .map(|letter| Resolved::plain(address(letter)))
            .collect();
        self.stand.upstream.set_addresses(0, &new, self.stand.now);
    }

    fn reload(&mut self) {
        let new = Upstream::new(spec(self.method, &self.servers), self.stand.now);
        new.inherit(&self.stand.upstream, self.stand.now);
        self.older
            .push(std::mem::replace(&mut self.stand.upstream, new));
    }
}

#[test]
fn counts_are_exact_and_no_peer_is_used_that_must_not_be() {
    for seed in 1..=400 {
        let mut run = Run::new(seed);
        let mut requests: Vec<_> = (0..6).map(|_| Request::default()).collect();
        for step in 0..400 {
            run.step(&mut requests[step % 6]);
        }
        drop(requests);
        assert!(run.picks > 20, "seed {seed}: {}", run.servers);
        for upstream in run.older.iter().chain([&run.stand.upstream]) {
            for peer in upstream.snapshot() {
                assert_eq!(peer.conns, 0, "seed {seed}: {peer:?}");
            }
        }
    }
}
