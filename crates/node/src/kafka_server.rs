//! One connection of the Kafka face: frames in, responses out in request order.
//!
//! It moves bytes and nothing else; what a frame means is the session's business.

use crate::inbound::{FrameError, Inbound};
use base::BoxFuture;
use futures_util::stream::FuturesOrdered;
use futures_util::{FutureExt, StreamExt};
use kafka::{Close, Session};
use kafka_wire::Encoded;
use std::io;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

/// How long what a client has asked for is still worked on after it has closed its side: enough for
/// records that it sent without waiting, short enough for a request that waits for something.
const AFTER_END: Duration = Duration::from_secs(1);
/// How long responses that are on their way when a connection ends may take: a sync on a slow disk.
const LAST_RESPONSES: Duration = Duration::from_secs(8);
/// A connection that is never called idle.
const FOR_EVER: Duration = Duration::from_secs(u32::MAX as u64);

/// Why a connection ended, where somebody should know.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Ended {
    /// The client sent something that is no request.
    #[error(transparent)]
    Refused(#[from] Close),
    /// What the client sent is no frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The connection broke.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What a connection does next.
enum Next {
    Handle,
    Finish,
}

/// A connection and the responses that are on their way.
pub(crate) struct Connection {
    socket: TcpStream,
    inbound: Inbound,
    replies: FuturesOrdered<BoxFuture<'static, Result<Option<Encoded>, Close>>>,
    idle: Duration,
    last_heard: Instant,
}

impl Connection {
    pub(crate) fn new(socket: TcpStream, inbound: Inbound, idle: Option<Duration>) -> Self {
        let (replies, last_heard) = (FuturesOrdered::new(), Instant::now());
        Self {
            socket,
            inbound,
            replies,
            idle: idle.unwrap_or(FOR_EVER),
            last_heard,
        }
    }

    /// Serves until the client closes, is silent for too long, or breaks a rule; after `stop` it
    /// answers what was asked and ends.
    pub(crate) async fn serve(
        mut self,
        mut session: Session,
        stop: CancellationToken,
    ) -> Result<(), Ended> {
        let served = self.requests(&mut session, &stop).await;
        if !matches!(served, Err(Ended::Io(_))) {
            // What was answered before the end, or before the mistake, is still told.
            let rest = async {
                while let Some(reply) = self.replies.next().await {
                    self.respond(reply).await?;
                }
                self.socket.shutdown().await.map_err(Ended::from)
            };
            // A client that no longer listens has nothing to be told.
            let _ = timeout(LAST_RESPONSES, rest).await;
        }
        served
    }

    async fn requests(
        &mut self,
        session: &mut Session,
        stop: &CancellationToken,
    ) -> Result<(), Ended> {
        while let Next::Handle = self.wait(stop).await? {
            let Some((frame, permit)) = self.inbound.frame()? else {
                continue;
            };
            let mut handling = std::pin::pin!(session.handle(frame));
            let mut ended = None;
            let reply = loop {
                tokio::select! {
                    biased;
                    reply = &mut handling => break reply?,
                    Some(reply) = self.replies.next(), if !self.replies.is_empty() => respond(&mut self.socket, reply, self.idle).await?,
                    read = self.inbound.fill(&mut self.socket), if ended.is_none() && !self.inbound.is_satisfied() => {
                        self.last_heard = Instant::now();
                        if read? == 0 {
                            ended = Some(self.last_heard + AFTER_END);
                        }
                    }
                    () = stop.cancelled(), if ended.is_none() => ended = Some(Instant::now() + AFTER_END),
                    () = sleep_until(ended.unwrap_or(self.last_heard)), if ended.is_some() => return Ok(()),
                }
            };
            self.replies.push_back(Box::pin(async move {
                let response = reply.finish().await;
                drop(permit);
                response
            }));
            // What is answered goes out before more is taken in.
            while let Some(Some(reply)) = self.replies.next().now_or_never() {
                self.respond(reply).await?;
            }
        }
        Ok(())
    }

    /// Writes responses and reads until there is a frame to handle.
    async fn wait(&mut self, stop: &CancellationToken) -> Result<Next, Ended> {
        loop {
            if stop.is_cancelled() {
                return Ok(Next::Finish);
            }
            if self.inbound.is_satisfied() {
                return Ok(Next::Handle);
            }
            tokio::select! {
                biased;
                Some(reply) = self.replies.next(), if !self.replies.is_empty() => respond(&mut self.socket, reply, self.idle).await?,
                read = self.inbound.fill(&mut self.socket) => {
                    self.last_heard = Instant::now();
                    if read? == 0 {
                        return Ok(Next::Finish);
                    }
                }
                () = stop.cancelled() => return Ok(Next::Finish),
                () = sleep_until(self.last_heard + self.idle), if self.replies.is_empty() => return Ok(Next::Finish),
            }
        }
    }

    async fn respond(&mut self, reply: Result<Option<Encoded>, Close>) -> Result<(), Ended> {
        respond(&mut self.socket, reply, self.idle).await
    }
}

/// Writes a response; a client that does not read for as long as it may be idle has gone away.
async fn respond(
    socket: &mut TcpStream,
    reply: Result<Option<Encoded>, Close>,
    idle: Duration,
) -> Result<(), Ended> {
    if let Some(mut response) = reply? {
        let written = timeout(idle, socket.write_all_buf(&mut response)).await;
        written.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
    }
    Ok(())
}
