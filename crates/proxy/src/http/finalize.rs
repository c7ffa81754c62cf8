//! The end of a request: its line in the log, and whether its connection goes on.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use tokio::io::AsyncWriteExt;

use super::core::Lingering;
use super::{Abort, Client, Request, access_log};
use crate::net::clock;

/// Ends a request; `true` where the connection goes on.
pub(crate) async fn run(
    request: &mut Request,
    client: &mut Client,
    outcome: Result<(), Abort>,
) -> bool {
    if let Err(abort) = outcome {
        if !request.response.is_head_sent && request.response.status == 0 {
            request.response.status = match abort {
                Abort::TimedOut => 408,
                Abort::Respond(status) => status,
                Abort::Gone | Abort::Cut => 499,
            };
        }
        request.keeps_alive = false;
    }
    clock::refresh();
    access_log::run(request);
    request.limit_conn.release();
    match outcome {
        Ok(()) if request.keeps_alive => rest_of_body(request, client).await,
        Ok(()) => {
            linger(request, client).await;
            false
        }
        Err(_) => {
            // A client that takes nothing would keep what was sent to it in the system's memory.
            let resets = request.location.core.reset_timedout
                && (outcome == Err(Abort::TimedOut) || request.response.status == 444);
            if resets {
                client.transport.reset_on_close();
            }
            false
        }
    }
}

/// Reads what the client still sends of a body that nobody wanted; `false` where that takes too long.
async fn rest_of_body(request: &mut Request, client: &mut Client) -> bool {
    if request.body.is_complete || request.body.is_empty() {
        return true;
    }
    let core = &request.location.core;
    let (each, whole) = (core.lingering_timeout, core.lingering_time);
    let until = clock::now() + whole;
    loop {
        match discard(request, client, each).await {
            Ok(true) => return true,
            Ok(false) if clock::now() < until => {}
            _ => return false,
        }
    }
}

/// Reads once; `Ok(true)` at the end of the body.
async fn discard(request: &mut Request, client: &mut Client, each: Duration) -> Result<bool, ()> {
    let mut unwanted = std::mem::take(&mut request.scratch);
    unwanted.clear();
    client.alarm.set(each);
    let read = poll_fn(|cx| {
        if client.alarm.poll_elapsed(cx).is_ready() {
            return Poll::Ready(Err(()));
        }
        let read = client.poll_body_raw(cx, &mut request.body, &mut unwanted);
        read.map_err(|_| ())
    });
    let outcome = read.await;
    client.alarm.clear();
    request.scratch = unwanted;
    outcome.map(|_| request.body.is_complete)
}

/// What is read at once of bytes that nobody wants.
const DISCARD: usize = 4 << 10;

/// Closes so that the client sees the response: a connection that is closed while bytes of the client wait is reset by the
/// system, and a reset may destroy what the client has not read yet.
async fn linger(request: &mut Request, client: &mut Client) {
    let core = &request.location.core;
    let likely = !request.body.is_empty() && !request.body.is_complete;
    let sends = likely || client.has_more();
    let wanted = match core.lingering {
        Lingering::Off => false,
        Lingering::On => sends,
        Lingering::Always => true,
    };
    if !wanted {
        return client.farewell();
    }
    let parting = client.transport.shutdown();
    if !matches!(
        client.alarm.within(core.lingering_timeout, parting).await,
        Ok(Ok(()))
    ) {
        return;
    }
    let until = clock::now() + core.lingering_time;
    client.ahead.clear();
    client.ahead.grow(DISCARD);
    while clock::now() < until {
        client.ahead.clear();
        let read = client.transport.read_spare(&mut client.ahead);
        match client.alarm.within(core.lingering_timeout, read).await {
            Ok(Ok(count)) if count > 0 => {}
            _ => return,
        }
    }
}
