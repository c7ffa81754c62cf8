//! Making health checks: connect, ask, look at the answer.

use std::io;
use std::sync::Arc;

use balancer::Check;
use http_wire::{BodyFraming, Parsed, ResponseHead, ResponseLimits, Step, response_framing};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

use super::{Group, Probe, announce, endpoint};
use crate::net::tls::connect_tls;
use crate::net::{Alarm, ConnectOptions, Endpoint, Transport, clock, connect};
use crate::outlet::Outlet;

/// Checks of one group at the same time; each has a socket.
const CHECKS_MAX: usize = 128;

/// How much of an answer is looked at.
const ANSWER_MAX: usize = 64 << 10;

/// How long nothing is looked for where no check is due.
const REST: std::time::Duration = std::time::Duration::from_millis(200);

/// Checks the servers of a group; never returns.
pub(super) async fn run<V: 'static>(
    group: Arc<Group<V>>,
    probe: Arc<Probe>,
    outlet: Arc<dyn Outlet>,
) {
    let alarm = Alarm::new();
    let mut checks = Vec::new();
    // Dropped with the job, it ends the checks under way.
    let mut under_way = JoinSet::new();
    loop {
        let now = clock::now();
        group.upstream.begin_checks(now, &mut checks);
        for check in checks.drain(..) {
            while under_way.len() >= CHECKS_MAX {
                under_way.join_next().await;
            }
            let owed = Owed {
                group: group.clone(),
                check,
                passed: None,
                outlet: outlet.clone(),
            };
            let probe = probe.clone();
            under_way.spawn_local(async move {
                let mut owed = owed;
                owed.passed = Some(passes(&probe, &owed.check).await);
            });
        }
        while under_way.try_join_next().is_some() {}
        let due = group.upstream.next_check().map(|due| due - clock::now());
        alarm.set(due.map_or(REST, |due| due.min(REST)));
        alarm.elapsed().await;
    }
}

/// A check whose result the group waits for: it is told one, also where the check panics. One that ends with its configuration
/// has none; the group that came after checks anew.
struct Owed<V> {
    group: Arc<Group<V>>,
    check: Check,
    passed: Option<bool>,
    outlet: Arc<dyn Outlet>,
}

impl<V> Drop for Owed<V> {
    fn drop(&mut self) {
        let failed = std::thread::panicking().then_some(false);
        let Some(passed) = self.passed.or(failed) else {
            return;
        };
        let (upstream, random) = (&self.group.upstream, random(&self.check));
        let change = upstream.checked(self.check.peer, passed, clock::now(), random);
        if let Some(change) = change {
            announce(&change, &*self.outlet);
        }
    }
}

/// Bits that spread checks over time; secrets do not depend on them.
fn random(check: &Check) -> u64 {
    let mixed = clock::now().0.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ check.peer.0.rotate_left(32);
    mixed ^ mixed >> 29
}

async fn passes(probe: &Probe, check: &Check) -> bool {
    let alarm = Alarm::new();
    let limit = probe.timeout;
    matches!(alarm.within(limit, ask(probe, check)).await, Ok(Ok(true)))
}

/// One check, from the connection to the verdict.
async fn ask(probe: &Probe, check: &Check) -> io::Result<bool> {
    let mut target = endpoint(&check.address);
    if let (Some(port), Endpoint::Ip(address)) = (probe.port, &mut target) {
        address.set_port(port);
    }
    let options = ConnectOptions {
        nodelay: true,
        ..ConnectOptions::default()
    };
    let mut transport = connect(&target, &options).await?;
    if let Some((tls, name)) = &probe.tls {
        transport = connect_tls(transport, tls, name).await?;
    }
    transport.write_all(&probe.request).await?;
    transport.flush().await?;
    if probe.is_http {
        http(probe, &mut transport).await
    } else {
        tcp(probe, &mut transport).await
    }
}

async fn more(transport: &mut Transport, buf: &mut Vec<u8>) -> io::Result<bool> {
    if buf.len() >= ANSWER_MAX {
        return Ok(false);
    }
    buf.reserve(4 << 10);
    Ok(transport.read_spare(buf).await? > 0)
}

async fn http(probe: &Probe, transport: &mut Transport) -> io::Result<bool> {
    let mut buf = Vec::new();
    let mut head = ResponseHead::default();
    let limits = ResponseLimits {
        head_len_max: ANSWER_MAX,
        ..ResponseLimits::default()
    };
    let invalid = |error: http_wire::BadResponse| io::Error::new(io::ErrorKind::InvalidData, error);
    let len = 'head: loop {
        if !more(transport, &mut buf).await? {
            return Ok(false);
        }
        while let Parsed::Complete { len } = head.parse(&buf, &limits).map_err(invalid)? {
            if head.status() >= 200 {
                break 'head len;
            }
            // An interim answer; the next head is behind it.
            buf.drain(..len);
            head.clear();
        }
    };
    let Some(expects) = &probe.expects else {
        return Ok((200..400).contains(&head.status()));
    };
    if !expects.accepts_head(&head, &buf) {
        return Ok(false);
    }
    if expects.body.is_none() {
        return Ok(true);
    }
    let framing = response_framing(&head, &buf, http_wire::Method::Get).map_err(invalid)?;
    let body = body(transport, buf.split_off(len), framing).await?;
    Ok(expects.accepts_body(&body))
}

/// The body, as far as it is looked at.
async fn body(
    transport: &mut Transport,
    mut raw: Vec<u8>,
    framing: BodyFraming,
) -> io::Result<Vec<u8>> {
    let wanted = match framing {
        BodyFraming::None => 0,
        BodyFraming::Length(len) => usize::try_from(len).unwrap_or(usize::MAX),
        BodyFraming::Chunked | BodyFraming::UntilClose => usize::MAX,
    };
    while raw.len() < wanted && more(transport, &mut raw).await? {}
    raw.truncate(wanted);
    if framing != BodyFraming::Chunked {
        return Ok(raw);
    }
    let mut decoder = http_wire::ChunkedDecoder::default();
    let (mut at, mut data) = (0, Vec::new());
    while let Ok(Step::Data(range)) = decoder.decode(&raw, at) {
        at = range.end;
        data.extend_from_slice(&raw[range]);
    }
    Ok(data)
}

/// A connection is enough where nothing is expected; else bytes are read until they are what is expected.
async fn tcp(probe: &Probe, transport: &mut Transport) -> io::Result<bool> {
    let Some(expects) = &probe.expects else {
        return Ok(true);
    };
    let mut buf = Vec::new();
    loop {
        if expects.accepts_bytes(&buf) {
            return Ok(true);
        }
        if !more(transport, &mut buf).await? {
            return Ok(false);
        }
    }
}
