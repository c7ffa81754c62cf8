//! Another protocol takes over the connection (101): bytes both ways until one side closes.

use balancer::Verdict;

use super::super::{Abort, Client, Request, Var};
use super::conf::Conf;
use crate::stream::relay::{self, End, Meter, Rules};
use crate::upstream::{Link, Turn};

/// Relays. `len` is how long the answer's head is; what stands behind it is the other protocol's.
pub(super) async fn run(
    request: &mut Request,
    client: &mut Client,
    conf: &Conf,
    (mut link, mut turn): (Link, Turn<Var>),
    len: usize,
) -> Result<(), Abort> {
    request.keeps_alive = false;
    client.flush(request).await?;
    link.transport.put_back(&request.upstream.buf[len..]);
    client.transport.put_back(&client.ahead);
    client.ahead.release();
    let rules = Rules {
        timeout: conf.read_timeout,
        buffer_size: conf.buffer_size,
        half_close: false,
        upload_rate: 0,
        download_rate: 0,
    };
    let (up, down) = (Meter::default(), Meter::default());
    let end = relay::run(
        &mut client.transport,
        &mut link.transport,
        &rules,
        &up,
        &down,
        &link.alarm,
    )
    .await;
    turn.sent += up.written.get();
    turn.received += down.read.get();
    request.received += up.read.get();
    request.response.sent += down.written.get();
    request.response.body_sent += down.written.get();
    super::run::note(request, &turn, down.read.get());
    turn.report(Verdict::Served, &*request.worker.shared.outlet);
    request.upstream.is_busy = false;
    match end {
        End::Closed | End::Upstream(_) => {
            request.response.is_complete = true;
            Ok(())
        }
        End::TimedOut => Err(Abort::TimedOut),
        End::Client(_) => Err(Abort::Gone),
    }
}
