//! A session's way to a server: one after the other is tried until one can be reached, then bytes are relayed.

use balancer::retry::{Failure, Progress};
use balancer::{Ask, Tried, Verdict};
use std::sync::Arc;

use super::super::relay::{self, End, Meter, Rules};
use super::super::{Session, Template, Var, status};
use super::conf::Pass;
use super::connect::dial;
use super::target::{self, Target};
use crate::conf::{Severity, size};
use crate::net::{Alarm, Endpoint, Transport, clock};
use crate::upstream::Turn;

/// Relays a session; gives back how it ended.
pub(in super::super) async fn run(
    session: &mut Session,
    client: &mut Transport,
    pass: &Arc<Pass>,
) -> u16 {
    let server = session.server.clone();
    let conf = &server.proxy;
    let Some(target) = target::find(session, pass).await else {
        return status::INTERNAL;
    };
    let alarm = Alarm::new();
    let mut tried = Tried::default();
    let mut attempts = conf
        .rules
        .begin(target.group.upstream.tries(), clock::now());
    loop {
        let Some(turn) = pick(session, &target, &mut tried) else {
            return status::BAD_GATEWAY;
        };
        let connected = dial(session, conf, &target, &turn, &alarm).await;
        let now = clock::refresh();
        if let Some(mut upstream) = connected {
            session.upstream.connected();
            turn.connected(&*session.worker.shared.outlet);
            pass_on(session, client, &mut upstream, turn, &alarm).await;
            return status::OK;
        }
        session.upstream.failed();
        let outlet = session.worker.shared.outlet.clone();
        turn.report(Verdict::Failed(Failure::Connect), &*outlet);
        // Nothing of the session has gone anywhere yet.
        let progress = Progress {
            idempotent: true,
            sent: false,
            body_gone: false,
            answered: false,
        };
        if !attempts.again(&conf.rules, Failure::Connect, progress, now) {
            return status::BAD_GATEWAY;
        }
    }
}

/// The next server; none where none may be used.
pub(super) fn pick(session: &Session, target: &Target, tried: &mut Tried) -> Option<Turn<Var>> {
    let group = &target.group;
    let key = group.key.as_ref().map(|key| key.to_bytes(session));
    let ask = Ask {
        key: key.as_deref().unwrap_or_default(),
        client: match &session.client {
            Endpoint::Ip(address) => Some(address.ip()),
            Endpoint::Unix(_) => None,
        },
        random: session.worker.random(),
    };
    match Turn::new(group, &ask, tried) {
        Ok(turn) => {
            session.upstream.begin(turn.name());
            Some(turn)
        }
        Err(no_live) => {
            session.upstream.begin(group.upstream.name());
            session.upstream.failed();
            session.error(
                Severity::Error,
                format_args!("{no_live} while connecting to upstream"),
            );
            None
        }
    }
}

/// Relays until the session ends.
async fn pass_on(
    session: &Session,
    client: &mut Transport,
    upstream: &mut Transport,
    mut turn: Turn<Var>,
    alarm: &Alarm,
) {
    let conf = &session.server.proxy;
    session.error(
        Severity::Info,
        format_args!("proxy {} connected to {}", session.local, turn.name()),
    );
    let rules = Rules {
        timeout: conf.timeout,
        buffer_size: conf.buffer_size,
        half_close: conf.half_close,
        upload_rate: rate(session, &conf.upload_rate),
        download_rate: rate(session, &conf.download_rate),
    };
    let (up, down) = (Meter::default(), Meter::default());
    let end = relay::run(client, upstream, &rules, &up, &down, alarm).await;
    clock::refresh();
    session.received.set(up.read.get());
    session.sent.set(down.written.get());
    turn.sent = up.written.get();
    turn.received = down.read.get();
    session
        .upstream
        .ended(turn.sent, turn.received, down.first.get());
    match &end {
        End::Closed => {}
        End::TimedOut => session.error(
            Severity::Info,
            format_args!(
                "connection timed out (110: Connection timed out) while proxying connection"
            ),
        ),
        End::Client(error) => session.error(
            Severity::Info,
            format_args!("recv() failed ({error}) while proxying and reading from client"),
        ),
        End::Upstream(error) => session.error(
            Severity::Error,
            format_args!("recv() failed ({error}) while proxying and reading from upstream"),
        ),
    }
    session.error(
        Severity::Info,
        format_args!(
            "{} disconnected, bytes from/to client:{}/{}, bytes from/to upstream:{}/{}",
            if matches!(end, End::Upstream(_)) {
                "upstream"
            } else {
                "client"
            },
            up.read.get(),
            down.written.get(),
            down.read.get(),
            up.written.get()
        ),
    );
    super::super::farewell(upstream);
    turn.report(Verdict::Served, &*session.worker.shared.outlet);
}

/// A limit that may have variables; what is no size is no limit, as in nginx.
pub(super) fn rate(session: &Session, template: &Template) -> u64 {
    let text = template.to_bytes(session);
    let text = std::str::from_utf8(&text).unwrap_or_default();
    size(text).unwrap_or(0)
}
