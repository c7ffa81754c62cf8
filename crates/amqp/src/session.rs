//! One connection of a RabbitMQ client, as a machine: no socket, no clock, no tasks.
//!
//! # For the driver
//!
//! Whatever happens goes into [`Session::receive`] (bytes) and [`Session::handle`] (everything else). When
//! nothing more is at hand, [`Session::flush`] completes what was collected; then the driver sends what
//! [`Session::next_request`] gives, runs what [`Session::take_task`] gives (its outcome is an [`Input`]),
//! and writes [`Session::output`], with a [`Session::written`] when all of it is gone. Bytes that `receive`
//! does not take stay with the driver, and are offered again when [`Session::wants_input`].
//! A session that [`Session::is_over`] has nothing more to do than to have its output written.
//!
//! # What it promises
//!
//! Frames are handled in order; while one waits for a host or the catalog none behind it is taken, and
//! deliveries, confirms and heartbeats go on. A publish is answered once, when every queue that it went to
//! has it. What waits in memory for a client that does not read, or for hosts that are slow, is bounded by
//! the named limits of the modules below. No input panics.

mod batch;
mod bind;
mod channel;
mod close;
mod confirms;
mod consume;
mod consumers;
mod content;
mod declare;
mod deliver;
mod exchange;
mod failure;
mod frames;
mod get;
mod handshake;
mod heart;
mod methods;
mod names;
mod notice;
mod outbox;
mod publish;
mod qos;
mod queue;
mod reply_to;
mod sasl;
mod settle;
mod tx;
mod unacked;
mod view;
mod waiting;

use crate::broker::Broker;
use crate::mail::{Notice, QueueId, Request, SessionId};
use crate::task::{Done, Task};
use amqp_wire::connection;
use base::{Monotonic, ShardId, Timestamp};
use batch::Publisher;
use channel::Channels;
use consumers::Consumers;
use handshake::{Capabilities, Stage, Terms};
use heart::{Beat, Heart};
use outbox::Outbox;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;
use view::View;
use waiting::Waiting;

pub use amqp_wire::Output;
pub use batch::UNANSWERED_BYTES_MAX;
pub use content::{ASSEMBLING_BYTES_MAX, MESSAGE_BYTES_MAX};
pub use handshake::{CHANNEL_MAX, FRAME_MAX, HEARTBEAT_SECONDS};

/// Bytes for a client that may wait to be written before no more of its frames are handled. Deliveries
/// have a limit of their own.
pub const OUTPUT_BYTES_MAX: usize = 1 << 20;
/// How long publishes that are under way may take to be answered before a connection is closed because
/// the node stops: a sync on a slow disk.
const DRAIN_LIMIT: Duration = Duration::from_secs(5);

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Whether it is on this machine, by the address of the socket's peer.
    pub is_loopback: bool,
}

/// What a session is told.
#[derive(Debug)]
pub enum Input {
    /// By a host, or another session.
    Notice(Notice),
    /// What became of its task.
    Done(Done),
    /// Publishers are to be stopped, and why; `None`: no longer.
    Alarm(Option<&'static str>),
    /// The node stops.
    Drain,
    /// The deadline has come.
    Tick,
}

/// A connection.
pub struct Session {
    broker: Arc<Broker>,
    id: SessionId,
    /// For those who send direct replies.
    myself: UnboundedSender<Notice>,
    peer: Peer,
    stage: Stage,
    /// When the stage has lasted too long.
    stage_deadline: Option<Monotonic>,
    terms: Terms,
    user: Arc<str>,
    vhost: Arc<str>,
    can: Capabilities,
    heart: Heart,
    channels: Channels,
    consumers: Consumers,
    publisher: Publisher,
    outbox: Outbox,
    waiting: Option<Box<Waiting>>,
    /// The catalog as this wake-up sees it.
    view: Option<View>,
    /// Queues that go with this connection.
    exclusive: Vec<(ShardId, QueueId)>,
    /// Bytes that were offered and not taken: only more than these are a sign of life.
    left: usize,
    /// Something was written since the time was looked at.
    progress: bool,
    now: Monotonic,
    wall: Timestamp,
    alarm: Option<&'static str>,
    /// The client was told that it is blocked.
    blocked: bool,
    draining: bool,
}

impl Session {
    /// A connection that has just been accepted. `myself` is where its notices come from.
    #[must_use]
    pub fn new(
        broker: Arc<Broker>,
        id: SessionId,
        myself: UnboundedSender<Notice>,
        peer: Peer,
        now: Monotonic,
    ) -> Self {
        let nobody: Arc<str> = Arc::from("");
        Self {
            broker,
            id,
            myself,
            peer,
            stage: Stage::Header,
            stage_deadline: Some(now + handshake::HANDSHAKE_LIMIT),
            terms: Terms::default(),
            user: nobody.clone(),
            vhost: nobody,
            can: Capabilities::default(),
            heart: Heart::default(),
            channels: Channels::default(),
            consumers: Consumers::default(),
            publisher: Publisher::default(),
            outbox: Outbox::default(),
            waiting: None,
            view: None,
            exclusive: Vec::new(),
            left: 0,
            progress: false,
            now,
            wall: Timestamp(0),
            alarm: None,
            blocked: false,
            draining: false,
        }
    }

