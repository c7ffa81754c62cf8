//! One connection of the RabbitMQ face: bytes in, bytes out, and the session between them.
//!
//! It moves bytes and mail and nothing else; what they mean is the session's business. It reads while it
//! writes, so that a client that sends without reading is not left hanging, and keeps no buffers while
//! nothing happens.

use amqp::mail::{Notice, Request, Ticket};
use amqp::queues::{Attached, Queues};
use amqp::session::{Input, Peer, Session};
use amqp::{Broker, Done};
use base::{BoxFuture, Clock, Monotonic};
use bytes::{Buf, BytesMut};
use std::io::{self, ErrorKind, IoSlice};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncWriteExt, Interest};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

/// Least and most room that is made for a read, in bytes. It follows what the reads before brought.
const READ_BYTES: std::ops::RangeInclusive<usize> = (4 << 10)..=(64 << 10);
/// Bytes that may wait until the session can handle them: more than any frame, so that one is whole.
const INPUT_BYTES_MAX: usize = 256 << 10;
/// Notices that are handled before the client is told of them.
const NOTICES_MAX: usize = 64;
/// Slices of one vectored write.
const SLICES: usize = 64;
/// How long what is left to be written may take when a connection has ended.
const LAST_BYTES: Duration = Duration::from_secs(5);

/// What all connections are told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Signal {
    /// Publishers are to be stopped, and why.
    pub(crate) alarm: Option<&'static str>,
    /// The node stops.
    pub(crate) stopping: bool,
}

/// What a connection stands on.
#[derive(Clone)]
pub(crate) struct Ground {
    pub(crate) broker: Arc<Broker>,
    pub(crate) queues: Arc<Queues>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) signal: watch::Receiver<Signal>,
}

/// A connection.
pub(crate) struct Connection {
    ground: Ground,
    socket: TcpStream,
    session: Session,
    attached: Attached,
    /// What was read and not handled.
    input: BytesMut,
    room: usize,
    /// What the session waits for.
    task: Option<BoxFuture<'static, Done>>,
    alarm: Alarm,
    /// The session was told that the node stops.
    stopping: bool,
}

impl Connection {
    pub(crate) fn new(ground: Ground, socket: TcpStream, peer: SocketAddr) -> Self {
        let attached = ground.queues.attach();
        let peer = Peer {
            is_loopback: peer.ip().to_canonical().is_loopback(),
        };
        let session = Session::new(
            ground.broker.clone(),
            attached.session,
            attached.sender.clone(),
            peer,
            ground.clock.now(),
        );
        Self {
            ground,
            socket,
            session,
            attached,
            input: BytesMut::new(),
            room: *READ_BYTES.start(),
            task: None,
            alarm: Alarm::default(),
            stopping: false,
        }
    }

    /// Serves until the session is over or the connection breaks.
    pub(crate) async fn serve(mut self) -> io::Result<()> {
        self.ground.signal.mark_changed();
        let served = self.run().await;
        // What was begun goes on; if it makes a queue for this connection alone, that goes with it.
        if let Some(task) = self.task.take() {
            let done = task.await;
            self.tell(Input::Done(done));
        }
        for (shard, queue) in self.session.take_exclusive() {
            let request = Request::Delete {
                ticket: Ticket(0),
                queue,
                if_unused: false,
                if_empty: false,
            };
            // A host that is gone has nothing to delete.
            let _ = self
                .ground
                .queues
                .send(shard, self.attached.session, request)
                .await;
        }
        self.ground.queues.leave(self.attached.session).await;
        served
    }

    async fn run(&mut self) -> io::Result<()> {
        loop {
            self.advance().await?;
            if self.session.is_over() {
                let rest = async {
                    self.socket.write_all_buf(self.session.output()).await?;
                    self.socket.shutdown().await
                };
                return timeout(LAST_BYTES, rest).await.unwrap_or(Ok(()));
            }
            self.wait().await?;
        }
    }

