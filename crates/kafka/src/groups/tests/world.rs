//! A driver for tests: time by hand, a log in memory, and whoever asked what.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use base::{Monotonic, Timestamp};
use bytes::Bytes;

use super::super::*;
use super::requests::{GROUP, commit, join, static_join, sync, topic};

/// A coordinator, its log, and the answers that it gave.
pub(super) struct World {
    pub(super) settings: Settings,
    pub(super) coordinator: Coordinator,
    pub(super) now: Monotonic,
    pub(super) wall: Timestamp,
    /// What is durable, in the order of writing.
    pub(super) log: Vec<Entry>,
    /// Writes without an outcome, while `is_slow`.
    pub(super) writes: VecDeque<(Ticket, Vec<Entry>)>,
    /// Writes wait for `succeed` or `fail`; else they succeed at once.
    pub(super) is_slow: bool,
    replies: BTreeMap<Token, Reply>,
    tokens: u64,
    fresh_id: u128,
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(Settings::default())
    }

    /// Without the delay of the first rebalance, which most scenarios are not about.
    pub(super) fn prompt() -> Self {
        Self::with(Settings {
            initial_rebalance_delay: Duration::ZERO,
            ..Settings::default()
        })
    }

    pub(super) fn with(settings: Settings) -> Self {
        let now = Monotonic(1_000);
        Self {
            coordinator: Restore::new().finish(settings.clone(), now),
            settings,
            now,
            wall: Timestamp(1_700_000_000_000),
            log: Vec::new(),
            writes: VecDeque::new(),
            is_slow: false,
            replies: BTreeMap::new(),
            tokens: 0,
            fresh_id: 0,
        }
    }

    /// Asks something; the answer may come later.
    pub(super) fn send(&mut self, request: Request) -> Token {
        self.tokens += 1;
        let token = Token(self.tokens);
        self.input(Input::Request { token, request });
        token
    }

    /// Takes the answer to a request.
    pub(super) fn reply(&mut self, token: Token) -> Reply {
        let reply = self.replies.remove(&token);
        reply.unwrap_or_else(|| panic!("{token:?} is not answered"))
    }

    pub(super) fn is_waiting(&self, token: Token) -> bool {
        !self.replies.contains_key(&token)
    }

    /// Asks something that is answered at once.
    pub(super) fn ask(&mut self, request: Request) -> Reply {
        let token = self.send(request);
        self.reply(token)
    }

    pub(super) fn input(&mut self, input: Input) {
        let mut effects = Vec::new();
        self.coordinator
            .handle(self.now, self.wall, input, &mut effects);
        for effect in effects {
            match effect {
                Effect::Reply { token, reply } => {
                    let previous = self.replies.insert(token, reply);
                    assert_eq!(previous, None, "{token:?} is answered twice");
                }
                Effect::Persist { ticket, entries } => {
                    assert!(!entries.is_empty());
                    self.writes.push_back((ticket, entries));
                }
            }
        }
        if !self.is_slow {
            self.succeed_all();
        }
    }

    pub(super) fn succeed_all(&mut self) {
        while !self.writes.is_empty() {
            self.succeed();
        }
    }

    /// The oldest write becomes durable.
    pub(super) fn succeed(&mut self) {
        let (ticket, entries) = self.writes.pop_front().expect("a write");
        self.log.extend(entries);
        let outcome = Ok(());
        self.input(Input::Persisted { ticket, outcome });
    }

    /// The oldest write fails.
    pub(super) fn fail(&mut self) {
        let (ticket, _) = self.writes.pop_front().expect("a write");
        let outcome = Err(WriteFailed::Unavailable);
        self.input(Input::Persisted { ticket, outcome });
    }

    /// Lets time pass, with a tick at every deadline.
    pub(super) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        let mut ticks = 0;
        while let Some(at) = self.coordinator.deadline().filter(|at| *at <= until) {
            self.move_to(at.max(self.now));
            self.input(Input::Tick);
            ticks += 1;
            assert!(ticks < 1_000_000, "the deadline does not move on");
        }
        self.move_to(until);
    }

    pub(super) fn pass_ms(&mut self, ms: u64) {
        self.pass(Duration::from_millis(ms));
    }

    fn move_to(&mut self, at: Monotonic) {
        let passed = i64::try_from((at - self.now).as_millis()).expect("short");
        self.wall = Timestamp(self.wall.0 + passed);
        self.now = at;
    }

    /// The process dies and comes back with what is durable. Nobody who waited is answered.
    pub(super) fn restart(&mut self) {
        self.writes.clear();
        let mut restore = Restore::new();
        for entry in &self.log {
            restore.apply(entry.clone()).expect("our own entries");
        }
        self.coordinator = restore.finish(self.settings.clone(), self.now);
    }

    pub(super) fn fresh_id(&mut self) -> u128 {
        self.fresh_id += 1;
        self.fresh_id
    }

    /// A dynamic member joins, in both steps; its join waits.
    pub(super) fn join(&mut self, client: &str) -> (String, Token) {
        let fresh_id = self.fresh_id();
        let request = Join {
            fresh_id,
            ..join(client)
        };
        let refused = match self.ask(Request::Join(Box::new(request.clone()))) {
            Reply::Join(Err(refused)) => refused,
            other => panic!("{other:?}"),
        };
        assert_eq!(refused.error, Error::MemberIdRequired);
        let member_id = refused.member_id;
        let token = self.rejoin(Join {
            member_id: member_id.clone(),
            ..request
        });
        (member_id, token)
    }

    /// Sends a join as it stands.
    pub(super) fn rejoin(&mut self, join: Join) -> Token {
        self.send(Request::Join(Box::new(join)))
    }

    /// A static member joins with an empty member id; its join waits.
    pub(super) fn join_static(&mut self, instance: &str) -> Token {
        let fresh_id = self.fresh_id();
        self.rejoin(Join {
            fresh_id,
            ..static_join(instance)
        })
    }

    pub(super) fn joined(&mut self, token: Token) -> Joined {
        match self.reply(token) {
            Reply::Join(Ok(joined)) => joined,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn join_refused(&mut self, token: Token) -> Error {
        match self.reply(token) {
            Reply::Join(Err(refused)) => refused.error,
            other => panic!("{other:?}"),
        }
    }

    /// Sends a sync; the leader's has an assignment for each of the given members.
    pub(super) fn sync(
        &mut self,
        member_id: &str,
        generation: i32,
        given: &[(&str, &str)],
    ) -> Token {
        let assignment = |(id, bytes): &(&str, &str)| {
            ((*id).to_owned(), Bytes::copy_from_slice(bytes.as_bytes()))
        };
        self.send(Request::Sync(Sync {
            assignments: given.iter().map(assignment).collect(),
            ..sync(member_id, generation)
        }))
    }

    /// The assignment in the answer to a sync.
    pub(super) fn synced(&mut self, token: Token) -> Result<String, Error> {
        match self.reply(token) {
            Reply::Sync(synced) => {
                synced.map(|s| String::from_utf8(s.assignment.into()).expect("a string"))
            }
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn heartbeat(&mut self, member_id: &str, generation: i32) -> Result<(), Error> {
        let beat = Heartbeat {
            group: GROUP.to_owned(),
            member_id: member_id.to_owned(),
            instance_id: None,
            generation,
        };
        match self.ask(Request::Heartbeat(beat)) {
            Reply::Heartbeat(outcome) => outcome,
            other => panic!("{other:?}"),
        }
    }

    /// Members leave; the answer may wait for a write.
    pub(super) fn leave(&mut self, members: &[(&str, Option<&str>)]) -> Token {
        let leaver = |(id, instance): &(&str, Option<&str>)| Leaver {
            member_id: (*id).to_owned(),
            instance_id: instance.map(str::to_owned),
            reason: Some("because".to_owned()),
        };
        self.send(Request::Leave(Leave {
            group: GROUP.to_owned(),
            members: members.iter().map(leaver).collect(),
        }))
    }

    pub(super) fn left(&mut self, token: Token) -> Vec<Option<Error>> {
        match self.reply(token) {
            Reply::Leave(Ok(left)) => left.into_iter().map(|left| left.error).collect(),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn describe(&mut self) -> Result<Described, Error> {
        let group = GROUP.to_owned();
        match self.ask(Request::Describe(Describe { group })) {
            Reply::Describe(described) => described,
            other => panic!("{other:?}"),
        }
    }

    /// `Dead` where the group is unknown.
    pub(super) fn state(&mut self) -> State {
        self.describe().map_or(State::Dead, |d| d.state)
    }

    /// A simple consumer commits an offset for a partition of topic `t`.
    pub(super) fn commit(&mut self, partition: i32, offset: i64) -> Token {
        self.send(Request::CommitOffsets(commit("", -1, partition, offset)))
    }

    /// What the answer to a commit of one partition says.
    pub(super) fn committed(&mut self, token: Token) -> Result<(), Error> {
        match self.reply(token) {
            Reply::CommitOffsets(Ok(outcomes)) => {
                assert_eq!(outcomes.len(), 1);
                outcomes[0].error.map_or(Ok(()), Err)
            }
            Reply::CommitOffsets(Err(error)) => Err(error),
            other => panic!("{other:?}"),
        }
    }

    /// The offset that is stored for a partition of topic `t`.
    pub(super) fn fetch(&mut self, partition: i32) -> Option<i64> {
        let wanted = Wanted::Partitions(vec![(topic().id, partition)]);
        let fetched = self.fetch_offsets(wanted);
        fetched[0].position.as_ref().map(|position| position.offset)
    }

    pub(super) fn fetch_offsets(&mut self, wanted: Wanted) -> Vec<CommittedOffset> {
        let group = GROUP.to_owned();
        match self.ask(Request::FetchOffsets(FetchOffsets { group, wanted })) {
            Reply::FetchOffsets(fetched) => fetched,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn delete(&mut self) -> Token {
        let group = GROUP.to_owned();
        self.send(Request::Delete(DeleteGroup { group }))
    }

    pub(super) fn deleted(&mut self, token: Token) -> Result<(), Error> {
        match self.reply(token) {
            Reply::Delete(outcome) => outcome,
            other => panic!("{other:?}"),
        }
    }

    /// A stable group of dynamic members, in generation 1 if it is new; each one's assignment is its client id. The
    /// first one leads.
    pub(super) fn stable(&mut self, clients: &[&str]) -> Vec<String> {
        let waiting: Vec<(String, Token)> =
            clients.iter().map(|client| self.join(client)).collect();
        // Whoever came after the first one has made the delay longer once.
        self.pass(2 * self.settings.initial_rebalance_delay);
        let ids: Vec<String> = waiting.iter().map(|(id, _)| id.clone()).collect();
        let tokens: Vec<Token> = waiting.iter().map(|(_, token)| *token).collect();
        self.complete(clients, &ids, &tokens);
        ids
    }

    /// Takes the answers to joins and has everybody sync.
    pub(super) fn complete(&mut self, clients: &[&str], ids: &[String], joins: &[Token]) {
        let joined: Vec<Joined> = joins.iter().map(|token| self.joined(*token)).collect();
        let given: Vec<(&str, &str)> = ids
            .iter()
            .map(String::as_str)
            .zip(clients.iter().copied())
            .collect();
        let mut syncs = Vec::new();
        for joined in &joined {
            let is_leader = joined.leader == joined.member_id;
            let given = if is_leader { given.as_slice() } else { &[] };
            syncs.push(self.sync(&joined.member_id, joined.generation, given));
        }
        for (token, client) in syncs.into_iter().zip(clients) {
            assert_eq!(self.synced(token), Ok((*client).to_owned()));
        }
        assert_eq!(self.state(), State::Stable);
    }
}
