//! The driver of one shard's host: it carries mail to the machine, and what the machine wants to the log,
//! the catalog, the sessions and the other hosts.
//!
//! It promises that commits reach the log in the machine's order, that it never waits for a session or
//! another host, and that everybody is told when the log takes no more writes. It owns no queue state.

mod commits;
mod opening;
mod reading;
mod sessions;
mod streams;

use super::alarm::Alarm;
use super::directory::Directory;
use super::host::Host;
use super::io::{Batches, Effect, HostMail, Input, Read};
use super::keyed::KeyedMap;
use super::pressure::Pressure;
use super::registry::Registry;
use super::report::QueueReport;
use crate::mail::{Answer, Notice, QueueId, Refusal, Request, SessionId, Ticket};
use crate::streams::{Ground as StreamGround, Streams};
use crate::topic_keeper::TopicKeeper;
use base::{BoxFuture, Clock, Monotonic, Timestamp};
use cluster::{Catalog, TopologyError};
use commitlog::{Closed, Log, ShardHandle};
use commits::{Commits, QueueCells};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use reading::load;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::mpsc::{Receiver, UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;

/// Mail that is handled before it is made one commit.
const DRAIN_MAX: usize = 256;
/// The session that questions of this process are asked as.
const OURSELVES: SessionId = SessionId(0);

/// Something that a host gets.
pub(crate) enum Mail {
    Request(SessionId, Request),
    Ask(Ask),
}

/// A question of this process.
pub(crate) enum Ask {
    Reports(oneshot::Sender<Vec<QueueReport>>),
    Report(QueueId, oneshot::Sender<Option<QueueReport>>),
    Request(Request, oneshot::Sender<Result<Answer, Refusal>>),
}

/// What a driver is made of.
pub(crate) struct Parts {
    pub(crate) machine: Host,
    /// What the log said of the machine at the start.
    pub(crate) cells: QueueCells,
    pub(crate) mail: Receiver<Mail>,
    /// From other hosts. Its length is bounded by what each may send before it is answered.
    pub(crate) inbox: UnboundedReceiver<HostMail>,
    /// To the hosts of all shards.
    pub(crate) letters: Arc<[UnboundedSender<HostMail>]>,
    pub(crate) log: Arc<Log>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) pressure: Arc<Pressure>,
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) topics: Arc<dyn TopicKeeper>,
}

/// A driver.
pub(crate) struct Driver {
    parts: Parts,
    shard: ShardHandle,
    /// The shard's stream queues, which are not the machine's.
    streams: Streams,
    effects: Vec<Effect>,
    /// When what has arrived is handled.
    time: Option<(Monotonic, Timestamp)>,
    commits: Commits,
    reads: FuturesUnordered<BoxFuture<'static, (Read, Option<Batches>)>>,
    removals: FuturesUnordered<BoxFuture<'static, (QueueId, Result<(), Closed>)>>,
    /// Queues to be opened for the machine.
    wanted: Vec<QueueId>,
    /// Sessions that this host has heard of.
    sessions: KeyedMap<SessionId, UnboundedSender<Notice>>,
    leaving: Vec<SessionId>,
    asking: HashMap<Ticket, oneshot::Sender<Result<Answer, Refusal>>>,
    ticket_next: u64,
    /// What was reported of memory.
    transient_bytes: usize,
}

impl Driver {
    pub(crate) fn new(parts: Parts) -> Self {
        let commits = Commits::new(parts.cells.clone());
        let shard = parts.log.shard(parts.machine.shard()).clone();
        let streams = Streams::new(StreamGround {
            log: parts.log.clone(),
            catalog: parts.catalog.clone(),
            keeper: parts.topics.clone(),
            clock: parts.clock.clone(),
            shard: shard.clone(),
        });
        Self {
            parts,
            streams,
            shard,
            effects: Vec::new(),
            time: None,
            commits,
            reads: FuturesUnordered::new(),
            removals: FuturesUnordered::new(),
            wanted: Vec::new(),
            sessions: KeyedMap::default(),
            leaving: Vec::new(),
            asking: HashMap::new(),
            ticket_next: 0,
            transient_bytes: 0,
        }
    }

