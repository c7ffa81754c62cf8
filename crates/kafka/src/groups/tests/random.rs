//! Random runs: clients that do anything at any time over a log that is slow, fails and lies about it, with crashes.
//!
//! `GROUPS_SEED=17 cargo test -p kafka random` replays one seed, `GROUPS_SEED=0..5000` runs many.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use base::Monotonic;

use super::super::*;
use super::checker::{Asked, Checker, Key, wall};
use super::clients::{Client, Phase, Rng};

const SEEDS: u64 = 120;
const STEPS: usize = 1_500;
const GROUPS: [&str; 2] = ["g", "h"];
/// What a checker looks at.
const COUNTED: [&str; 7] = [
    "assignments",
    "commits",
    "deletions",
    "fetches",
    "joins",
    "restarts",
    "stable groups",
];

#[test]
fn random_runs_keep_all_promises() {
    let asked = std::env::var("GROUPS_SEED").ok();
    let seeds = asked.as_deref().map_or(0..SEEDS, range);
    let mut counts = BTreeMap::new();
    for seed in seeds {
        let _replay = Replay(seed);
        let run = Run::new(seed).run();
        for (what, count) in run.checker.counts {
            *counts.entry(what).or_insert(0) += count;
        }
    }
    if asked.is_none() {
        let counted: Vec<&str> = counts.keys().copied().collect();
        assert_eq!(counted, COUNTED);
        for (what, count) in counts {
            assert!(count > 200, "only {count} {what}: the runs test too little");
        }
    }
}

/// `17` or `0..5000`.
fn range(asked: &str) -> Range<u64> {
    let number = |text: &str| text.parse::<u64>().expect("a number");
    match asked.split_once("..") {
        Some((from, to)) => number(from)..number(to),
        None => number(asked)..number(asked) + 1,
    }
}

/// Says how to replay a run that panics.
struct Replay(u64);

impl Drop for Replay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("replay with GROUPS_SEED={}", self.0);
        }
    }
}

