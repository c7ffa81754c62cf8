//! What the rest of the broker holds of all queues: mailboxes of their hosts, and the sessions' notices.

use super::catalog_directory::CatalogDirectory;
use super::driver::{Ask, Driver, Mail, Parts};
use super::host::Host;
use super::io::HostMail;
use super::outbox::{raise_used, taken_key};
use super::pressure::Pressure;
use super::registry::Registry;
use super::report::QueueReport;
use crate::mail::{Answer, Counts, Notice, QueueId, Refusal, Request, SessionId, Ticket};
use crate::topic_keeper::TopicKeeper;
use base::{BoxFuture, Clock, ShardId};
use cluster::{Catalog, TopologyError};
use commitlog::{Cells, Closed, Kind, Log};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::{oneshot, watch};

/// Requests that may wait for a host. A session waits for room, and stops reading its socket.
const MAIL_MAX: usize = 1024;

/// Bytes of messages in memory only, in all queues together, above which publishers should be stopped.
pub const TRANSIENT_BYTES_MAX_DEFAULT: usize = 256 << 20;

/// What queues stand on.
pub struct Ground<'a> {
    /// The log that they are in.
    pub log: Arc<Log>,
    /// What its cells said at the start.
    pub cells: &'a BTreeMap<ShardId, Cells>,
    /// Where queues and bindings are declared.
    pub catalog: Arc<Catalog>,
    /// Whoever keeps the topics that stream queues are.
    pub topics: Arc<dyn TopicKeeper>,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// See [`TRANSIENT_BYTES_MAX_DEFAULT`].
    pub transient_bytes_max: usize,
}

/// Queues that are being opened; mail to them waits until they are.
pub struct Opened {
    /// The queues.
    pub queues: Arc<Queues>,
    /// The hosts: the driver runs each to its end. They end when `queues` is dropped.
    pub tasks: Vec<BoxFuture<'static, ()>>,
}

/// The host is gone: the log takes no more writes, or the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the queues' host is gone")]
pub struct Gone;

/// A session's part.
pub struct Attached {
    /// Its name in all mail.
    pub session: SessionId,
    /// What hosts send to it.
    pub notices: UnboundedReceiver<Notice>,
    /// The other end, for those whom it tells how to reach it.
    pub sender: UnboundedSender<Notice>,
}

/// All queues.
pub struct Queues {
    hosts: Vec<mpsc::Sender<Mail>>,
    registry: Arc<Registry>,
    pressure: Arc<Pressure>,
    catalog: Arc<Catalog>,
}

impl Queues {
    /// Makes the hosts of all shards of a log.
    #[must_use]
    pub fn open(ground: Ground<'_>) -> Opened {
        let registry = Arc::new(Registry::default());
        let pressure = Arc::new(Pressure::new(ground.transient_bytes_max));
        let directory = Arc::new(CatalogDirectory(ground.catalog.clone()));
        let shards = ground.log.shards().len();
        let (letters, inboxes): (Vec<_>, Vec<_>) = (0..shards)
            .map(|_| mpsc::unbounded_channel::<HostMail>())
            .unzip();
        let letters: Arc<[_]> = letters.into();
        let none = Cells::default();
        let mut hosts = Vec::new();
        let mut tasks: Vec<BoxFuture<'static, ()>> = Vec::new();
        for (number, inbox) in (0..).zip(inboxes) {
            let shard = ShardId(number);
            let cells = ground.cells.get(&shard).unwrap_or(&none).of(Kind::Queue);
            let mut cells: BTreeMap<_, _> = cells
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            let key = taken_key(shard);
            let taken = ground.cells.iter().map(|(other, cells)| {
                let taken = cells.of(Kind::Queue).find(|(known, _)| **known == key);
                (*other, taken.map(|(_, value)| value))
            });
            raise_used(&mut cells, shard, taken);
            let (sender, mail) = mpsc::channel(MAIL_MAX);
            hosts.push(sender);
            let driver = Driver::new(Parts {
                machine: Host::new(shard, directory.clone(), cells.iter()),
                cells,
                mail,
                inbox,
                letters: letters.clone(),
                log: ground.log.clone(),
                catalog: ground.catalog.clone(),
                clock: ground.clock.clone(),
                registry: registry.clone(),
                pressure: pressure.clone(),
                directory: directory.clone(),
                topics: ground.topics.clone(),
            });
            tasks.push(Box::pin(driver.run()));
        }
        Opened {
            queues: Arc::new(Self {
                hosts,
                registry,
                pressure,
                catalog: ground.catalog,
            }),
            tasks,
        }
    }

    /// A new session.
    #[must_use]
    pub fn attach(&self) -> Attached {
        let (session, sender, notices) = self.registry.add();
        Attached {
            session,
            notices,
            sender,
        }
    }