    /// Serves until every mailbox is gone, or the log is.
    pub(crate) async fn run(mut self) {
        while self.serve().await.is_err() {
            // Mail that was being handled is lost, so that everybody has to ask again.
            self.parts.registry.tell_all(&Notice::Lost);
            if !self.start_over().await {
                break;
            }
        }
        self.parts.pressure.change(self.transient_bytes, 0);
    }

    async fn serve(&mut self) -> Result<(), Closed> {
        self.open_all().await?;
        self.finish().await?;
        let mut alarm = Alarm::default();
        let mut mail = Vec::with_capacity(DRAIN_MAX);
        loop {
            alarm.set(&*self.parts.clock, self.parts.machine.deadline());
            tokio::select! {
                biased;
                outcome = self.commits.next(), if !self.commits.is_empty() => self.landed(outcome)?,
                Some((read, outcome)) = self.reads.next(), if !self.reads.is_empty() => {
                    self.input(Input::Loaded { read, outcome });
                }
                Some((queue, outcome)) = self.removals.next(), if !self.removals.is_empty() => {
                    outcome?;
                    self.input(Input::Undeclared { queue });
                }
                event = self.streams.next(), if self.streams.is_waiting() => {
                    self.stream_event(event).await?;
                }
                Some(letter) = self.parts.inbox.recv() => self.letter(letter).await?,
                () = alarm.ring() => self.input(Input::Tick),
                count = self.parts.mail.recv_many(&mut mail, DRAIN_MAX), if self.takes_mail() => {
                    if count == 0 {
                        break;
                    }
                    for mail in mail.drain(..) {
                        self.mail(mail).await?;
                        self.unburden().await?;
                    }
                }
            }
            self.drain_landed()?;
            self.finish().await?;
        }
        self.stop().await
    }

    /// Lets everything become durable that was said, acknowledgements too, so that an orderly stop redelivers
    /// nothing that was acknowledged. Nobody is left to be told.
    async fn stop(&mut self) -> Result<(), Closed> {
        loop {
            self.parts.machine.wind_up();
            self.finish().await?;
            if !self.commits.is_empty() {
                let outcome = self.commits.next().await;
                self.landed(outcome)?;
            } else if let Some((queue, outcome)) = self.removals.next().await {
                outcome?;
                self.input(Input::Undeclared { queue });
            } else {
                break;
            }
        }
        self.streams.finish().await
    }

    fn takes_mail(&self) -> bool {
        self.parts.machine.takes_mail() && !self.streams.is_busy()
    }

    /// The time at which what has arrived is handled: one for all of it, so that what is ready is not too old
    /// before it was offered to anybody.
    fn time(&mut self) -> (Monotonic, Timestamp) {
        let clock = &self.parts.clock;
        *self.time.get_or_insert_with(|| (clock.now(), clock.wall()))
    }

    fn input(&mut self, input: Input) {
        let (now, wall) = self.time();
        self.parts.machine.handle(now, wall, input);
    }

    fn landed(&mut self, outcome: Result<(), Closed>) -> Result<(), Closed> {
        outcome?;
        self.input(Input::Landed);
        Ok(())
    }

    /// Takes note of all commits that are durable by now.
    fn drain_landed(&mut self) -> Result<(), Closed> {
        while let Some(outcome) = self.commits.try_next() {
            self.landed(outcome)?;
        }
        Ok(())
    }

    /// Hands large messages on before more are taken: a commit is bounded, and so is what waits for the disk.
    async fn unburden(&mut self) -> Result<(), Closed> {
        while self.parts.machine.is_burdened() || !self.parts.machine.takes_mail() {
            self.finish().await?;
            if self.parts.machine.is_burdened() || !self.parts.machine.takes_mail() {
                let outcome = self.commits.next().await;
                self.landed(outcome)?;
            }
        }
        Ok(())
    }

