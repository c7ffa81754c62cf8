//! What each of the examples promises.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::member::Member;
use super::{BALANCER, Balancer, members};
use crate::balancer::Program;
use crate::http_client;

/// nginx's `fail_timeout` is ten seconds; a server that has returned is tried after it.
const RETURN_LIMIT: Duration = Duration::from_secs(25);

/// A promise, and the example that makes it.
pub(super) struct Scenario {
    pub(super) file: &'static str,
    pub(super) name: &'static str,
    check: fn(&mut [Member; 3]) -> Result<String>,
}

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario("nginx.conf", "an even spread", |members| {
        spread(members, [100, 100, 100])
    }),
    scenario("nginx.conf", "a kill, and a return", kill_and_return),
    scenario("nginx-weight.conf", "five of seven", |members| {
        spread(members, [250, 50, 50])
    }),
    scenario("nginx-weight.conf", "a kill, and a return", kill_and_return),
    scenario("nginx-least-conn.conf", "an even spread", |members| {
        spread(members, [100, 100, 100])
    }),
    scenario("nginx-least-conn.conf", "the slow one is spared", slow_one),
    scenario(
        "nginx-least-conn.conf",
        "a kill, and a return",
        kill_and_return,
    ),
    scenario("nginx-backup.conf", "the backup waits", |members| {
        spread(members, [150, 150, 0])
    }),
    scenario("nginx-backup.conf", "the backup takes over", backup),
    scenario("nginx-stream.conf", "an even spread", |members| {
        spread(members, [100, 100, 100])
    }),
    scenario("nginx-stream.conf", "a kill, and a return", kill_and_return),
];

const fn scenario(
    file: &'static str,
    name: &'static str,
    check: fn(&mut [Member; 3]) -> Result<String>,
) -> Scenario {
    Scenario { file, name, check }
}

impl Scenario {
    /// Runs it against a fresh balancer; says what was seen.
    pub(super) fn run(&self, program: &Program) -> Result<String> {
        let mut members = members()?;
        let _balancer = Balancer::start(program, self.file)?;
        // Whether it listens was asked with a connection, which is a session over `stream`.
        thread::sleep(Duration::from_millis(50));
        counts(&members);
        (self.check)(&mut members)
    }
}

/// One request, which must be answered.
fn ask() -> Result<()> {
    let answer = http_client::get(BALANCER, "/")?;
    ensure!(answer.status == 200, "an answer {}", answer.status);
    Ok(())
}

fn ask_times(count: usize) -> Result<()> {
    for number in 0..count {
        ask().with_context(|| format!("request {number} of {count}"))?;
    }
    Ok(())
}

fn counts(members: &[Member; 3]) -> [usize; 3] {
    members.each_ref().map(Member::take_count)
}

/// As many requests as `expected` has together come to the servers as it says, but for one or two at the borders of rounds.
fn spread(members: &mut [Member; 3], expected: [usize; 3]) -> Result<String> {
    ask_times(expected.iter().sum())?;
    let found = counts(members);
    let near = |(found, expected): (&usize, &usize)| found.abs_diff(*expected) <= 2;
    ensure!(
        found.iter().zip(&expected).all(near),
        "{found:?} requests came to the servers: expected {expected:?}"
    );
    Ok(format!("{found:?}"))
}

/// Two servers carry on where the second is killed under load, and it is used again when it returns; no request fails.
fn kill_and_return(members: &mut [Member; 3]) -> Result<String> {
    ask_times(30)?;
    let load = thread::spawn(|| ask_times(600));
    thread::sleep(Duration::from_millis(30));
    members[1].kill();
    load.join().expect("the load does not panic")?;
    counts(members);
    ask_times(60)?;
    let without = counts(members);
    ensure!(without[1] == 0, "a dead server answered");
    ensure!(
        without[0] > 0 && without[2] > 0,
        "{without:?}: both carry on"
    );
    members[1].revive()?;
    let began = Instant::now();
    let mut asked = 0;
    while members[1].take_count() == 0 {
        ensure!(began.elapsed() < RETURN_LIMIT, "it is not used again");
        ask()?;
        asked += 1;
        thread::sleep(Duration::from_millis(20));
    }
    let returned = began.elapsed();
    counts(members);
    ask_times(70)?;
    let again = counts(members);
    ensure!(again[1] >= 9, "{again:?}: it gets its share again");
    Ok(format!(
        "none of {} failed; without it {without:?}; used again after {:.1} s",
        30 + 600 + 60 + asked + 70,
        returned.as_secs_f64()
    ))
}

/// A slow server has connections longer, so it gets fewer requests.
fn slow_one(members: &mut [Member; 3]) -> Result<String> {
    members[0].delay(Duration::from_millis(100));
    let clients: Vec<_> = (0..6).map(|_| thread::spawn(|| ask_times(50))).collect();
    for client in clients {
        client.join().expect("a client does not panic")?;
    }
    let found = counts(members);
    ensure!(
        found[0] * 4 < found[1] && found[0] * 4 < found[2],
        "{found:?}: expected few at the first"
    );
    Ok(format!("{found:?}"))
}

/// The backup takes everything while the others are dead, and nothing once they are back.
fn backup(members: &mut [Member; 3]) -> Result<String> {
    ask_times(10)?;
    members[0].kill();
    members[1].kill();
    counts(members);
    ask_times(50)?;
    let alone = counts(members);
    ensure!(alone == [0, 0, 50], "{alone:?}: expected all at the backup");
    members[0].revive()?;
    members[1].revive()?;
    let began = Instant::now();
    loop {
        counts(members);
        ask_times(10)?;
        let found = counts(members);
        if found[2] == 0 && found[0] > 0 && found[1] > 0 {
            break;
        }
        ensure!(
            began.elapsed() < RETURN_LIMIT,
            "{found:?}: the backup is still used"
        );
        thread::sleep(Duration::from_millis(200));
    }
    let returned = began.elapsed().as_secs_f64();
    Ok(format!(
        "{alone:?} alone; left alone again after {returned:.1} s"
    ))
}