    /// Sends a request to a shard's host; waits while too many wait there.
    ///
    /// # Errors
    /// Where the host is gone.
    pub async fn send(
        &self,
        shard: ShardId,
        session: SessionId,
        request: Request,
    ) -> Result<(), Gone> {
        let mail = Mail::Request(session, request);
        self.host(shard).send(mail).await.map_err(|_| Gone)
    }

    /// The session has ended: tells every host. Afterwards nothing is sent to it.
    pub async fn leave(&self, session: SessionId) {
        for host in &self.hosts {
            // A host that is gone has forgotten the session.
            let _ = host.send(Mail::Request(session, Request::Leave)).await;
        }
        self.registry.remove(session);
    }

    /// Becomes true while publishers should be stopped, because too much is in memory.
    #[must_use]
    pub fn alarm(&self) -> watch::Receiver<bool> {
        self.pressure.watch()
    }

    /// Bytes of messages that are in memory only.
    #[must_use]
    pub fn transient_bytes(&self) -> usize {
        self.pressure.bytes()
    }

    /// All queues of all hosts that have been used or are durable.
    pub async fn reports(&self) -> Vec<QueueReport> {
        let mut reports = Vec::new();
        for host in &self.hosts {
            let (reply, answer) = oneshot::channel();
            if host.send(Mail::Ask(Ask::Reports(reply))).await.is_ok() {
                reports.extend(answer.await.unwrap_or_default());
            }
        }
        reports
    }

    /// One queue; `None` where its host does not know it.
    pub async fn report(&self, shard: ShardId, queue: QueueId) -> Option<QueueReport> {
        let (reply, answer) = oneshot::channel();
        self.host(shard)
            .send(Mail::Ask(Ask::Report(queue, reply)))
            .await
            .ok()?;
        answer.await.ok()?
    }

    /// How much there is in a queue of any type; `None` where it is gone.
    pub async fn counts(&self, shard: ShardId, queue: QueueId) -> Option<Counts> {
        // A look at a queue does not count as use of it (`x-expires`), unless nobody has used it yet.
        if let Some(report) = self.report(shard, queue).await {
            return Some(report.counts);
        }
        let inspected = self.ask(shard, |ticket| Request::Inspect { ticket, queue });
        match inspected.await {
            Ok(Answer::Counts(counts)) => Some(counts),
            _ => None,
        }
    }

    /// Removes all ready messages of a queue.
    ///
    /// # Errors
    /// Where the host refuses.
    pub async fn purge(&self, shard: ShardId, queue: QueueId) -> Result<Answer, Refusal> {
        self.ask(shard, |ticket| Request::Purge { ticket, queue })
            .await
    }

    /// Removes a queue.
    ///
    /// # Errors
    /// Where the host refuses.
    pub async fn delete(
        &self,
        shard: ShardId,
        queue: QueueId,
        if_unused: bool,
        if_empty: bool,
    ) -> Result<Answer, Refusal> {
        let request = |ticket| Request::Delete {
            ticket,
            queue,
            if_unused,
            if_empty,
        };
        self.ask(shard, request).await
    }

    /// Removes a vhost with everything in it: its queues by their hosts first, so that nothing is written to
    /// one that is gone.
    ///
    /// # Errors
    /// Where there is none, the log takes no more writes, or somebody goes on declaring queues in it.
    pub async fn delete_vhost(&self, name: &str) -> Result<(), TopologyError> {
        // Whoever goes on declaring queues in it makes this take longer, not for ever.
        const ROUNDS_MAX: usize = 16;
        for _ in 0..ROUNDS_MAX {
            let topology = self.catalog.topology();
            let queues: Vec<_> = match topology.vhost(name) {
                Some(vhost) => vhost.queues().cloned().collect(),
                None => return Err(TopologyError::NoVhost),
            };
            for queue in queues {
                // One that is not there is gone as it should be.
                let outcome = self.delete(queue.shard, queue.id, false, false).await;
                if outcome == Err(Refusal::Lost) {
                    return Err(TopologyError::Closed(Closed));
                }
            }
            match self.catalog.delete_vhost(name).await {
                Err(TopologyError::InUse) => {}
                outcome => return outcome.map(drop),
            }
        }
        Err(TopologyError::InUse)
    }

    async fn ask(
        &self,
        shard: ShardId,
        request: impl FnOnce(Ticket) -> Request,
    ) -> Result<Answer, Refusal> {
        let (reply, answer) = oneshot::channel();
        // The host gives the ticket out.
        let ask = Ask::Request(request(Ticket(0)), reply);
        self.host(shard)
            .send(Mail::Ask(ask))
            .await
            .map_err(|_| Refusal::Lost)?;
        answer.await.unwrap_or(Err(Refusal::Lost))
    }

    fn host(&self, shard: ShardId) -> &mpsc::Sender<Mail> {
        &self.hosts[usize::from(shard.0) % self.hosts.len()]
    }
}