    async fn mail(&mut self, mail: Mail) -> Result<(), Closed> {
        match mail {
            Mail::Request(session, request) => {
                self.know(session);
                if matches!(request, Request::Leave) {
                    self.leaving.push(session);
                }
                self.request(session, request).await
            }
            Mail::Ask(Ask::Reports(reply)) => {
                let mut reports = self.parts.machine.reports();
                reports.extend(self.streams.reports(self.parts.machine.shard()));
                // Whoever asked may have gone away.
                let _ = reply.send(reports);
                Ok(())
            }
            Mail::Ask(Ask::Report(queue, reply)) => {
                let report = self.parts.machine.report(queue);
                let _ = reply.send(report.or_else(|| self.streams.report(queue)));
                Ok(())
            }
            Mail::Ask(Ask::Request(mut request, reply)) => {
                self.ticket_next += 1;
                let given = Ticket(self.ticket_next);
                if let Request::Purge { ticket, .. }
                | Request::Delete { ticket, .. }
                | Request::Inspect { ticket, .. } = &mut request
                {
                    *ticket = given;
                    self.asking.insert(given, reply);
                }
                self.request(OURSELVES, request).await
            }
        }
    }

    async fn request(&mut self, session: SessionId, request: Request) -> Result<(), Closed> {
        let Some(request) = self.stream_request(session, request) else {
            return Ok(());
        };
        let wrote = matches!(request, Request::Written { .. });
        let (machine, wanted) = (&self.parts.machine, &mut self.wanted);
        machine.unopened(&request, |queue| wanted.push(queue));
        self.open_wanted().await?;
        self.input(Input::Request { session, request });
        if wrote {
            self.with_streams(|streams, lent| streams.written(session, lent));
        }
        Ok(())
    }

    async fn letter(&mut self, letter: HostMail) -> Result<(), Closed> {
        match self.stream_letter(letter) {
            Some(letter) => self.take_letter(letter).await,
            None => Ok(()),
        }
    }

    async fn take_letter(&mut self, letter: HostMail) -> Result<(), Closed> {
        let (machine, wanted) = (&self.parts.machine, &mut self.wanted);
        machine.unopened_by_mail(&letter, |queue| wanted.push(queue));
        self.open_wanted().await?;
        self.input(Input::Mail(letter));
        Ok(())
    }

    /// Lets the machine finish, and does what it wants.
    async fn finish(&mut self) -> Result<(), Closed> {
        loop {
            let (now, wall) = self.time();
            self.parts.machine.finish(now, wall, &mut self.effects);
            let mut effects = std::mem::take(&mut self.effects);
            for effect in effects.drain(..) {
                self.carry_out(effect).await?;
            }
            self.effects = effects;
            if self.wanted.is_empty() {
                break;
            }
            self.open_wanted().await?;
        }
        self.time = None;
        for session in self.leaving.drain(..) {
            self.sessions.remove(&session);
        }
        let transient_bytes = self.parts.machine.transient_bytes();
        self.parts
            .pressure
            .change(self.transient_bytes, transient_bytes);
        self.transient_bytes = transient_bytes;
        Ok(())
    }

    async fn carry_out(&mut self, effect: Effect) -> Result<(), Closed> {
        match effect {
            Effect::Notify(session, Notice::Published { ticket, rejected }) => {
                // It may have gone to stream queues, too.
                if let Some(answer) = self.streams.join(session, ticket, rejected) {
                    self.notify(session, answer);
                }
            }
            Effect::Notify(session, notice) => self.notify(session, notice),
            Effect::Commit(entries) => self.commits.submit(&self.shard, entries).await?,
            Effect::Read(read) => {
                let log = self.parts.log.clone();
                self.reads
                    .push(Box::pin(async move { (read, load(&log, read).await) }));
            }
            Effect::Open(queue) => self.wanted.push(queue),
            Effect::Undeclare(queue) => {
                let catalog = self.parts.catalog.clone();
                self.removals.push(Box::pin(async move {
                    let outcome = match catalog.delete_queue(queue).await {
                        Err(TopologyError::Closed(closed)) => Err(closed),
                        // Where it was not there, it is gone all the more.
                        _ => Ok(()),
                    };
                    (queue, outcome)
                }));
            }
            Effect::Send(to, mail) => {
                if let Some(host) = self.parts.letters.get(usize::from(to.0)) {
                    // A host that has ended gets it after the next start.
                    let _ = host.send(mail);
                }
            }
        }
        Ok(())
    }
}