    /// Handles what was read as far as possible, and carries what comes of it.
    async fn advance(&mut self) -> io::Result<()> {
        loop {
            let taken = if self.input.is_empty() {
                0
            } else {
                let clock = &self.ground.clock;
                self.session.receive(clock.now(), clock.wall(), &self.input)
            };
            self.input.advance(taken);
            self.session.flush();
            while let Some((shard, request)) = self.session.next_request() {
                let session = self.attached.session;
                let sent = self.ground.queues.send(shard, session, request).await;
                if sent.is_err() {
                    self.tell(Input::Notice(Notice::Lost));
                }
            }
            if let Some(task) = self.session.take_task() {
                let broker = self.ground.broker.clone();
                self.task = Some(Box::pin(async move { broker.perform(task).await }));
            }
            // What was written makes room at the hosts, which is to be reported at once: they may wait for nothing else.
            let wrote = self.write()?;
            if taken == 0 && !wrote {
                break;
            }
        }
        if self.input.is_empty() {
            self.input = BytesMut::new();
        }
        Ok(())
    }

    /// Waits until something happens, and takes it in.
    async fn wait(&mut self) -> io::Result<()> {
        self.alarm.set(&*self.ground.clock, self.session.deadline());
        let interest = self.interest();
        let what = tokio::select! {
            biased;
            Some(notice) = self.attached.notices.recv() => {
                self.notices(notice);
                return Ok(());
            }
            done = next(&mut self.task) => {
                self.task = None;
                Input::Done(done)
            }
            changed = self.ground.signal.changed(), if !self.stopping => {
                let signal = *self.ground.signal.borrow_and_update();
                self.tell(Input::Alarm(signal.alarm));
                // Whoever told us is gone only when the node stops.
                if !(signal.stopping || changed.is_err()) {
                    return Ok(());
                }
                // Nothing more comes, which would be told again and again.
                self.stopping = true;
                Input::Drain
            }
            () = self.alarm.ring() => Input::Tick,
            ready = ready(&self.socket, interest) => return self.read(ready?.is_readable()),
        };
        self.tell(what);
        Ok(())
    }

    fn interest(&mut self) -> Option<Interest> {
        let reads = self.session.wants_input() && self.input.len() < INPUT_BYTES_MAX;
        let writes = !self.session.output().is_empty();
        match (reads, writes) {
            (true, true) => Some(Interest::READABLE | Interest::WRITABLE),
            (true, false) => Some(Interest::READABLE),
            (false, true) => Some(Interest::WRITABLE),
            (false, false) => None,
        }
    }

    fn tell(&mut self, input: Input) {
        let clock = &self.ground.clock;
        self.session.handle(clock.now(), clock.wall(), input);
    }

    fn notices(&mut self, first: Notice) {
        self.tell(Input::Notice(first));
        for _ in 1..NOTICES_MAX {
            let Ok(notice) = self.attached.notices.try_recv() else {
                return;
            };
            self.tell(Input::Notice(notice));
        }
    }

    fn read(&mut self, readable: bool) -> io::Result<()> {
        if !readable {
            return Ok(());
        }
        self.input.reserve(self.room);
        match self.socket.try_read_buf(&mut self.input) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                let wanted = if count >= self.room {
                    self.room * 2
                } else if count < self.room / 4 {
                    self.room / 2
                } else {
                    self.room
                };
                self.room = wanted.clamp(*READ_BYTES.start(), *READ_BYTES.end());
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Writes as much as the socket takes now; returns whether that was something and all there was.
    fn write(&mut self) -> io::Result<bool> {
        let mut wrote = false;
        let output = self.session.output();
        let gone = loop {
            if output.is_empty() {
                break wrote;
            }
            let mut slices = [IoSlice::new(&[]); SLICES];
            let count = output.chunks_vectored(&mut slices);
            match self.socket.try_write_vectored(&slices[..count]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => {
                    output.advance(written);
                    wrote = true;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break false,
                Err(error) => return Err(error),
            }
        };
        if gone {
            // An idle connection keeps no buffer.
            *output = amqp::session::Output::default();
        }
        if wrote {
            self.session.wrote();
        }
        if gone {
            self.session.written();
        }
        Ok(gone)
    }
}

async fn next(task: &mut Option<BoxFuture<'static, Done>>) -> Done {
    match task {
        Some(task) => task.await,
        None => std::future::pending().await,
    }
}

async fn ready(socket: &TcpStream, interest: Option<Interest>) -> io::Result<tokio::io::Ready> {
    match interest {
        Some(interest) => socket.ready(interest).await,
        None => std::future::pending().await,
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

    /// Completes when it is time; then it is set anew.
    async fn ring(&mut self) {
        match &mut self.0 {
            Some((_, sleep)) => sleep.await,
            None => std::future::pending().await,
        }
        self.0 = None;
    }
}