    /// Handles the frames that `input` begins with; returns how many bytes of it are done with. What is
    /// left is not whole, or must wait until [`Self::wants_input`].
    pub fn receive(&mut self, now: Monotonic, wall: Timestamp, input: &[u8]) -> usize {
        (self.now, self.wall) = (now, wall);
        if input.len() > self.left {
            self.heart.heard();
        }
        let mut taken = 0;
        while self.wants_input() && taken < input.len() {
            match self.step(&input[taken..]) {
                0 => break,
                count => taken += count,
            }
        }
        self.left = input.len() - taken;
        taken
    }

    /// Handles everything that is not bytes of the client.
    pub fn handle(&mut self, now: Monotonic, wall: Timestamp, input: Input) {
        (self.now, self.wall) = (now, wall);
        match input {
            Input::Notice(notice) => self.notice(notice),
            Input::Done(done) => self.done(done),
            Input::Alarm(reason) => self.set_alarm(reason),
            Input::Drain => {
                if !self.draining {
                    self.draining = true;
                    let limit = now + DRAIN_LIMIT;
                    self.stage_deadline =
                        Some(self.stage_deadline.map_or(limit, |at| at.min(limit)));
                }
            }
            Input::Tick => self.tick(),
        }
    }

    /// Completes what was collected: seals the run of publishes, answers publishers, settles. To be called
    /// when there is nothing more at hand.
    pub fn flush(&mut self) {
        self.seal();
        self.outbox.flush_settling();
        self.tell_confirms();
        self.release_held();
        if self.draining && self.waiting.is_none() && self.publisher.is_idle() {
            self.force_close();
        }
        self.view = None;
        if !self.outbox.out.is_empty() {
            self.heart.sent();
        }
    }

    /// When to come back with an [`Input::Tick`].
    #[must_use]
    pub fn deadline(&self) -> Option<Monotonic> {
        match (self.stage_deadline, self.heart.deadline()) {
            (Some(stage), Some(heart)) => Some(stage.min(heart)),
            (stage, heart) => stage.or(heart),
        }
    }

    /// Whether frames can be handled now.
    #[must_use]
    pub fn wants_input(&self) -> bool {
        let finishing = self.is_over() || (self.draining && matches!(self.stage, Stage::Open));
        // A publisher that is stopped may still agree to the end.
        let blocked = self.blocked && matches!(self.stage, Stage::Open);
        let held = self.waiting.is_some() || blocked;
        !finishing && !held && self.publisher.has_room() && self.outbox.out.len() < OUTPUT_BYTES_MAX
    }

    /// Whether the connection has ended: what is left is to write the output and close the socket.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    /// The next request to be sent to the host of a shard.
    pub fn next_request(&mut self) -> Option<(ShardId, Request)> {
        self.outbox.next_request()
    }

    /// What the driver is to do, with [`Broker::perform`]; there is one such task at a time.
    pub fn take_task(&mut self) -> Option<Task> {
        self.outbox.task.take()
    }

    /// Bytes for the client.
    pub fn output(&mut self) -> &mut Output {
        &mut self.outbox.out
    }

    /// Some of the output has been written: the client takes what it is sent.
    pub fn wrote(&mut self) {
        self.progress = true;
    }

    /// All of the output has been written.
    pub fn written(&mut self) {
        self.outbox.written();
    }

    /// Exclusive queues of a connection that broke: they are to be deleted by whoever drives it.
    pub fn take_exclusive(&mut self) -> Vec<(ShardId, QueueId)> {
        std::mem::take(&mut self.exclusive)
    }

    fn tick(&mut self) {
        if self.stage_deadline.is_some_and(|at| self.now >= at) {
            self.stage_deadline = None;
            self.stage_is_late();
        }
        if self.is_excused() {
            self.heart.heard();
        }
        match self.heart.look(self.now) {
            Beat::Quiet => {}
            Beat::Send => self.outbox.out.heartbeat(),
            Beat::Gone => {
                tracing::info!(user = %self.user, "a RabbitMQ client gives no sign of life; its connection is closed");
                self.end();
            }
        }
    }

    /// Whether the client's silence says nothing, because we do not listen: it waits for others, or it
    /// takes what it is sent, slowly.
    fn is_excused(&mut self) -> bool {
        let progress = std::mem::take(&mut self.progress);
        if self.wants_input() {
            return false;
        }
        progress || self.outbox.out.len() < OUTPUT_BYTES_MAX
    }

    fn set_alarm(&mut self, reason: Option<&'static str>) {
        self.alarm = reason;
        if reason.is_none() && std::mem::take(&mut self.blocked) && self.can.connection_blocked {
            self.outbox.send(0, &connection::Unblocked {});
        } else if self.publisher.has_published() {
            self.block();
        }
    }

    /// Stops a publisher while there is an alarm; returns whether there is.
    fn block(&mut self) -> bool {
        let Some(reason) = self.alarm else {
            return false;
        };
        if !std::mem::replace(&mut self.blocked, true) && self.can.connection_blocked {
            let reason = amqp_wire::ShortStr::clipped(reason);
            self.outbox.send(0, &connection::Blocked { reason });
        }
        true
    }
}
