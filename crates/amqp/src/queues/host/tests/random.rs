//! One queue under random requests, beside a naive one that keeps everything in a map.

use super::world::{Letter, World, body, consumer_of, dead_letters_to, run};
use crate::mail::{Notice, Outcome, Position, QueueId, Request, SessionId, Ticket};
use crate::queues::settings::Settings;
use std::collections::BTreeMap;

/// A small generator (xorshift64*).
struct Rng(u64);

impl Rng {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % end
    }
}

#[derive(Debug, Clone)]
struct Item {
    body: String,
    published_ms: i64,
    ttl: Option<u64>,
    expires_ms: i64,
    redelivered: bool,
    returns: u32,
}

/// The order of delivery: the highest level first.
type Place = (u8, i64);

fn place(position: Position) -> Place {
    (u8::MAX - position.level, position.offset)
}

struct Naive {
    settings: Settings,
    ready: BTreeMap<Place, Item>,
    held: BTreeMap<Place, (u64, Option<u32>, Item)>,
    dead: Vec<String>,
    publishing: BTreeMap<Ticket, Vec<(Place, Item)>>,
    ends: BTreeMap<u8, i64>,
    /// Prefetch of each consumer.
    consumers: BTreeMap<(u64, u32), usize>,
}

impl Naive {
    fn publish(&mut self, ticket: Ticket, letters: &[Letter], published_ms: i64) {
        let items = letters.iter().map(|letter| {
            let level = self.settings.level_of(letter.priority.unwrap_or(0));
            let end = self.ends.entry(level).or_default();
            *end += 1;
            let item = Item {
                body: letter.body.clone(),
                published_ms,
                ttl: letter.ttl,
                expires_ms: i64::MAX,
                redelivered: false,
                returns: 0,
            };
            ((u8::MAX - level, *end - 1), item)
        });
        let items = items.collect();
        self.publishing.insert(ticket, items);
    }

    fn expire(&mut self, wall_ms: i64) {
        for level in u8::MAX - 4..=u8::MAX {
            while let Some((place, item)) = self.ready.range((level, 0)..=(level, i64::MAX)).next()
                && item.expires_ms <= wall_ms
            {
                let place = *place;
                self.dead
                    .extend(self.ready.remove(&place).map(|item| item.body));
            }
        }
    }

    /// What happened, as told by what the sessions were sent.
    fn note(&mut self, notices: Vec<(SessionId, Notice)>, wall_ms: i64) {
        let mut delivered = Vec::new();
        for (session, notice) in notices {
            match notice {
                Notice::Published { ticket, rejected } => {
                    assert!(rejected.is_empty());
                    for (place, mut item) in
                        self.publishing.remove(&ticket).expect("published once")
                    {
                        let ttl = item
                            .ttl
                            .into_iter()
                            .chain(self.settings.message_ttl_ms)
                            .min();
                        if let Some(ttl) = ttl {
                            let expires_ms = item.published_ms + i64::try_from(ttl).unwrap();
                            item.expires_ms = expires_ms.max(wall_ms + 1);
                        }
                        self.ready.insert(place, item);
                    }
                }
                Notice::Deliver {
                    consumer,
                    deliveries,
                    ..
                } => {
                    delivered.extend(
                        deliveries
                            .into_iter()
                            .map(|delivery| (session.0, Some(consumer.0), delivery)),
                    );
                }
                Notice::Got { outcome, .. } => {
                    let got = outcome.expect("the queue is there");
                    delivered.extend(got.map(|(delivery, _)| (session.0, None, delivery)));
                }
                _ => {}
            }
        }
        delivered.sort_by_key(|(_, _, delivery)| place(delivery.position));
        for (session, consumer, delivery) in delivered {
            self.expire(wall_ms);
            let (first, item) = self
                .ready
                .pop_first()
                .expect("only what is ready is delivered");
            assert_eq!(
                first,
                place(delivery.position),
                "the first one is delivered"
            );
            assert_eq!(item.body, body(&delivery));
            assert_eq!(item.redelivered, delivery.redelivered, "{first:?}");
            self.held.insert(first, (session, consumer, item));
        }
        self.expire(wall_ms);
        while self
            .settings
            .max_length
            .is_some_and(|max| self.ready.len() as u64 > max)
        {
            let first = self.ready.pop_first().expect("it is too long");
            self.dead.push(first.1.body);
        }
        self.expire(wall_ms);
    }

