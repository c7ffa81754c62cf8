//! A session of datagrams: those of one client go to one server, and the server's go back.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use balancer::retry::Failure;
use balancer::{Tried, Verdict};
use base::Monotonic;

use super::super::{Session, status};
use super::conf::{Conf, Pass};
use super::connect::options;
use super::run::{pick, rate};
use super::target;
use crate::conf::Severity;
use crate::net::{Alarm, DATAGRAM_LEN_MAX, DatagramLink, Datagrams, clock};

/// Relays a session; gives back how it ended.
pub(in super::super) async fn run(
    session: &mut Session,
    client: &Datagrams,
    pass: &Arc<Pass>,
    alarm: &Alarm,
) -> u16 {
    let server = session.server.clone();
    let conf = &server.proxy;
    let Some(target) = target::find(session, pass).await else {
        return status::INTERNAL;
    };
    let Some(mut turn) = pick(session, &target, &mut Tried::default()) else {
        return status::BAD_GATEWAY;
    };
    let endpoint = turn.endpoint();
    let outlet = session.worker.shared.outlet.clone();
    let link = match DatagramLink::new(&endpoint, &options(session, conf, &endpoint)) {
        Ok(link) => link,
        Err(error) => {
            session.upstream.failed();
            session.error(
                Severity::Error,
                format_args!("connect() failed ({error}) while connecting to upstream, upstream: \"{endpoint}\""),
            );
            turn.report(Verdict::Failed(Failure::Connect), &*outlet);
            return status::BAD_GATEWAY;
        }
    };
    session.upstream.connected();
    let mut relay = Relay::new(session, conf, client, &link);
    let end = relay.run(alarm).await;
    clock::refresh();
    session.received.set(relay.up.bytes);
    session.sent.set(relay.down.bytes);
    (turn.sent, turn.received) = (relay.up.bytes, relay.down.bytes);
    session
        .upstream
        .ended(turn.sent, turn.received, relay.down.first);
    session.error(
        Severity::Info,
        format_args!(
            "udp {}, packets from/to client:{}/{}",
            if matches!(end, End::TimedOut) {
                "timed out"
            } else {
                "done"
            },
            relay.up.count,
            relay.down.count
        ),
    );
    let failure = match end {
        End::Done => None,
        // Where nobody knows how many answers there are, silence is the usual end.
        End::TimedOut if relay.is_answered() => None,
        End::TimedOut => Some((Failure::Timeout, "upstream timed out".to_owned())),
        End::Failed(error) => Some((Failure::Error, format!("recv() failed ({error})"))),
    };
    let Some((failure, text)) = failure else {
        turn.report(Verdict::Served, &*outlet);
        if let Some(len) = relay.last {
            client.send(&relay.buffer[..len]);
        }
        return status::OK;
    };
    session.error(
        Severity::Error,
        format_args!("{text} while proxying connection, upstream: \"{endpoint}\""),
    );
    turn.report(Verdict::Failed(failure), &*outlet);
    status::BAD_GATEWAY
}

enum End {
    /// As many answers came as are awaited.
    Done,
    /// Nothing passed for the time allowed.
    TimedOut,
    /// The server cannot be reached.
    Failed(io::Error),
}

/// One direction.
#[derive(Default)]
struct Way {
    count: u64,
    bytes: u64,
    rate: u64,
    first: Option<Monotonic>,
}

impl Way {
    fn took(&mut self, len: usize) {
        self.count += 1;
        self.bytes += len as u64;
        self.first.get_or_insert_with(clock::now);
    }

    /// nginx's rule: no datagram is read while more bytes have passed than the rate allows in the seconds begun.
    fn is_too_fast(&self, started: Monotonic) -> bool {
        let seconds = (clock::now() - started).as_secs() + 1;
        self.rate > 0 && self.bytes >= self.rate.saturating_mul(seconds)
    }
}

struct Relay<'r> {
    conf: &'r Conf,
    client: &'r Datagrams,
    link: &'r DatagramLink,
    up: Way,
    down: Way,
    started: Monotonic,
    buffer: Vec<u8>,
    /// How long the last answer is, which is in the buffer: it goes out once it has been reported, so that a client that asks
    /// again at once finds the server free.
    last: Option<usize>,
}

/// How long a direction waits that was too fast.
const PACE: Duration = Duration::from_millis(100);

impl<'r> Relay<'r> {
    fn new(
        session: &Session,
        conf: &'r Conf,
        client: &'r Datagrams,
        link: &'r DatagramLink,
    ) -> Self {
        let way = |rate| Way {
            rate,
            ..Way::default()
        };
        Self {
            conf,
            client,
            link,
            up: way(rate(session, &conf.upload_rate)),
            down: way(rate(session, &conf.download_rate)),
            started: clock::now(),
            buffer: Vec::new(),
            last: None,
        }
    }

    async fn run(&mut self, alarm: &Alarm) -> End {
        let pace = Alarm::new();
        let mut trouble = pin!(self.link.trouble());
        alarm.set(self.conf.timeout);
        let end = poll_fn(|cx| {
            let moved = match self.step(cx) {
                Ok(moved) => moved,
                Err(error) => return Poll::Ready(End::Failed(error)),
            };
            if moved {
                alarm.set(self.conf.timeout);
            }
            if self.is_done() {
                return Poll::Ready(End::Done);
            }
            if let Poll::Ready(error) = trouble.as_mut().poll(cx) {
                return Poll::Ready(End::Failed(error));
            }
            if self.up.is_too_fast(self.started) || self.down.is_too_fast(self.started) {
                pace.set(PACE);
                // The alarm that went off is set again by the next poll.
                let _ = pace.poll_elapsed(cx);
            }
            alarm.poll_elapsed(cx).map(|()| End::TimedOut)
        })
        .await;
        alarm.clear();
        end
    }

    /// Moves what is there; whether anything was.
    fn step(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        let mut moved = false;
        while !self.up.is_too_fast(self.started)
            && !self.is_full()
            && let Poll::Ready(datagram) = self.client.poll_receive(cx)
        {
            moved = true;
            self.up.took(datagram.len());
            self.link.send(&datagram)?;
            if self.is_full() {
                self.client.detach();
            }
        }
        while !self.down.is_too_fast(self.started) && !self.is_done() {
            self.buffer.resize(DATAGRAM_LEN_MAX, 0);
            let Poll::Ready(received) = self.link.poll_receive(cx, &mut self.buffer) else {
                // An idle session holds no memory.
                self.buffer = Vec::new();
                break;
            };
            let len = received?;
            moved = true;
            self.down.took(len);
            if self.is_done() {
                self.last = Some(len);
                break;
            }
            self.client.send(&self.buffer[..len]);
        }
        Ok(moved)
    }

    /// The client's next datagram begins another session.
    fn is_full(&self) -> bool {
        self.conf.requests > 0 && self.up.count >= self.conf.requests
    }

    /// Every datagram that the session may have has been answered.
    fn is_done(&self) -> bool {
        let may_get_more = self.conf.requests > 0 && !self.is_full();
        self.conf.responses.is_some() && !may_get_more && self.is_answered()
    }

    fn is_answered(&self) -> bool {
        let awaited = self.conf.responses.map_or(0, |each| each * self.up.count);
        self.down.count >= awaited
    }
}
