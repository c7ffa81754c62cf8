//! A request's way through servers: one after the other until one answers.

use std::sync::Arc;

use balancer::retry::{self, Attempts, Failure, Progress};
use balancer::{Ask, Tried, Verdict};
use http_wire::{BodyFraming, FieldName, Method, response_keeps_alive};

use super::super::body::Framing;
use super::super::{Abort, Client, Flow, Request, Var, conditions};
use super::conf::Conf;
use super::connect::Dial;
use super::exchange::{self, Fault};
use super::head::Body;
use super::pass::Pass;
use super::ready::Ready;
use super::relay::Relay;
use super::sender::{Sender, Source};
use super::target::{self, Target};
use super::{answer, tunnel};
use crate::conf::Severity;
use crate::net::{Buffer, Endpoint, clock};
use crate::upstream::{Link, Turn};

/// What the head of a request takes at the least.
const HEAD_CAPACITY: usize = 1 << 10;

/// Passes a request on and its answer back.
pub(crate) async fn run(
    request: &mut Request,
    client: &mut Client,
    pass: &Arc<Pass>,
) -> Result<Flow, Abort> {
    let location = request.location.clone();
    let conf = &location.proxy;
    let Some(ready) = conf.ready.as_deref() else {
        return Ok(Flow::Respond(500));
    };
    let source = body(request, client, conf).await?;
    let target = match target::find(request, pass).await {
        Ok(target) => target,
        Err(status) => return Ok(Flow::Respond(status)),
    };
    name(request, &target);
    let dial = match Dial::new(request, conf, &target) {
        Ok(dial) => dial,
        Err(status) => return Ok(Flow::Respond(status)),
    };
    let mut journey = Journey {
        conf,
        ready,
        target: &target,
        dial,
        source,
        attempts: conf
            .rules
            .begin(target.group.upstream.tries(), clock::now()),
        tried: request.worker.tried(),
        key: Vec::new(),
        is_sent: false,
        took_from_client: false,
    };
    let outcome = journey.go(request, client).await;
    let tried = std::mem::take(&mut journey.tried);
    request.worker.give_tried(tried);
    request.upstream.is_busy = false;
    outcome
}

/// Reads the body where it is to be read first; says where it is.
async fn body(request: &mut Request, client: &mut Client, conf: &Conf) -> Result<Source, Abort> {
    if conf.set_body.is_some() {
        return Ok(Source::Set);
    }
    if request.body.is_empty() {
        client.proceed(request).await?;
    }
    if !conf.passes_body || request.body.framing == Framing::None {
        return Ok(Source::None);
    }
    let chunked = request.body.framing == Framing::Chunked;
    let streams = !conf.buffers_request && (conf.is_http11 || !chunked);
    if streams && !request.body.is_kept && request.body.received == 0 {
        return Ok(Source::Client { chunked });
    }
    client.read_body(request).await?;
    Ok(Source::Kept)
}

/// Writes down what `$proxy_host` and messages say.
fn name(request: &mut Request, target: &Target) {
    let place = target.place();
    let record = &mut request.upstream;
    record.enter();
    record.is_tls = place.is_tls;
    record.host.clear();
    record.host.extend_from_slice(&place.host);
    record.port.clear();
    record.port.extend_from_slice(&place.port);
}

struct Journey<'j> {
    conf: &'j Conf,
    ready: &'j Ready,
    target: &'j Target,
    dial: Dial,
    source: Source,
    attempts: Attempts,
    tried: Tried,
    key: Vec<u8>,
    /// A byte of the request went to a server.
    is_sent: bool,
    took_from_client: bool,
}

