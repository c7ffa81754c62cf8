//! Two shards that crash at any moment, with confirms, acknowledgements and dead letters under way.

use super::world::{World, body, dead_letters_to, run, stored, text};
use crate::mail::{Answer, Notice, Outcome, Position, QueueId, Request, Ticket};
use crate::queues::settings::{Declared, Settings};
use base::ShardId;
use std::collections::{BTreeMap, BTreeSet};

struct Rng(u64);

impl Rng {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % end
    }

    fn pick(&mut self, of: usize) -> usize {
        usize::try_from(self.below(of as u64)).unwrap()
    }
}

/// What the clients know.
#[derive(Default)]
struct Known {
    publishing: BTreeMap<Ticket, Vec<String>>,
    confirmed: BTreeSet<String>,
    /// Messages that a client has in hand, with the queue that they came from.
    held: Vec<(QueueId, Position, String)>,
    getting: BTreeMap<Ticket, QueueId>,
    acking: BTreeMap<Ticket, String>,
    /// Somebody tried to acknowledge it, and it may be gone.
    ack_tried: BTreeSet<String>,
    /// Its acknowledgement is durable.
    acked: BTreeSet<String>,
}

struct Play {
    rng: Rng,
    worlds: [World; 2],
    /// Queues of the first shard whose dead letters go to the second one, and to the first.
    sources: [QueueId; 2],
    dead: [(usize, QueueId); 2],
    known: Known,
    published: u64,
}

impl Play {
    fn new(seed: u64) -> Self {
        let here = World::new();
        let sources = [
            here.declare(1, "far", dead_letters_to("dead-there")),
            here.declare(2, "near", dead_letters_to("dead-here")),
        ];
        let there = World::of_shard(ShardId(1), here.directory.clone());
        let dead_here = here.declare(3, "dead-here", Settings::default());
        let dead_there = here.directory.declare(Declared {
            shard: ShardId(1),
            ..stored(4, "dead-there", Settings::default())
        });
        Self {
            rng: Rng(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            worlds: [here, there],
            sources,
            dead: [(1, dead_there), (0, dead_here)],
            known: Known::default(),
            published: 0,
        }
    }

    fn note(&mut self, world: usize) {
        let notices: Vec<_> = self.worlds[world].notices.drain(..).collect();
        for (_, notice) in notices {
            match notice {
                Notice::Published { ticket, .. } => {
                    let bodies = self
                        .known
                        .publishing
                        .remove(&ticket)
                        .expect("confirmed once");
                    self.known.confirmed.extend(bodies);
                }
                Notice::Answer { ticket, outcome } => {
                    assert_eq!(outcome, Ok(Answer::Settled));
                    self.known.acked.extend(self.known.acking.remove(&ticket));
                }
                Notice::Got { ticket, outcome } => {
                    let queue = self.known.getting.remove(&ticket).expect("answered once");
                    if let Some((delivery, _)) = outcome.expect("the queue is there") {
                        let body = body(&delivery);
                        assert!(
                            !self.known.acked.contains(&body),
                            "{body} was settled durably"
                        );
                        self.known.held.push((queue, delivery.position, body));
                    }
                }
                _ => {}
            }
        }
    }

    fn publish(&mut self) {
        let bodies: Vec<_> = (0..1 + self.rng.below(3))
            .map(|_| {
                self.published += 1;
                self.published.to_string()
            })
            .collect();
        let letters: Vec<_> = bodies.iter().map(|body| text(body)).collect();
        let ticket = self.worlds[0].ticket();
        let run = run(&letters, self.worlds[0].wall());
        self.known.publishing.insert(ticket, bodies);
        let targets = vec![self.sources[self.rng.pick(2)]];
        self.worlds[0].send(
            1,
            Request::Publish {
                ticket,
                targets,
                run,
            },
        );
    }

    fn get(&mut self) {
        let queue = self.sources[self.rng.pick(2)];
        let ticket = self.worlds[0].ticket();
        self.known.getting.insert(ticket, queue);
        let get = Request::Get {
            ticket,
            queue,
            no_ack: false,
        };
        self.worlds[0].send(2, get);
    }

    fn settle(&mut self) {
        if self.known.held.is_empty() {
            return;
        }
        let at = self.rng.pick(self.known.held.len());
        let (queue, position, body) = self.known.held.swap_remove(at);
        let outcome =
            [Outcome::Acknowledged, Outcome::Rejected, Outcome::Requeued][self.rng.pick(3)];
        let acknowledges = outcome == Outcome::Acknowledged;
        let ticket = acknowledges.then(|| self.worlds[0].ticket());
        if let Some(ticket) = ticket {
            self.known.ack_tried.insert(body.clone());
            self.known.acking.insert(ticket, body);
        }
        let positions = vec![position];
        self.worlds[0].send(
            2,
            Request::Settle {
                queue,
                positions,
                outcome,
                ticket,
            },
        );
    }

    /// One piece of mail between the hosts arrives.
    fn post(&mut self) {
        for world in 0..2 {
            if let Some((to, mail)) = self.worlds[world].sent.pop_front() {
                let to = usize::from(to.0);
                self.worlds[to].mail(mail);
                self.note(to);
                return;
            }
        }
    }

    fn crash(&mut self, world: usize) {
        self.worlds[world].restart();
        if world == 0 {
            self.known.held.clear();
            self.known.publishing.clear();
            self.known.getting.clear();
            self.known.acking.clear();
        }
    }

    fn step(&mut self) {
        match self.rng.below(16) {
            0..=3 => self.publish(),
            4..=6 => self.get(),
            7..=9 => self.settle(),
            10 | 11 => {
                let world = self.rng.pick(2);
                self.worlds[world].land_one();
            }
            12 | 13 => self.post(),
            14 => {
                let world = self.rng.pick(2);
                self.worlds[world].pass(self.rng.below(40));
            }
            _ if self.rng.below(6) == 0 => {
                let world = self.rng.pick(2);
                self.crash(world);
            }
            _ => {}
        }
        self.note(0);
        self.note(1);
    }

    /// Everything comes to its end, and is counted: how often each message is anywhere.
    fn count(&mut self) -> BTreeMap<String, usize> {
        for _ in 0..3 {
            self.crash(0);
            self.crash(1);
            while self.worlds.iter().any(|world| !world.sent.is_empty()) {
                self.post();
                self.worlds.iter_mut().for_each(|world| world.pass(50));
            }
            self.worlds.iter_mut().for_each(|world| world.pass(50));
        }
        let mut found = BTreeMap::new();
        for (world, queue) in self
            .dead
            .into_iter()
            .chain(self.sources.map(|queue| (0, queue)))
        {
            for body in self.worlds[world].empty(queue) {
                *found
                    .entry(body.trim_end_matches('!').to_owned())
                    .or_default() += 1;
            }
        }
        found
    }
}

#[test]
fn nothing_confirmed_is_lost_or_doubled_and_nothing_settled_comes_back() {
    for seed in 0..150 {
        let mut play = Play::new(seed);
        for _ in 0..150 {
            play.step();
        }
        let found = play.count();
        for (body, times) in &found {
            assert_eq!(*times, 1, "seed {seed}: {body} is in several places");
            assert!(
                !play.known.acked.contains(body),
                "seed {seed}: {body} came back"
            );
        }
        for body in play.known.confirmed.difference(&play.known.ack_tried) {
            assert!(found.contains_key(body), "seed {seed}: {body} is lost");
        }
    }
}
