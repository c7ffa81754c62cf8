//! The driver of one shard's group coordinator: it carries mail to the machine, and the machine's
//! effects to the log and back to those who asked.
//!
//! It promises that several writes are under way at once, in the order that the machine chose, and
//! that nobody waits for another group's write. It owns no group state.

use crate::groups::{
    Coordinator, Effect, Entry, Input, Reply, Request, Restore, Ticket, Token, TopicId, WriteFailed,
};
use crate::settings::Settings;
use base::{BoxFuture, Clock, Monotonic};
use commitlog::{Cell, Cells, Kind, ShardHandle};
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Requests that may wait for a coordinator. A connection has at most one, so that this is the number
/// of connections that can ask at the same instant before they wait for each other.
const MAIL_MAX: usize = 256;

/// Writes under way to the log. While there are more no mail is taken, so that a slow disk holds
/// clients up instead of filling memory; time-outs and outcomes are still handled.
const WRITES_MAX: usize = 256;

enum Mail {
    Request(Request, oneshot::Sender<Reply>),
    TopicDeleted(TopicId),
}

/// How sessions reach a coordinator.
pub(crate) struct Mailbox(mpsc::Sender<Mail>);

impl Mailbox {
    /// The answer to a request, now or minutes later; `None` where the coordinator is gone. Whoever
    /// drops the future has nothing left to clean up; the request may be carried out all the same.
    pub(crate) async fn ask(&self, request: Request) -> Option<Reply> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Mail::Request(request, reply)).await.ok()?;
        answer.await.ok()
    }

    /// Says that a topic is gone.
    pub(crate) async fn topic_deleted(&self, topic: TopicId) {
        // A coordinator that is gone has nothing to forget; the next one compares its topics at the start.
        let _ = self.0.send(Mail::TopicDeleted(topic)).await;
    }
}

/// What a coordinator stands on.
pub(crate) struct Ground<'a> {
    pub(crate) shard: ShardHandle,
    pub(crate) cells: Option<&'a Cells>,
    pub(crate) settings: &'a Settings,
    pub(crate) clock: Arc<dyn Clock>,
    /// The topics that exist; positions in others are forgotten.
    pub(crate) known_topics: &'a HashSet<TopicId>,
}

/// One coordinator and what is under way on its behalf.
pub(crate) struct Coordination {
    machine: Coordinator,
    mail: mpsc::Receiver<Mail>,
    shard: ShardHandle,
    clock: Arc<dyn Clock>,
    asking: HashMap<Token, oneshot::Sender<Reply>>,
    token_next: u64,
    writes: FuturesOrdered<BoxFuture<'static, (Ticket, Result<(), WriteFailed>)>>,
    effects: Vec<Effect>,
}

impl Coordination {
    /// A coordinator with the groups that the shard's cells tell of.
    pub(crate) fn restore(ground: Ground<'_>) -> (Mailbox, Self) {
        let mut restore = Restore::new();
        let cells = ground.cells.iter().flat_map(|cells| cells.of(Kind::Group));
        for (key, value) in cells {
            let entry = Entry {
                key: key.clone(),
                value: Some(value.clone()),
            };
            if let Err(error) = restore.apply(entry) {
                tracing::error!(%error, "an entry of a group's state cannot be read and is left out");
            }
        }
        let machine = restore.finish(group_settings(ground.settings), ground.clock.now());
        let mut gone: Vec<_> = machine.topic_ids().into_iter().collect();
        gone.retain(|topic| !ground.known_topics.contains(topic));
        let (sender, mail) = mpsc::channel(MAIL_MAX);
        let mut coordination = Self {
            machine,
            mail,
            shard: ground.shard,
            clock: ground.clock,
            asking: HashMap::new(),
            token_next: 0,
            writes: FuturesOrdered::new(),
            effects: Vec::new(),
        };
        if !gone.is_empty() {
            coordination.input(Input::TopicsDeleted(gone));
        }
        (Mailbox(sender), coordination)
    }

    /// Coordinates until every mailbox is gone.
    pub(crate) async fn run(mut self) {
        let mut alarm = Alarm::default();
        loop {
            alarm.set(&*self.clock, self.machine.deadline());
            tokio::select! {
                biased;
                Some((ticket, outcome)) = self.writes.next(), if !self.writes.is_empty() => {
                    self.input(Input::Persisted { ticket, outcome });
                }
                () = alarm.ring() => {
                    alarm = Alarm::default();
                    self.input(Input::Tick);
                }
                mail = self.mail.recv(), if self.writes.len() < WRITES_MAX => match mail {
                    Some(Mail::Request(request, reply)) => self.request(request, reply),
                    Some(Mail::TopicDeleted(topic)) => self.input(Input::TopicsDeleted(vec![topic])),
                    None => break,
                },
            }
        }
        // What was submitted becomes durable without us; nobody is left to be told.
        while self.writes.next().await.is_some() {}
    }

    fn request(&mut self, request: Request, reply: oneshot::Sender<Reply>) {
        let token = Token(self.token_next);
        self.token_next += 1;
        self.asking.insert(token, reply);
        self.input(Input::Request { token, request });
    }

    fn input(&mut self, input: Input) {
        let (now, wall) = (self.clock.now(), self.clock.wall());
        self.machine.handle(now, wall, input, &mut self.effects);
        for effect in self.effects.drain(..) {
            match effect {
                Effect::Reply { token, reply } => {
                    if let Some(asking) = self.asking.remove(&token) {
                        // Whoever asked may have gone away.
                        let _ = asking.send(reply);
                    }
                }
                Effect::Persist { ticket, entries } => {
                    let shard = self.shard.clone();
                    let cells = entries.into_iter().map(cell).collect();
                    // Ordered: they are polled, and so sent to the shard, in the order of tickets.
                    self.writes.push_back(Box::pin(async move {
                        let outcome = shard.write(cells).await;
                        (ticket, outcome.map_err(|_| WriteFailed::Lost))
                    }));
                }
            }
        }
    }
}

fn cell(entry: Entry) -> Cell {
    Cell {
        kind: Kind::Group,
        key: entry.key,
        value: entry.value,
    }
}

fn group_settings(settings: &Settings) -> crate::groups::Settings {
    crate::groups::Settings {
        session_timeout_min: settings.group_min_session_timeout,
        session_timeout_max: settings.group_max_session_timeout,
        initial_rebalance_delay: settings.group_initial_rebalance_delay,
        offsets_retention: settings.offsets_retention,
        ..crate::groups::Settings::default()
    }
}

/// A sleep that is made again only when its end moves.
#[derive(Default)]
struct Alarm(Option<(Monotonic, BoxFuture<'static, ()>)>);

impl Alarm {
    fn set(&mut self, clock: &dyn Clock, at: Option<Monotonic>) {
        if self.0.as_ref().map(|(set, _)| *set) != at {
            self.0 = at.map(|at| (at, clock.sleep_until(at)));
        }
    }

    async fn ring(&mut self) {
        match &mut self.0 {
            Some((_, sleep)) => sleep.await,
            None => std::future::pending().await,
        }
    }
}
