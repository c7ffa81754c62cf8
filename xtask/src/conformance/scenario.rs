//! The scenario that every client goes through, and its judge.
//!
//! Messages in every codec; a group of two; one member is killed and the other takes over; it commits; more
//! messages; the server is killed and started again; a new member of the group goes on where the commit was.
//! The clients only report what they see: whether that is right is decided here.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::clients::Program;
use super::fresh_data;
use super::member::{Member, Record};
use crate::client::Client;
use crate::results::{Outcome, Test};
use crate::server::{Kind, Server, Spec};

pub(super) const CODECS: &[&str] = &["none", "gzip", "snappy", "lz4", "zstd"];

const PARTITIONS: i32 = 4;

/// Messages in each round; a multiple of the partitions.
const ROUND: u32 = 100;

/// Joining takes some seconds in some clients; a dead member is noticed after its session timeout of 6 s.
const LIMIT: Duration = Duration::from_secs(60);

/// How long a reader is watched for what it should not read.
const QUIET: Duration = Duration::from_secs(2);

const TOPIC: &str = "conformance";

/// Runs the scenario on a fresh server; an error is only what keeps the harness itself from working.
pub(super) fn run(
    kind: Kind,
    name: &str,
    subject: &str,
    program: &Program,
    codecs: &[&str],
) -> Result<Vec<Test>> {
    let spec = Spec::new(kind, fresh_data(&format!("{name}-{}", kind.word()))?)?;
    let server = Server::start(&spec)?;
    Client::connect(&server.address())?.create_topic(TOPIC, PARTITIONS)?;
    let mut scenario = Scenario {
        program,
        name,
        bootstrap: spec.address(),
        sent: BTreeMap::new(),
        tests: Vec::new(),
        subject,
    };
    for codec in CODECS {
        scenario.codec(codec, codecs.contains(codec));
    }
    scenario.groups(server, &spec);
    Ok(scenario.tests)
}

struct Scenario<'a> {
    program: &'a Program,
    name: &'a str,
    subject: &'a str,
    bootstrap: String,
    /// Index of each acknowledged message, with its codec and partition, and its offset where it is known.
    sent: BTreeMap<u32, Sent>,
    tests: Vec<Test>,
}

struct Sent {
    codec: String,
    partition: i32,
    offset: Option<i64>,
}

