//! A session that only sends mail and waits for what comes back.

use amqp::mail::{
    Answer, Consume, ConsumerId, Delivery, Notice, Outcome, Position, QueueId, Refusal, Request,
    SessionId, StreamStart, Ticket,
};
use amqp::queues::{Attached, Queues};
use amqp::run::{RUN_MESSAGES_MAX, Run, RunBuilder};
use base::ShardId;
use cluster::Queue;
use std::collections::{HashMap, VecDeque};
use std::num::NonZeroU32;
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedReceiver;

pub(crate) struct Client {
    queues: Arc<Queues>,
    pub(crate) session: SessionId,
    notices: UnboundedReceiver<Notice>,
    /// Deliveries that came while something else was waited for.
    deliveries: VecDeque<Delivery>,
    /// The shards of queues that it consumes from.
    shards: HashMap<QueueId, ShardId>,
    ticket: u64,
}

pub(crate) fn body(delivery: &Delivery) -> String {
    let parts = delivery.message.parts().expect("a message");
    String::from_utf8(parts.body.to_vec()).expect("text")
}

/// A run of messages with these bodies.
pub(crate) fn run(bodies: &[String]) -> Run {
    let mut run = RunBuilder::new(crate::world::START);
    for body in bodies {
        run.push(b"", b"key", b"\0\0", body.as_bytes(), 0, None);
    }
    run.seal().expect("not empty")
}

impl Client {
    pub(crate) fn new(queues: Arc<Queues>) -> Self {
        let Attached {
            session, notices, ..
        } = queues.attach();
        Self {
            queues,
            session,
            notices,
            deliveries: VecDeque::new(),
            shards: HashMap::new(),
            ticket: 0,
        }
    }

    fn ticket(&mut self) -> Ticket {
        self.ticket += 1;
        Ticket(self.ticket)
    }

    pub(crate) async fn send(&self, shard: ShardId, request: Request) {
        self.queues
            .send(shard, self.session, request)
            .await
            .expect("the host is there");
    }

    /// The next notice but for deliveries, which are put aside and reported as written.
    async fn next(&mut self) -> Notice {
        loop {
            match self.notices.recv().await.expect("sessions stay") {
                Notice::Deliver {
                    queue, deliveries, ..
                } => {
                    let bytes = deliveries
                        .iter()
                        .map(|delivery| delivery.message.record().len())
                        .sum();
                    let shard = self.shards[&queue];
                    self.send(shard, Request::Written { bytes }).await;
                    self.deliveries.extend(deliveries);
                }
                notice => return notice,
            }
        }
    }

    /// Publishes and waits until it is confirmed.
    pub(crate) async fn publish(&mut self, queue: &Queue, bodies: &[String]) {
        for bodies in bodies.chunks(RUN_MESSAGES_MAX) {
            let ticket = self.ticket();
            let (targets, run) = (vec![queue.id], run(bodies));
            self.send(
                queue.shard,
                Request::Publish {
                    ticket,
                    targets,
                    run,
                },
            )
            .await;
            match self.next().await {
                Notice::Published {
                    ticket: of,
                    rejected,
                } => assert_eq!((of, rejected), (ticket, vec![])),
                other => panic!("{other:?}"),
            }
        }
    }

    /// Publishes to several queues of a shard; returns what was refused.
    pub(crate) async fn publish_to(
        &mut self,
        shard: ShardId,
        targets: Vec<QueueId>,
        run: Run,
    ) -> Vec<u32> {
        let asked = self.ticket();
        let publish = Request::Publish {
            ticket: asked,
            targets,
            run,
        };
        self.send(shard, publish).await;
        match self.next().await {
            Notice::Published { ticket, rejected } if ticket == asked => rejected,
            other => panic!("{other:?}"),
        }
    }

    /// Publishes each message in a run of its own, without waiting in between, and waits for all confirms.
    pub(crate) async fn publish_at_once(&mut self, queue: &Queue, bodies: &[String]) {
        for body in bodies {
            let ticket = self.ticket();
            let (targets, run) = (vec![queue.id], run(std::slice::from_ref(body)));
            let request = Request::Publish {
                ticket,
                targets,
                run,
            };
            self.send(queue.shard, request).await;
        }
        for _ in bodies {
            let notice = self.next().await;
            assert!(matches!(notice, Notice::Published { .. }), "{notice:?}");
        }
    }

