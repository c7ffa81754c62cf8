use super::{Effect, READS_MAX, Scene, StreamQueue};
use crate::mail::{
    Answer, Consume, ConsumerId, Delivery, Extra, Notice, QueueId, Refusal, SESSION_WINDOW_BYTES,
    SessionId, StreamStart, Ticket,
};
use crate::queues::sessions::Sessions;
use crate::run::RunBuilder;
use base::{Offset, StreamId};
use bytes::{Bytes, BytesMut};
use commitlog::Bounds;
use kafka_wire::record_batch::{self, BatchHeader};
use std::collections::VecDeque;
use std::num::NonZeroU32;

mod random;

const QUEUE: QueueId = StreamId(7);
const ME: SessionId = SessionId(1);

/// A queue over a stream in memory, whose effects are carried out when the test says so.
struct Bench {
    queue: StreamQueue,
    sessions: Sessions,
    stalled: Vec<SessionId>,
    bounds: Bounds,
    batches: Vec<(Offset, Bytes)>,
    effects: VecDeque<Effect>,
    notices: Vec<(SessionId, Notice)>,
    reads: usize,
}

impl Bench {
    fn new() -> Self {
        Self {
            queue: StreamQueue::new(QUEUE, "s".into()),
            sessions: Sessions::default(),
            stalled: Vec::new(),
            bounds: Bounds {
                log_start: 0,
                high_watermark: 0,
            },
            batches: Vec::new(),
            effects: VecDeque::new(),
            notices: Vec::new(),
            reads: 0,
        }
    }

    /// A stream with batches of so many messages; each body is the message's offset.
    fn with(batches: &[usize]) -> Self {
        let mut bench = Self::new();
        batches.iter().for_each(|count| bench.publish(*count, 0));
        bench
    }

    /// Adds a batch whose bodies have at least `len` bytes. Its time is its base offset.
    fn publish(&mut self, count: usize, len: usize) {
        let base = self.bounds.high_watermark;
        let mut run = RunBuilder::new(base);
        for offset in (base..).take(count) {
            let mut body = offset.to_string();
            body.insert_str(0, &"0".repeat(len.saturating_sub(body.len())));
            run.push(b"", b"s", b"\0\0", body.as_bytes(), 0, None);
        }
        let run = run.seal().expect("messages");
        let mut batch = BytesMut::from(&run.batch()[..]);
        record_batch::assign(&mut batch, base, 0);
        self.batches.push((base, batch.freeze()));
        self.bounds.high_watermark += Offset::try_from(count).expect("few");
        if self
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::Watch { .. }))
        {
            self.effects
                .retain(|effect| !matches!(effect, Effect::Watch { .. }));
            self.call(StreamQueue::changed);
        }
    }

    fn call(&mut self, call: impl FnOnce(&mut StreamQueue, &mut Scene<'_>)) {
        let mut effects = Vec::new();
        let mut scene = Scene {
            bounds: self.bounds,
            sessions: &mut self.sessions,
            stalled: &mut self.stalled,
            notices: &mut self.notices,
            effects: &mut effects,
        };
        call(&mut self.queue, &mut scene);
        self.effects.extend(effects);
    }

    /// Carries out everything but watches, which wait for a publish.
    fn run(&mut self) {
        while let Some(at) = self
            .effects
            .iter()
            .position(|effect| !matches!(effect, Effect::Watch { .. }))
        {
            match self.effects.remove(at) {
                Some(Effect::Read { from }) => self.read(from),
                Some(Effect::Seek {
                    session,
                    consumer,
                    timestamp,
                }) => {
                    let found = self.batches.iter().find(|(base, _)| *base >= timestamp);
                    let found = found.map(|(base, _)| *base);
                    self.call(|queue, scene| queue.found(session, consumer, found, scene));
                }
                _ => {}
            }
        }
    }

    fn read(&mut self, from: Offset) {
        self.reads += 1;
        let end = self.bounds.high_watermark;
        if from < self.bounds.log_start {
            return self.call(|queue, scene| queue.loaded(from, end, None, scene));
        }
        let ends_behind = |batch: &Bytes| {
            BatchHeader::parse(batch).is_ok_and(|header| header.last_offset() >= from)
        };
        let found = self.batches.iter().filter(|(_, batch)| ends_behind(batch));
        // Two batches make a chunk, so that streams of a few batches have several.
        let found: Vec<_> = found.take(2).map(|(_, batch)| batch.clone()).collect();
        self.call(|queue, scene| queue.loaded(from, end, Some(&found), scene));
    }

    fn consume(&mut self, session: SessionId, id: u32, start: StreamStart, prefetch: u32) {
        let consume = consume(id, start, prefetch);
        self.call(|queue, scene| queue.consume(session, consume, scene));
    }

    fn settle(&mut self, session: SessionId, deliveries: &[Delivery]) {
        let positions: Vec<_> = deliveries
            .iter()
            .map(|delivery| delivery.position)
            .collect();
        self.call(|queue, scene| queue.settle(session, &positions, scene));
        self.run();
    }

    /// What a consumer was sent since this was last asked.
    fn got(&mut self, session: SessionId, id: u32) -> Vec<Delivery> {
        self.run();
        let mut got = Vec::new();
        self.notices.retain_mut(|(to, notice)| match notice {
            Notice::Deliver {
                consumer,
                deliveries,
                queue,
            } if (*to, consumer.0) == (session, id) => {
                assert_eq!(*queue, QUEUE);
                got.append(deliveries);
                false
            }
            _ => true,
        });
        got
    }

    fn got_offsets(&mut self, session: SessionId, id: u32) -> Vec<Offset> {
        let got = self.got(session, id);
        got.iter().map(offset).collect()
    }
}