impl Scenario<'_> {
    /// Notes how a step ended; `None` if it failed, so that later steps can be left out.
    fn step<T>(&mut self, name: &str, started: Instant, result: Result<T>) -> Option<T> {
        let (outcome, detail) = match &result {
            Ok(_) => (Outcome::Passed, None),
            Err(error) => (Outcome::Failed, Some(format!("{error:#}"))),
        };
        self.tests.push(Test {
            subject: Some(self.subject.to_owned()),
            name: name.to_owned(),
            outcome,
            seconds: started.elapsed().as_secs_f64(),
            detail,
        });
        result.ok()
    }

    fn skip(&mut self, name: &str, detail: &str) {
        self.tests.push(Test {
            subject: Some(self.subject.to_owned()),
            name: name.to_owned(),
            outcome: Outcome::Skipped,
            seconds: 0.0,
            detail: Some(detail.to_owned()),
        });
    }

    /// One round in one codec, read back by a lone reader of its own group.
    fn codec(&mut self, codec: &str, supported: bool) {
        if !supported {
            return self.skip(codec, "the client does not know this codec");
        }
        let started = Instant::now();
        let result = self.produce(codec).and_then(|()| {
            let reader = self.join(&format!("reader-{codec}"), &format!("group-{codec}"))?;
            self.read_everything(reader)?.kill()
        });
        self.step(codec, started, result);
    }

    /// Sends the next round of messages; each must be acknowledged.
    fn produce(&mut self, codec: &str) -> Result<()> {
        let first = self.sent.last_key_value().map_or(0, |(index, _)| index + 1);
        let (from, count) = (first.to_string(), ROUND.to_string());
        let arguments = ["produce", &self.bootstrap, TOPIC, codec, &from, &count];
        let name = format!("{}-produce-{codec}", self.name);
        let producer = Member::start(self.program, &name, &arguments)?.finish(LIMIT)?;
        let acked = producer.acked.len();
        ensure!(
            acked == usize::try_from(ROUND)?,
            "{acked} of {ROUND} messages were acknowledged"
        );
        for (index, (partition, offset)) in &producer.acked {
            let sent = Sent {
                codec: codec.to_owned(),
                partition: *partition,
                offset: *offset,
            };
            self.sent.insert(*index, sent);
        }
        Ok(())
    }

    fn join(&self, name: &str, group: &str) -> Result<Member> {
        let name = format!("{}-{name}", self.name);
        Member::start(
            self.program,
            &name,
            &["consume", &self.bootstrap, TOPIC, group],
        )
    }

    /// Waits until the member has seen every acknowledged message, and compares each with what was sent.
    fn read_everything(&self, mut member: Member) -> Result<Member> {
        let keys: BTreeSet<String> = self
            .sent
            .keys()
            .map(|index| format!("key-{index}"))
            .collect();
        let unseen = |member: &Member| keys.iter().filter(|key| !member.has_read(key)).count();
        let waited = member.wait_until("every acknowledged message is read", LIMIT, |member| {
            unseen(member) == 0
        });
        waited.with_context(|| {
            format!(
                "{} of {} messages were not read",
                unseen(&member),
                keys.len()
            )
        })?;
        self.compare(&member)?;
        Ok(member)
    }

    fn compare(&self, member: &Member) -> Result<()> {
        for record in member.records.values() {
            let index: u32 = record
                .key
                .trim_start_matches("key-")
                .parse()
                .context("a key that nobody sent")?;
            let sent = self
                .sent
                .get(&index)
                .with_context(|| format!("{} was not acknowledged", record.key))?;
            let expected = expected(index, sent, record.offset);
            ensure!(*record == expected, "read {record:?}, sent {expected:?}");
            let offset = sent.offset.unwrap_or(record.offset);
            ensure!(
                offset == record.offset,
                "{} was acknowledged at {offset}, read at {}",
                record.key,
                record.offset
            );
        }
        Ok(())
    }

    /// The group's part of the scenario. A step that fails ends it; those after it are reported as failed.
    fn groups(&mut self, server: Server, spec: &Spec) {
        const STEPS: [&str; 4] = ["group of two", "takeover", "commit", "resume after kill -9"];
        let done = self.tests.len();
        let mut started = Instant::now();
        let two = self.group_of_two();
        let Some((first, second)) = self.step(STEPS[0], started, two) else {
            return self.fail_rest(&STEPS, done);
        };
        started = Instant::now();
        let taken_over = self.takeover(first, second);
        let Some(survivor) = self.step(STEPS[1], started, taken_over) else {
            return self.fail_rest(&STEPS, done);
        };
        started = Instant::now();
        let committed = self.commit(survivor);
        let Some(committed) = self.step(STEPS[2], started, committed) else {
            return self.fail_rest(&STEPS, done);
        };
        started = Instant::now();
        let resumed = self.resume(server, spec, &committed);
        self.step(STEPS[3], started, resumed);
    }

    fn fail_rest(&mut self, steps: &[&str], done: usize) {
        for step in &steps[self.tests.len() - done..] {
            let result: Result<()> = Err(anyhow::anyhow!("a step before it failed"));
            self.step(step, Instant::now(), result);
        }
    }

    /// Two members share the partitions: both have some, none has the other's, together they have all.
    fn group_of_two(&mut self) -> Result<(Member, Member)> {
        let mut first = self.join("member-1", "group")?;
        first.wait_until("the lone member has every partition", LIMIT, |member| {
            member.assigned == all()
        })?;
        let mut second = self.join("member-2", "group")?;
        let deadline = Instant::now() + LIMIT;
        loop {
            first.take_events();
            second.take_events();
            let (one, two) = (&first.assigned, &second.assigned);
            if !one.is_empty() && !two.is_empty() && one.is_disjoint(two) && (one | two) == all() {
                return Ok((first, second));
            }
            ensure!(
                Instant::now() < deadline,
                "after {LIMIT:?} the members have {one:?} and {two:?}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The first member dies without a word; the second gets its partitions and reads everything.
    fn takeover(&mut self, mut first: Member, mut second: Member) -> Result<Member> {
        first.take_events();
        // A client may have committed on its own when the group was rebalanced; what its first member had
        // read by then need not come to the survivor.
        second.read_before(first.records.values());
        first.kill()?;
        second.wait_until("the survivor has every partition", LIMIT, |member| {
            member.assigned == all()
        })?;
        self.produce("none")?;
        self.read_everything(second)
    }

    fn commit(&mut self, survivor: Member) -> Result<BTreeMap<i32, i64>> {
        let (survivor, committed) = survivor.commit_and_leave(LIMIT)?;
        let mut ends = BTreeMap::new();
        for (partition, offset) in survivor.records.keys() {
            let end = ends.entry(*partition).or_insert(0);
            *end = (*end).max(offset + 1);
        }
        ensure!(
            committed == ends,
            "committed {committed:?}, read up to {ends:?}"
        );
        Ok(committed)
    }

    /// The server dies after more acknowledged messages; a new member reads exactly those from the commit on.
    fn resume(
        &mut self,
        server: Server,
        spec: &Spec,
        committed: &BTreeMap<i32, i64>,
    ) -> Result<()> {
        self.produce("none")?;
        server.kill()?;
        let mut server = Server::start(spec).context("start again after kill -9")?;
        self.produce("none")?;
        let mut member = self.join("member-3", "group")?;
        let wanted = usize::try_from(2 * ROUND)?;
        let waited = member.wait_until("what follows the commit is read", LIMIT, |member| {
            member.records.len() >= wanted
        });
        waited
            .with_context(|| format!("{} of {wanted} messages were read", member.records.len()))?;
        std::thread::sleep(QUIET);
        let (member, _) = member.commit_and_leave(LIMIT)?;
        self.compare(&member)?;
        for (partition, from) in committed {
            let offsets: Vec<i64> = member
                .records
                .range((*partition, 0)..(*partition + 1, 0))
                .map(|((_, offset), _)| *offset)
                .collect();
            let expected: Vec<i64> = (*from..)
                .take(wanted / usize::try_from(PARTITIONS)?)
                .collect();
            ensure!(
                offsets == expected,
                "partition {partition}, committed {from}: read {offsets:?}"
            );
        }
        server.ensure_alive()
    }
}

fn all() -> BTreeSet<i32> {
    (0..PARTITIONS).collect()
}

/// The message as `conformance/clients/scenario.py` builds it.
fn expected(index: u32, sent: &Sent, offset: i64) -> Record {
    let padding = "x".repeat(usize::try_from(index % 7 * 50).unwrap_or_default());
    let partition = sent.partition;
    Record {
        partition,
        offset,
        key: format!("key-{index}"),
        value: format!("value-{index}-{}-{padding}", sent.codec),
        headers: [
            ("codec", sent.codec.clone()),
            ("partition", partition.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into(),
    }
}