impl Journey<'_> {
    async fn go(&mut self, request: &mut Request, client: &mut Client) -> Result<Flow, Abort> {
        loop {
            let Some(turn) = self.pick(request) else {
                return Ok(Flow::Respond(502));
            };
            match self.serve(request, client, turn).await {
                Ok(flow) => return Ok(flow),
                Err(Fault::Client(abort)) => return Err(abort),
                Err(Fault::Next) => {}
                Err(Fault::Server(failure)) => {
                    let progress = self.progress(request);
                    let now = clock::refresh();
                    if !self
                        .attempts
                        .again(&self.conf.rules, failure, progress, now)
                    {
                        return Ok(Flow::Respond(failure.gateway_status()));
                    }
                }
            }
        }
    }

    fn progress(&self, request: &Request) -> Progress {
        Progress {
            idempotent: retry::is_idempotent(request.method_name()),
            sent: self.is_sent,
            body_gone: self.took_from_client,
            answered: request.response.is_head_sent,
        }
    }

    /// The next server; none where none may be used.
    fn pick(&mut self, request: &mut Request) -> Option<Turn<Var>> {
        let group = &self.target.group;
        if let Some(key) = &group.key {
            self.key.clear();
            key.render(request, &mut self.key);
        }
        let ask = Ask {
            key: &self.key,
            client: match &request.client {
                Endpoint::Ip(address) => Some(address.ip()),
                Endpoint::Unix(_) => None,
            },
            random: request.worker.random(),
        };
        match Turn::new(group, &ask, &mut self.tried) {
            Ok(turn) => {
                request.upstream.begin(turn.name());
                Some(turn)
            }
            Err(no_live) => {
                request.upstream.begin(group.upstream.name());
                if let Some(last) = request.upstream.last() {
                    last.status = 502;
                    last.response_ms = Some(0);
                }
                request.error(
                    Severity::Error,
                    format_args!("{no_live} while connecting to upstream"),
                );
                None
            }
        }
    }

    /// One server's turn, on a kept connection where there is one. A kept connection that turns out to be closed is replaced
    /// by a new one to the same server, where the request may be sent again.
    async fn serve(
        &mut self,
        request: &mut Request,
        client: &mut Client,
        mut turn: Turn<Var>,
    ) -> Result<Flow, Fault> {
        let mut kept = {
            let lane = self.dial.lane(&turn);
            request.worker.pool.take(self.target.group.id, &lane)
        };
        loop {
            let mut link = match kept.take() {
                Some(link) => link,
                None => match self.dial.connect(request, client, self.conf, &turn).await {
                    Ok(link) => link,
                    Err(fault) => return Err(fail(request, turn, fault)),
                },
            };
            if let Some(last) = request.upstream.last() {
                last.connect_ms = Some(last.elapsed_ms());
            }
            let (mut sender, method) = self.sender(request);
            let what = (&mut sender, method);
            let asked = exchange::run(request, client, self.conf, &mut link, what).await;
            self.is_sent |= sender.sent > 0;
            self.took_from_client |= sender.took_from_client;
            turn.sent += sender.sent;
            turn.received = request.upstream.last().map_or(0, |last| last.received);
            match asked {
                Ok(framing) => {
                    let is_sent = sender.is_done();
                    drop(sender);
                    return self
                        .answered(request, client, (link, turn), framing, is_sent)
                        .await;
                }
                Err(Fault::Server(Failure::Stale)) => {
                    let progress = self.progress(request);
                    let (rules, now) = (&self.conf.rules, clock::refresh());
                    if !self.attempts.again(rules, Failure::Stale, progress, now) {
                        let fault = Fault::Server(Failure::Stale);
                        return Err(fail(request, turn, fault));
                    }
                    turn.stale();
                }
                Err(fault) => return Err(fail(request, turn, fault)),
            }
        }
    }

    /// The request from its start, and its method.
    fn sender(&self, request: &mut Request) -> (Sender, Method) {
        let mut out = Buffer::new(HEAD_CAPACITY);
        let set = match (&self.source, &self.conf.set_body) {
            (Source::Set, Some(template)) => template.to_bytes(request),
            _ => Vec::new(),
        };
        let body = match self.source {
            Source::None => Body::None,
            Source::Set => Body::Length(set.len() as u64),
            Source::Kept => Body::Length(request.body.received),
            Source::Client { .. } => match request.body.framing {
                Framing::Length(len) => Body::Length(len),
                Framing::None | Framing::Chunked => Body::Chunked,
            },
        };
        let method = self.conf.method.as_ref();
        let mut method = method.map(|template| template.to_bytes(request));
        if let Some(method) = &mut method {
            // A variable may hold what would end the line.
            method.retain(|byte| byte.is_ascii_graphic());
        }
        let name = method.as_deref().unwrap_or(request.method_name());
        let uri = self.ready.head.write(
            request,
            name,
            self.target.place(),
            (self.target.is_whole(), &self.target.pass.prefix),
            body,
            &mut out,
        );
        let asked = Method::from_bytes(name);
        request.upstream.uri.clear();
        request.upstream.uri.extend_from_slice(&out[uri]);
        out.extend_from_slice(&set);
        (Sender::new(out, self.source, request.body.received), asked)
    }

    /// The head of an answer is there.
    async fn answered(
        &mut self,
        request: &mut Request,
        client: &mut Client,
        (link, mut turn): (Link, Turn<Var>),
        framing: BodyFraming,
        is_sent: bool,
    ) -> Result<Flow, Fault> {
        let status = request.upstream.head.status();
        turn.status = status;
        let now = clock::refresh();
        if let Some(last) = request.upstream.last() {
            last.status = status;
            last.header_ms = Some(last.elapsed_ms());
        }
        let rules = &self.conf.rules;
        if self
            .attempts
            .passes_on(rules, status, self.progress(request), now)
        {
            note(request, &turn, 0);
            let failure = Failure::Status(status);
            let verdict = match status {
                403 | 404 => Verdict::PassedOn,
                _ => Verdict::Failed(failure),
            };
            turn.report(verdict, &*request.worker.shared.outlet);
            return Err(Fault::Next);
        }
        if status == 101 && request.value(FieldName::Upgrade).is_none() {
            request.error(
                Severity::Error,
                format_args!("upstream switched protocols though nobody asked for it"),
            );
            let fault = Fault::Server(Failure::InvalidHeader);
            return Err(fail(request, turn, fault));
        }
        let record = &request.upstream;
        let len = record.head.len();
        let keeps = is_sent && response_keeps_alive(&record.head, &record.buf, framing);
        if let Some(flow) = answer::take(request, self.conf, self.ready, framing) {
            note(request, &turn, 0);
            turn.report(Verdict::Served, &*request.worker.shared.outlet);
            return Ok(flow);
        }
        let mut skipped = 0;
        if self.conf.forces_ranges {
            match conditions::one_range(request) {
                Ok(start) => skipped = start,
                Err(status) => {
                    note(request, &turn, 0);
                    turn.report(Verdict::Served, &*request.worker.shared.outlet);
                    return Ok(Flow::Respond(status));
                }
            }
        }
        client.send_head(request);
        client.skip(skipped);
        let passed = if status == 101 {
            tunnel::run(request, client, self.conf, (link, turn), len).await
        } else {
            let ways = (self.conf, self.target);
            let relay = Relay::new(request, ways, (link, turn), framing, keeps, len);
            relay.run(request, client).await
        };
        passed.map(|()| Flow::Done).map_err(Fault::Client)
    }
}

/// Reports a turn without an answer.
fn fail(request: &mut Request, turn: Turn<Var>, fault: Fault) -> Fault {
    clock::refresh();
    note(request, &turn, 0);
    let verdict = match fault {
        Fault::Server(failure) => {
            if let Some(last) = request.upstream.last() {
                last.status = failure.gateway_status();
            }
            Verdict::Failed(failure)
        }
        Fault::Next | Fault::Client(_) => Verdict::Abandoned,
    };
    turn.report(verdict, &*request.worker.shared.outlet);
    fault
}

/// Writes down how the last server's turn went.
pub(super) fn note(request: &mut Request, turn: &Turn<Var>, body: u64) {
    if let Some(last) = request.upstream.last() {
        last.response_ms = Some(last.elapsed_ms());
        last.body = body;
        last.received = turn.received;
        last.sent = turn.sent;
    }
}