fn consume(id: u32, start: StreamStart, prefetch: u32) -> Consume {
    Consume {
        ticket: Ticket(u64::from(id)),
        queue: QUEUE,
        consumer: ConsumerId(id),
        tag: format!("tag-{id}"),
        no_ack: false,
        exclusive: false,
        priority: 0,
        prefetch: NonZeroU32::new(prefetch),
        shared: false,
        start,
    }
}

/// The offset of a delivery, after a look at everything else in it.
fn offset(delivery: &Delivery) -> Offset {
    let offset = delivery.position.offset;
    assert!(!delivery.redelivered);
    assert_eq!(delivery.extra, Extra::StreamOffset(offset));
    let body = delivery.message.parts().expect("a message").body;
    let body = std::str::from_utf8(&body).expect("digits");
    assert_eq!(body.parse::<Offset>(), Ok(offset));
    offset
}

#[test]
fn a_consumer_starts_where_it_says() {
    for (start, wanted) in [
        (StreamStart::First, vec![2, 3, 4, 5, 6, 7, 8, 9]),
        (StreamStart::Last, vec![7, 8, 9]),
        (StreamStart::Next, vec![]),
        (StreamStart::Offset(-5), vec![2, 3, 4, 5, 6, 7, 8, 9]),
        (StreamStart::Offset(0), vec![2, 3, 4, 5, 6, 7, 8, 9]),
        (StreamStart::Offset(6), vec![6, 7, 8, 9]),
        (StreamStart::Offset(10), vec![]),
        (StreamStart::Timestamp(4), vec![4, 5, 6, 7, 8, 9]),
        (StreamStart::Timestamp(5), vec![7, 8, 9]),
        (StreamStart::Timestamp(50), vec![]),
    ] {
        let mut bench = Bench::with(&[1, 3, 3, 3]);
        bench.bounds.log_start = 2;
        bench.consume(ME, 1, start, 100);
        assert_eq!(bench.got_offsets(ME, 1), wanted, "{start:?}");
        let answers: Vec<_> = bench.notices.drain(..).collect();
        assert!(matches!(
            answers[..],
            [(
                ME,
                Notice::Answer {
                    ticket: Ticket(1),
                    outcome: Ok(Answer::Consuming)
                }
            )]
        ));
        bench.publish(2, 0);
        assert_eq!(bench.got_offsets(ME, 1), [10, 11], "{start:?}");
    }
}