struct Run {
    rng: Rng,
    coordinator: Coordinator,
    settings: Settings,
    now: Monotonic,
    life: u64,
    tokens: u64,
    /// Makes offsets and assignments different.
    serial: i64,
    writes: Vec<(Ticket, Vec<Entry>)>,
    clients: Vec<Client>,
    topics: [Topic; 2],
    /// How often clients do what nobody expects, in percent.
    unrest: u64,
    /// Members leave and nobody joins, so that groups are empty, and deleted, from time to time.
    is_closing: bool,
    checker: Checker,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut rng = Rng(seed);
        let settings = Settings {
            initial_rebalance_delay: Duration::from_millis(rng.pick(&[0, 0, 1_000])),
            group_size_max: rng.pick(&[3, 100]),
            offsets_retention: Duration::from_secs(40),
            offsets_retention_check_interval: Duration::from_secs(7),
            ..Settings::default()
        };
        let client = |n: usize| Client {
            group: GROUPS[n % 2],
            // Two processes believe that they are static member `s0`, and two that they are `s1`.
            instance_id: (n < 4).then(|| format!("s{}", n % 2)),
            member_id: String::new(),
            generation: -1,
            phase: Phase::Out,
            members: Vec::new(),
            token: None,
        };
        let topic = |id: u128| Topic {
            id: TopicId(id),
            name: format!("t{id}").into(),
        };
        let now = Monotonic(5_000);
        Self {
            coordinator: Restore::new().finish(settings.clone(), now),
            settings,
            now,
            unrest: rng.pick(&[1, 3, 15]),
            rng,
            life: 0,
            tokens: 0,
            serial: 0,
            writes: Vec::new(),
            clients: (0..6).map(client).collect(),
            topics: [topic(0), topic(1)],
            is_closing: false,
            checker: Checker::default(),
        }
    }

    fn run(mut self) -> Self {
        for step in 0..STEPS {
            if step % 100 == 0 {
                self.is_closing = self.rng.percent(20);
            }
            match self.rng.below(100) {
                0..40 => self.act(),
                40..65 => self.settle_one(),
                65..75 => self.operate(),
                75..98 => {
                    let ms = self.rng.pick(&[1, 10, 50, 200]);
                    self.pass(Duration::from_millis(ms));
                }
                98 => self.pass(Duration::from_secs(4)),
                _ if self.rng.percent(30) => self.restart(),
                _ => {}
            }
        }
        self.end();
        self
    }

    /// Everybody falls silent: everything is answered, and everything goes away.
    fn end(&mut self) {
        while !self.writes.is_empty() {
            self.finish(0, true, true);
        }
        for _ in 0..30 {
            self.pass(Duration::from_secs(10));
            while !self.writes.is_empty() {
                self.finish(0, true, true);
            }
        }
        assert_eq!(self.checker.waiting_len(), 0, "somebody is never answered");
        assert_eq!(
            self.coordinator.group_count(),
            0,
            "something is never forgotten"
        );
        assert_eq!(self.coordinator.bytes, 0, "the bytes are miscounted");
        assert_eq!(self.coordinator.deadline(), None);
        self.restart();
        assert_eq!(self.coordinator.group_count(), 0, "something comes back");
    }

    /// A client does the next thing, or something else.
    fn act(&mut self) {
        let n = usize::try_from(self.rng.below(self.clients.len() as u64)).expect("small");
        if self.rng.percent(self.unrest) {
            return self.act_up(n);
        }
        if self.rng.percent(20) {
            return self.commit(n);
        }
        match self.clients[n].phase {
            Phase::Out if self.is_closing => {}
            _ if self.is_closing => self.leave(n),
            Phase::Out => self.join(n),
            Phase::Joined => self.sync(n),
            Phase::Joining | Phase::Syncing if self.rng.percent(95) => {}
            Phase::Joining => self.join(n),
            Phase::Syncing => self.sync(n),
            Phase::In => self.heartbeat(n),
        }
    }

    /// A client does what nobody expects of it now.
    fn act_up(&mut self, n: usize) {
        match self.rng.below(4) {
            0 => {
                // The process dies; another one starts. Nobody reads its answers.
                let client = &mut self.clients[n];
                client.token = None;
                client.phase = Phase::Out;
                client.member_id.clear();
            }
            1 => self.leave(n),
            2 => self.join(n),
            _ => self.sync(n),
        }
    }

    fn join(&mut self, n: usize) {
        let offers: &[&[&str]] = &[&["range"], &["range", "sticky"], &["sticky", "range"]];
        let offer = offers[usize::from(self.rng.percent(20)) * (1 + n % 2)];
        let topic = if self.rng.percent(5) { "t1" } else { "t0" };
        let fresh_id = (u128::from(self.rng.next()) << 64) | u128::from(self.rng.next());
        let join = self.clients[n].join(n, offer, topic, fresh_id);
        let group = join.group.clone();
        self.clients[n].phase = Phase::Joining;
        self.send(
            Some(n),
            Request::Join(Box::new(join)),
            Asked::Join { group },
        );
    }

    fn sync(&mut self, n: usize) {
        self.serial += 1;
        let tag = self.serial;
        let forgets_one = self.rng.percent(10);
        let sync = self.clients[n].sync(tag, forgets_one);
        let asked = Asked::Sync {
            group: sync.group.clone(),
            member_id: sync.member_id.clone(),
            owner: sync.instance_id.clone().unwrap_or(sync.member_id.clone()),
            generation: sync.generation,
        };
        self.clients[n].phase = Phase::Syncing;
        self.send(Some(n), Request::Sync(sync), asked);
    }

    fn heartbeat(&mut self, n: usize) {
        let beat = self.clients[n].heartbeat();
        self.send(Some(n), Request::Heartbeat(beat), Asked::Other);
    }

    fn leave(&mut self, n: usize) {
        let is_by_instance = self.rng.percent(30);
        let leave = self.clients[n].leave(is_by_instance);
        self.send(None, Request::Leave(leave), Asked::Other);
    }

    /// A member commits one or two positions, or a simple consumer does.
    fn commit(&mut self, n: usize) {
        let is_simple = self.rng.percent(30);
        let group = self.clients[n].group;
        let mut offsets = Vec::new();
        let mut keys: Vec<(Key, i64)> = Vec::new();
        for _ in 0..=self.rng.below(2) {
            self.serial += 1;
            let topic = self.topics[usize::from(self.rng.percent(30))].clone();
            let partition = self.rng.pick(&[0, 1]);
            let key = (group.to_owned(), topic.id, partition);
            keys.retain(|(known, _)| *known != key);
            keys.push((key, self.serial));
            offsets.push(CommitOffset {
                topic,
                partition,
                offset: self.serial,
                leader_epoch: None,
                metadata: String::new(),
                timestamp: None,
            });
        }
        let commit = self.clients[n].commit(is_simple, offsets);
        self.send(None, Request::CommitOffsets(commit), Asked::Commit { keys });
    }

    /// Somebody looks at a group or takes something away.
    fn operate(&mut self) {
        let group = self.rng.pick(&GROUPS).to_owned();
        match self.rng.below(100) {
            0..50 => {
                let mut partitions = Vec::new();
                for topic in &self.topics {
                    partitions.extend([(topic.id, 0), (topic.id, 1)]);
                }
                let wanted = Wanted::Partitions(partitions);
                self.fetch(group, wanted);
            }
            50..70 => self.fetch(group, Wanted::All),
            70..88 => {
                let asked = Asked::Delete {
                    group: group.clone(),
                };
                self.send(None, Request::Delete(DeleteGroup { group }), asked);
            }
            88..96 => {
                let topic = self.rng.pick(&[0, 1]);
                let topic = self.topics[topic].clone();
                let offsets = vec![DeleteOffset {
                    topic,
                    partition: 0,
                }];
                let request = DeleteOffsets { group, offsets };
                self.send(None, Request::DeleteOffsets(request), Asked::Other);
            }
            _ => {
                // The topic is deleted and made again.
                let old = self.topics[1].id;
                self.topics[1].id = TopicId(old.0 + 1);
                self.input(Input::TopicsDeleted(vec![old]));
            }
        }
    }

    fn fetch(&mut self, group: String, wanted: Wanted) {
        let asked = Asked::Fetch {
            group: group.clone(),
        };
        self.send(
            None,
            Request::FetchOffsets(FetchOffsets { group, wanted }),
            asked,
        );
    }

    /// A write has an outcome: mostly the oldest, mostly a good one. A failed write may be in the log all the same.
    fn settle_one(&mut self) {
        if self.writes.is_empty() {
            return;
        }
        let len = self.writes.len() as u64;
        let index = if self.rng.percent(20) {
            self.rng.below(len)
        } else {
            0
        };
        let is_told = self.rng.percent(88);
        let is_written = is_told || self.rng.percent(50);
        self.finish(usize::try_from(index).expect("small"), is_written, is_told);
    }

    fn finish(&mut self, index: usize, is_written: bool, is_told: bool) {
        let (ticket, entries) = self.writes.remove(index);
        if is_written {
            self.checker.written((self.life, ticket), entries);
        }
        let outcome = match is_told {
            true => Ok(()),
            false => Err(WriteFailed::Unavailable),
        };
        self.input(Input::Persisted { ticket, outcome });
    }

    /// A crash, or an orderly move to another node. Of what was under way anything may be in the log.
    fn restart(&mut self) {
        if self.rng.percent(30) {
            self.input(Input::Resign);
            assert_eq!(self.checker.waiting_len(), 0, "somebody is not sent on");
        }
        for (ticket, entries) in std::mem::take(&mut self.writes) {
            if self.rng.percent(50) {
                let cut = self.rng.below(entries.len() as u64 + 1);
                let cut = if self.rng.percent(20) {
                    cut
                } else {
                    entries.len() as u64
                };
                let some = entries
                    .into_iter()
                    .take(usize::try_from(cut).expect("small"));
                self.checker.written((self.life, ticket), some.collect());
            }
        }
        self.checker.crashed();
        let mut restore = Restore::new();
        for entry in self.checker.entries() {
            restore.apply(entry.clone()).expect("our own entries");
        }
        self.coordinator = restore.finish(self.settings.clone(), self.now);
        self.life += 1;
        for client in &mut self.clients {
            // A lost answer: the client asks again.
            if client.token.take().is_some() {
                client.phase = match client.phase {
                    Phase::Joining => Phase::Out,
                    Phase::Syncing => Phase::Joined,
                    other => other,
                };
            }
        }
        for group in GROUPS {
            let request = FetchOffsets {
                group: group.to_owned(),
                wanted: Wanted::All,
            };
            if let Reply::FetchOffsets(fetched) = self.peek(Request::FetchOffsets(request)) {
                self.checker.restored(group, &fetched);
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        let mut ticks = 0;
        while let Some(at) = self.coordinator.deadline().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.input(Input::Tick);
            ticks += 1;
            assert!(ticks < 10_000, "the deadline does not move on");
        }
        self.now = until;
        self.look();
    }

    fn send(&mut self, client: Option<usize>, request: Request, asked: Asked) {
        self.tokens += 1;
        let token = Token(self.tokens);
        self.checker.asked(token, asked);
        if let Some(n) = client {
            self.clients[n].token = Some(token);
        }
        self.input(Input::Request { token, request });
    }

    /// Asks something outside of the protocol of the run, which changes nothing.
    fn peek(&mut self, request: Request) -> Reply {
        let token = Token(0);
        let mut effects = Vec::new();
        let input = Input::Request { token, request };
        self.coordinator
            .handle(self.now, wall(self.now), input, &mut effects);
        match effects.pop() {
            Some(Effect::Reply { reply, .. }) if effects.is_empty() => reply,
            other => panic!("{other:?}"),
        }
    }

    fn input(&mut self, input: Input) {
        let mut effects = Vec::new();
        self.coordinator
            .handle(self.now, wall(self.now), input, &mut effects);
        for effect in effects {
            match effect {
                Effect::Persist { ticket, entries } => self.writes.push((ticket, entries)),
                Effect::Reply { token, reply } => {
                    let asked = self.checker.replied(self.life, token, &reply);
                    let reader = self.clients.iter().position(|c| c.token == Some(token));
                    if let Some(n) = reader {
                        self.clients[n].token = None;
                        self.clients[n].learn(&asked, reply);
                    }
                }
            }
        }
        self.look();
    }

    fn look(&mut self) {
        let Reply::List(listed) = self.peek(Request::List(List::default())) else {
            panic!("a list");
        };
        assert!(listed.len() <= GROUPS.len());
        self.checker.listed(self.now, &listed);
        for group in GROUPS {
            let request = Describe {
                group: group.to_owned(),
            };
            if let Reply::Describe(Ok(described)) = self.peek(Request::Describe(request)) {
                self.checker.described(group, &described);
            }
        }
    }
}