    fn settle(&mut self, at: Place, outcome: Outcome) {
        let (_, _, mut item) = self.held.remove(&at).expect("it is held");
        match outcome {
            Outcome::Acknowledged => {}
            Outcome::Rejected => self.dead.push(item.body),
            Outcome::Requeued => {
                item.returns += 1;
                item.redelivered = true;
                if self
                    .settings
                    .delivery_limit
                    .is_some_and(|limit| item.returns > limit)
                {
                    self.dead.push(item.body);
                } else {
                    self.ready.insert(at, item);
                }
            }
        }
    }

    fn leave(&mut self, session: u64) {
        self.consumers.retain(|(of, _), _| *of != session);
        let held: Vec<_> = self
            .held
            .iter()
            .filter(|(_, held)| held.0 == session)
            .map(|(at, _)| *at)
            .collect();
        held.into_iter()
            .for_each(|at| self.settle(at, Outcome::Requeued));
    }

    fn restart(&mut self) {
        self.consumers.clear();
        for (at, (_, _, item)) in std::mem::take(&mut self.held) {
            self.ready.insert(at, item);
        }
        for item in self.ready.values_mut() {
            item.redelivered = true;
            if let Some(ttl) = item
                .ttl
                .into_iter()
                .chain(self.settings.message_ttl_ms)
                .min()
            {
                item.expires_ms = item.published_ms + i64::try_from(ttl).unwrap();
            }
        }
    }

    /// Nobody who could have a message waits for one that is there.
    fn check_rest(&self, world: &World, queue: QueueId) {
        let counts = world
            .report(queue)
            .map(|report| report.counts)
            .unwrap_or_default();
        assert_eq!(counts.ready, self.ready.len() as u64, "{:?}", self.ready);
        assert_eq!(counts.unacknowledged, self.held.len() as u64);
        assert_eq!(counts.consumers as usize, self.consumers.len());
        for ((session, consumer), prefetch) in &self.consumers {
            let of_consumer =
                |held: &&(u64, Option<u32>, Item)| held.0 == *session && held.1 == Some(*consumer);
            let held = self.held.values().filter(of_consumer).count();
            assert!(
                held <= *prefetch,
                "{session} {consumer} has {held} of {prefetch}"
            );
            assert!(
                self.ready.is_empty() || held == *prefetch,
                "{session} {consumer} waits"
            );
        }
    }
}

struct Play {
    rng: Rng,
    world: World,
    naive: Naive,
    queue: QueueId,
    dead: QueueId,
    published: u64,
    consumer: u32,
}