#[test]
fn a_consumer_of_an_empty_stream_or_of_an_offset_to_come_waits_for_it() {
    for (start, wanted) in [
        (StreamStart::First, vec![0, 1, 2, 3]),
        (StreamStart::Last, vec![0, 1, 2, 3]),
        (StreamStart::Next, vec![0, 1, 2, 3]),
        (StreamStart::Offset(3), vec![3]),
        (StreamStart::Timestamp(0), vec![0, 1, 2, 3]),
    ] {
        let mut bench = Bench::new();
        bench.consume(ME, 1, start, 100);
        bench.run();
        bench.publish(2, 0);
        bench.run();
        bench.publish(2, 0);
        assert_eq!(bench.got_offsets(ME, 1), wanted, "{start:?}");
    }
}

#[test]
fn a_consumer_needs_a_prefetch_limit_and_settles() {
    let shared = Consume {
        shared: true,
        ..consume(1, StreamStart::First, 0)
    };
    let plain = consume(1, StreamStart::First, 10);
    for (consume, outcome) in [
        (consume(1, StreamStart::First, 0), Err(Refusal::NoPrefetch)),
        (
            Consume {
                no_ack: true,
                ..consume(1, StreamStart::First, 0)
            },
            Err(Refusal::NotSupported(
                "automatic acknowledgement not supported by stream queues",
            )),
        ),
        (
            Consume {
                exclusive: true,
                priority: 3,
                ..plain.clone()
            },
            Ok(Answer::Consuming),
        ),
        (shared, Ok(Answer::Consuming)),
    ] {
        let mut bench = Bench::with(&[1]);
        // Somebody else is there: nobody is alone on a stream.
        bench.consume(ME, 9, StreamStart::Next, 1);
        bench.notices.clear();
        bench.call(|queue, scene| queue.consume(ME, consume, scene));
        let Some((ME, Notice::Answer { outcome: said, .. })) = bench.notices.first() else {
            panic!("no answer");
        };
        assert_eq!(*said, outcome);
        assert_eq!(
            bench.queue.consumers().len(),
            1 + usize::from(outcome.is_ok())
        );
    }
}

#[test]
fn what_is_not_settled_counts_against_the_prefetch_limit() {
    let mut bench = Bench::with(&[5, 5]);
    bench.consume(ME, 1, StreamStart::First, 3);
    let first = bench.got(ME, 1);
    assert_eq!(first.iter().map(offset).collect::<Vec<_>>(), [0, 1, 2]);
    let counts = bench.queue.counts(bench.bounds);
    assert_eq!(
        (counts.ready, counts.unacknowledged, counts.consumers),
        (10, 3, 1)
    );
    // In any order, and whatever it makes of them.
    bench.settle(ME, &first[1..2]);
    assert_eq!(bench.got_offsets(ME, 1), [3]);
    bench.settle(ME, &[first[0].clone(), first[2].clone()]);
    assert_eq!(bench.got_offsets(ME, 1), [4, 5]);
    // Positions of nobody, and of another session.
    let mut strange = first[0].clone();
    strange.position.level = 200;
    bench.settle(ME, &[strange]);
    bench.settle(SessionId(2), &first);
    assert_eq!(bench.got_offsets(ME, 1), [0; 0]);
}