    /// Waits until it is told that the log has failed.
    pub(crate) async fn wait_for_lost(&mut self) {
        let notice = self.next().await;
        assert!(matches!(notice, Notice::Lost), "{notice:?}");
    }

    /// Publishes and is told that nobody knows what became of it.
    pub(crate) async fn expect_lost(&mut self, queue: &Queue, bodies: &[String]) {
        let ticket = self.ticket();
        let (targets, run) = (vec![queue.id], run(bodies));
        let request = Request::Publish {
            ticket,
            targets,
            run,
        };
        self.send(queue.shard, request).await;
        let notice = self.next().await;
        assert!(matches!(notice, Notice::Lost), "{notice:?}");
    }

    pub(crate) async fn ask(
        &mut self,
        shard: ShardId,
        request: impl FnOnce(Ticket) -> Request,
    ) -> Result<Answer, Refusal> {
        let ticket = self.ticket();
        self.send(shard, request(ticket)).await;
        match self.next().await {
            Notice::Answer {
                ticket: of,
                outcome,
            } if of == ticket => outcome,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn consume(&mut self, queue: &Queue, prefetch: u32) {
        self.consume_from(queue.shard, queue.id, 1, prefetch, StreamStart::Next)
            .await;
    }

    /// Consumes from a queue of any kind.
    pub(crate) async fn consume_from(
        &mut self,
        shard: ShardId,
        queue: QueueId,
        consumer: u32,
        prefetch: u32,
        start: StreamStart,
    ) {
        self.shards.insert(queue, shard);
        let consume = |ticket| Consume {
            ticket,
            queue,
            consumer: ConsumerId(consumer),
            tag: "c".to_owned(),
            no_ack: false,
            exclusive: false,
            priority: 0,
            prefetch: NonZeroU32::new(prefetch),
            shared: false,
            start,
        };
        let outcome = self
            .ask(shard, |ticket| Request::Consume(consume(ticket)))
            .await;
        assert_eq!(outcome, Ok(Answer::Consuming));
    }

    /// The next notice that is no delivery.
    pub(crate) async fn notice(&mut self) -> Notice {
        self.next().await
    }

    /// The next deliveries as they come, which are not reported as written.
    pub(crate) async fn unwritten(&mut self) -> (QueueId, Vec<Delivery>) {
        match self.notices.recv().await.expect("sessions stay") {
            Notice::Deliver {
                queue, deliveries, ..
            } => (queue, deliveries),
            other => panic!("{other:?}"),
        }
    }

    /// The next delivery.
    pub(crate) async fn delivery(&mut self) -> Delivery {
        loop {
            if let Some(delivery) = self.deliveries.pop_front() {
                return delivery;
            }
            match self.notices.recv().await.expect("sessions stay") {
                Notice::Deliver {
                    queue, deliveries, ..
                } => {
                    let bytes = deliveries
                        .iter()
                        .map(|delivery| delivery.message.record().len())
                        .sum();
                    let shard = self.shards[&queue];
                    self.send(shard, Request::Written { bytes }).await;
                    self.deliveries.extend(deliveries);
                }
                other => panic!("{other:?}"),
            }
        }
    }

    pub(crate) async fn settle(&self, queue: &Queue, position: Position, outcome: Outcome) {
        let request = Request::Settle {
            queue: queue.id,
            positions: vec![position],
            outcome,
            ticket: None,
        };
        self.send(queue.shard, request).await;
    }

    /// `basic.get` without acknowledgement.
    pub(crate) async fn get(&mut self, queue: &Queue) -> Option<Delivery> {
        let ticket = self.ticket();
        let get = Request::Get {
            ticket,
            queue: queue.id,
            no_ack: true,
        };
        self.send(queue.shard, get).await;
        match self.next().await {
            Notice::Got {
                ticket: of,
                outcome,
            } if of == ticket => outcome
                .expect("the queue is there")
                .map(|(delivery, _)| delivery),
            other => panic!("{other:?}"),
        }
    }

    /// Everything that is ready, as bodies; redelivered ones have a `!`.
    pub(crate) async fn empty(&mut self, queue: &Queue) -> Vec<String> {
        let mut found = Vec::new();
        while let Some(delivery) = self.get(queue).await {
            let mark = if delivery.redelivered { "!" } else { "" };
            found.push(format!("{}{mark}", body(&delivery)));
        }
        found
    }
}