impl Play {
    fn new(seed: u64) -> Self {
        let mut rng = Rng(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let world = World::new();
        // What is dropped first after a restart, what expired or what is too much, depends on what is read
        // first; so it is one or the other.
        let max_length = (rng.below(3) == 0).then_some(6);
        let settings = Settings {
            levels: [1, 3][usize::try_from(rng.below(2)).unwrap()],
            max_length,
            message_ttl_ms: (max_length.is_none() && rng.below(3) == 0).then_some(40),
            delivery_limit: (rng.below(2) == 0).then_some(2),
            ..dead_letters_to("dead")
        };
        let queue = world.declare(1, "q", settings.clone());
        let dead = world.declare(100, "dead", Settings::default());
        let naive = Naive {
            settings,
            ready: BTreeMap::new(),
            held: BTreeMap::new(),
            dead: Vec::new(),
            publishing: BTreeMap::new(),
            ends: BTreeMap::new(),
            consumers: BTreeMap::new(),
        };
        Self {
            rng,
            world,
            naive,
            queue,
            dead,
            published: 0,
            consumer: 0,
        }
    }

    fn note(&mut self) {
        let notices = self.world.notices.drain(..).collect();
        self.naive.note(notices, self.world.wall().0);
    }

    fn send(&mut self, session: u64, request: Request) {
        self.world.send(session, request);
        self.note();
    }

    fn publish(&mut self) {
        let count = 1 + self.rng.below(4);
        let mut letters = Vec::new();
        for _ in 0..count {
            self.published += 1;
            letters.push(Letter {
                body: self.published.to_string(),
                priority: (self.rng.below(2) == 0)
                    .then(|| u8::try_from(self.rng.below(5)).unwrap()),
                ttl: (self.naive.settings.max_length.is_none() && self.rng.below(4) == 0)
                    .then(|| self.rng.below(60)),
            });
        }
        let ticket = self.world.ticket();
        let run = run(&letters, self.world.wall());
        self.naive.publish(ticket, &letters, self.world.wall().0);
        let targets = vec![self.queue];
        self.send(
            1,
            Request::Publish {
                ticket,
                targets,
                run,
            },
        );
    }

    fn settle(&mut self) {
        let Some(at) = self.pick_held() else {
            return;
        };
        let session = self.naive.held[&at].0;
        let outcomes = [
            Outcome::Acknowledged,
            Outcome::Acknowledged,
            Outcome::Requeued,
            Outcome::Rejected,
        ];
        let outcome = outcomes[usize::try_from(self.rng.below(4)).unwrap()];
        self.naive.settle(at, outcome);
        let position = Position {
            level: u8::MAX - at.0,
            offset: at.1,
        };
        let request = Request::Settle {
            queue: self.queue,
            positions: vec![position],
            outcome,
            ticket: None,
        };
        self.send(session, request);
    }

    fn pick_held(&mut self) -> Option<Place> {
        let count = self.naive.held.len() as u64;
        let at = (count > 0).then(|| self.rng.below(count))?;
        self.naive
            .held
            .keys()
            .nth(usize::try_from(at).unwrap())
            .copied()
    }

    fn consume(&mut self) {
        let queue = self.queue;
        let ticket = self.world.ticket();
        let known = self.naive.consumers.keys().next().copied();
        if let Some((session, consumer)) = known.filter(|_| self.rng.below(3) == 0) {
            self.naive.consumers.remove(&(session, consumer));
            let consumer = crate::mail::ConsumerId(consumer);
            self.send(
                session,
                Request::Cancel {
                    ticket,
                    queue,
                    consumer,
                },
            );
            return;
        }
        let (session, prefetch) = (
            2 + self.rng.below(3),
            1 + u32::try_from(self.rng.below(3)).unwrap(),
        );
        // No session uses the name of a consumer again.
        self.consumer += 1;
        let consumer = (session, self.consumer);
        self.naive.consumers.insert(consumer, prefetch as usize);
        let consume = consumer_of(queue, self.consumer, prefetch);
        self.send(
            session,
            Request::Consume(crate::mail::Consume { ticket, ..consume }),
        );
    }

    fn come_to_rest(&mut self) {
        loop {
            let moved = self.world.load_one();
            self.note();
            let landed = self.world.land_one();
            self.note();
            if !moved && !landed {
                break;
            }
        }
        self.naive.check_rest(&self.world, self.queue);
    }

    fn pass(&mut self) {
        let until = self.world.now.0 + self.rng.below(30);
        self.come_to_rest();
        while self.world.tick_before(until) {
            self.note();
            self.come_to_rest();
        }
        self.world.now.0 = until;
    }

    fn step(&mut self) {
        match self.rng.below(16) {
            0..=4 => self.publish(),
            5..=8 => self.settle(),
            9 => self.consume(),
            10 => {
                let (ticket, queue) = (self.world.ticket(), self.queue);
                self.send(
                    5,
                    Request::Get {
                        ticket,
                        queue,
                        no_ack: false,
                    },
                );
            }
            11 => {
                let session = 2 + self.rng.below(4);
                self.naive.leave(session);
                self.send(session, Request::Leave);
            }
            12 => {
                self.world.land_one();
                self.note();
            }
            13 => self.pass(),
            14 => self.come_to_rest(),
            _ if self.rng.below(4) == 0 => {
                self.come_to_rest();
                self.world.now.0 += 25;
                while self.world.tick_before(self.world.now.0) {
                    self.note();
                    self.come_to_rest();
                }
                self.naive.restart();
                self.world.restart();
                self.note();
                self.come_to_rest();
            }
            _ => {}
        }
    }
}

#[test]
fn a_queue_does_what_a_naive_one_does() {
    for seed in 0..100 {
        let mut play = Play::new(seed);
        for _ in 0..200 {
            play.step();
        }
        play.come_to_rest();
        for session in 2..6 {
            play.naive.leave(session);
            play.send(session, Request::Leave);
        }
        play.come_to_rest();
        let mut expected = play.naive.dead.clone();
        let mut dead: Vec<_> = play.world.empty(play.dead);
        dead.iter_mut()
            .for_each(|body| *body = body.trim_end_matches('!').to_owned());
        expected.sort();
        dead.sort();
        assert_eq!(dead, expected, "seed {seed}");
    }
}