#[test]
fn consumers_of_one_session_are_told_apart() {
    let mut bench = Bench::with(&[6]);
    bench.consume(ME, 1, StreamStart::First, 2);
    bench.consume(ME, 2, StreamStart::First, 2);
    let (one, two) = (bench.got(ME, 1), bench.got(ME, 2));
    assert_eq!((one.len(), two.len()), (2, 2));
    bench.settle(ME, &one);
    assert_eq!(bench.got_offsets(ME, 1), [2, 3]);
    assert_eq!(bench.got_offsets(ME, 2), [0; 0]);
    // The place of one that has gone is not taken while others are free.
    bench.queue.cancel(ME, ConsumerId(1));
    bench.consume(ME, 3, StreamStart::First, 2);
    assert_eq!(bench.got(ME, 3).len(), 2);
    bench.settle(ME, &one);
    assert_eq!(bench.got_offsets(ME, 3), [0; 0]);
    bench.settle(ME, &two);
    assert_eq!(bench.got_offsets(ME, 2), [2, 3]);
    for id in 4..300 {
        bench.consume(ME, id, StreamStart::Next, 1);
    }
    assert_eq!(
        bench.queue.consumers().len(),
        super::admit::CONSUMERS_PER_SESSION
    );
    bench.queue.leave(ME);
    assert!(bench.queue.is_unused());
}

#[test]
fn consumers_in_one_place_share_what_is_read() {
    let mut bench = Bench::with(&[2, 2]);
    for id in 0..50 {
        bench.consume(SessionId(u64::from(id % 5)), id, StreamStart::First, 100);
    }
    bench.run();
    assert_eq!(bench.reads, 1);
    bench.publish(3, 0);
    bench.run();
    assert_eq!(bench.reads, 2);
    for id in 0..50 {
        let got = bench.got_offsets(SessionId(u64::from(id % 5)), id);
        assert_eq!(got, [0, 1, 2, 3, 4, 5, 6]);
    }
}

#[test]
fn consumers_in_many_places_take_turns_to_read() {
    let places = u32::try_from(READS_MAX * 3).expect("few");
    let mut bench = Bench::with(&vec![1; places as usize]);
    for id in 0..places {
        bench.consume(ME, id, StreamStart::Offset(Offset::from(id)), 1);
        assert!(bench.effects.len() <= READS_MAX + 1);
    }
    bench.run();
    for id in 0..places {
        assert_eq!(bench.got_offsets(ME, id), [Offset::from(id)]);
    }
}

#[test]
fn a_full_session_window_holds_up_its_own_consumers_only() {
    let mut bench = Bench::new();
    let len = SESSION_WINDOW_BYTES / 4;
    (0..8).for_each(|_| bench.publish(1, len));
    bench.consume(ME, 1, StreamStart::First, 100);
    bench.consume(SessionId(2), 1, StreamStart::First, 2);
    let got = bench.got(ME, 1);
    assert_eq!(got.iter().map(offset).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert_eq!(bench.got_offsets(SessionId(2), 1), [0, 1]);
    let bytes = got[0].message.record().len();
    assert_eq!(bench.stalled, [ME]);
    bench.sessions.written(ME, bytes);
    bench.call(|queue, scene| queue.wake(ME, scene));
    assert_eq!(bench.got_offsets(ME, 1), [4]);
}

#[test]
fn a_sharing_consumer_is_offered_what_there_is_and_gets_what_it_is_granted() {
    let mut bench = Bench::with(&[3, 3, 3]);
    let consume = Consume {
        shared: true,
        ..consume(1, StreamStart::First, 0)
    };
    bench.call(|queue, scene| queue.consume(ME, consume, scene));
    assert_eq!(bench.got_offsets(ME, 1), [0; 0]);
    let mut offsets = Vec::new();
    // A chunk has two batches.
    for (offered, granted, delivered, unused) in [(6, 4, 4, 0), (2, 10, 2, 8), (3, 3, 3, 0)] {
        let offers = bench
            .notices
            .drain(..)
            .filter_map(|(_, notice)| match notice {
                Notice::Offer {
                    consumer: ConsumerId(1),
                    count,
                    ..
                } => Some(count),
                _ => None,
            });
        assert_eq!(offers.collect::<Vec<_>>(), [offered]);
        bench.call(|queue, scene| queue.grant(ME, ConsumerId(1), granted, scene));
        let got = bench.got_offsets(ME, 1);
        assert_eq!(got.len(), delivered);
        offsets.extend(got);
        let returned = bench.notices.iter().find_map(|(_, notice)| match notice {
            Notice::Unused {
                consumer: ConsumerId(1),
                count,
            } => Some(*count),
            _ => None,
        });
        assert_eq!(returned.unwrap_or(0), unused);
        bench
            .notices
            .retain(|(_, notice)| matches!(notice, Notice::Offer { .. }));
    }
    assert_eq!(offsets, (0..9).collect::<Vec<_>>());
    // At the end it is offered nothing, until the channel has no limit any more.
    bench.publish(1, 0);
    bench.run();
    assert_eq!(bench.notices.len(), 1);
    bench.call(|queue, scene| queue.share(ME, ConsumerId(1), false, scene));
    assert_eq!(bench.got_offsets(ME, 1), [9]);
    // Grants of nobody are given back.
    bench.notices.clear();
    bench.call(|queue, scene| queue.grant(ME, ConsumerId(5), 7, scene));
    assert!(matches!(
        bench.notices[..],
        [(ME, Notice::Unused { count: 7, .. })]
    ));
}

#[test]
fn a_trimmed_stream_goes_on_at_its_start() {
    let mut bench = Bench::with(&[2, 2, 2]);
    bench.consume(ME, 1, StreamStart::First, 1);
    assert_eq!(bench.got_offsets(ME, 1), [0]);
    // The second consumer's read comes too late.
    bench.consume(ME, 2, StreamStart::Offset(4), 10);
    bench.bounds.log_start = 5;
    bench.call(StreamQueue::changed);
    assert_eq!(bench.got_offsets(ME, 2), [5]);
    let position = crate::mail::Position {
        level: 0,
        offset: 0,
    };
    bench.call(|queue, scene| queue.settle(ME, &[position], scene));
    assert_eq!(bench.got_offsets(ME, 1), [5]);
    // Even where all of it is gone.
    bench.bounds.log_start = 6;
    let position = crate::mail::Position {
        level: 0,
        offset: 5,
    };
    bench.call(|queue, scene| queue.settle(ME, &[position], scene));
    assert_eq!(bench.got_offsets(ME, 1), [0; 0]);
    bench.publish(1, 0);
    assert_eq!(bench.got_offsets(ME, 1), [6]);
}

#[test]
fn what_cannot_be_read_is_passed_over() {
    let mut bench = Bench::with(&[2, 2, 2]);
    let mut bad = BytesMut::from(&bench.batches[1].1[..]);
    // The first record's length says more than there is.
    bad[record_batch::HEADER_LEN] = 0x7e;
    bench.batches[1].1 = bad.freeze();
    bench.consume(ME, 1, StreamStart::First, 10);
    assert_eq!(bench.got_offsets(ME, 1), [0, 1, 4, 5]);
    bench.consume(ME, 2, StreamStart::First, 10);
    assert_eq!(bench.got_offsets(ME, 2), [0, 1, 4, 5]);
    let tally = bench.queue.take_tally();
    assert_eq!((tally.delivered, tally.damaged), (8, 1));
    // The log gives nothing of a range that is damaged as a whole.
    let end = bench.bounds.high_watermark + 4;
    bench.bounds.high_watermark = end;
    bench.call(StreamQueue::changed);
    bench.run();
    bench.publish(1, 0);
    assert_eq!(bench.got_offsets(ME, 1), [end]);
}

#[test]
fn consumers_learn_that_the_stream_is_gone() {
    let mut bench = Bench::with(&[1]);
    bench.consume(ME, 1, StreamStart::Next, 1);
    bench.consume(SessionId(2), 8, StreamStart::Next, 1);
    bench.notices.clear();
    bench.queue.gone(&mut bench.notices);
    let told = bench.notices.iter().map(|(session, notice)| match notice {
        Notice::Cancelled { consumer } => (session.0, consumer.0),
        other => panic!("{other:?}"),
    });
    assert_eq!(told.collect::<Vec<_>>(), [(1, 1), (2, 8)]);
    assert!(bench.queue.is_unused());
    // What is still under way does not matter any more.
    bench.run();
}
