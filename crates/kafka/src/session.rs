//! One connection's requests, one after the other, and their responses in the same order.

use crate::api::{self, Context, produce};
use crate::broker::Broker;
use crate::settings::Endpoint;
use bytes::Bytes;
use kafka_wire::{
    ApiKey, EncodeError, Encoded, Request, RequestBody, RequestError, decode_request,
};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Produce requests of one connection that may be under way at once. A client that sends single
/// records without waiting fills the log's flushes with this many; more would only queue.
pub const PIPELINE_REQUESTS_MAX: u32 = 256;

/// Bytes of Produce requests of one connection that may be under way at once, because they stay in
/// memory until they are durable. A single larger request is taken alone.
pub const PIPELINE_BYTES_MAX: u32 = 16 << 20;

/// What every Produce request is charged at least, so that the bytes bound the requests too.
const PIPELINE_CHARGE_MIN: u32 = PIPELINE_BYTES_MAX / PIPELINE_REQUESTS_MAX;

/// The largest request other than Produce. Only records make a request large; elements of a few bytes turn into structures
/// ten times that, so that these are bounded more tightly. The largest that clients are known to send is the SyncGroup of
/// the leader of a large group.
pub const CONTROL_REQUEST_BYTES_MAX: usize = 20 << 20;

/// Who is at the other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The client's IP address, for people.
    pub address: String,
    /// The address that the client has reached us at.
    pub reached: Endpoint,
}

/// Why a connection must be closed. Responses to earlier requests are still to be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Close {
    /// The client sent something that is no request, or asked for what is not served. Its fault.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The client sent a request that is larger than [`CONTROL_REQUEST_BYTES_MAX`] and holds no records. Its fault.
    #[error("a {api_key} request of {len} bytes, more than {CONTROL_REQUEST_BYTES_MAX}")]
    TooLarge {
        /// The API.
        api_key: ApiKey,
        /// The request's length in bytes.
        len: usize,
    },
    /// The client asked for an API or a version that ApiVersions does not offer. Its fault.
    #[error("{api_key} version {api_version} is not served")]
    NotServed {
        /// The API.
        api_key: ApiKey,
        /// The version.
        api_version: i16,
    },
    /// Records without acknowledgement (acks=0) were not appended, and this is the only way to say so.
    #[error(
        "records without acknowledgement could not be appended to {topic}-{partition}: {error}"
    )]
    Unacknowledged {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// Why.
        error: kafka_wire::ErrorCode,
    },
    /// A response does not fit its layout. Ours.
    #[error("the response cannot be written: {0}")]
    Response(#[from] EncodeError),
}

/// A connection's state.
pub struct Session {
    broker: Arc<Broker>,
    peer: Peer,
    /// What Produce requests under way are charged to.
    pipeline: Arc<Semaphore>,
}

/// A response, or one that is on its way.
pub struct Reply(Stage);

enum Stage {
    Ready(Option<Encoded>),
    Produce(Box<produce::Pending>, OwnedSemaphorePermit),
}

impl Session {
    /// A connection that has just been accepted.
    #[must_use]
    pub fn new(broker: Arc<Broker>, peer: Peer) -> Self {
        Self {
            broker,
            peer,
            pipeline: Arc::new(Semaphore::new(PIPELINE_BYTES_MAX as usize)),
        }
    }

    /// Handles one frame, given without its length prefix.
    ///
    /// Completes when the request has been answered; for Produce as soon as its records have their
    /// place in the log's order, and the reply finishes when they are durable. Dropping the future
    /// gives the request up and leaves nothing behind.
    ///
    /// The driver must go on finishing earlier replies, in order, while this runs: a request that is
    /// not a Produce waits for them first, so that a client sees what it wrote.
    ///
    /// # Errors
    /// Where the connection has to be closed.
    pub async fn handle(&mut self, frame: Bytes) -> Result<Reply, Close> {
        let outcome = self.answer(frame).await;
        if outcome.is_err() {
            self.broker.counters().refused_requests.add(1);
        }
        outcome
    }

    async fn answer(&mut self, frame: Bytes) -> Result<Reply, Close> {
        let charge = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        check_len(&frame)?;
        let Request { header, body, .. } = match decode_request(&frame) {
            Ok(request) => request,
            // A client that asks for the versions cannot know yet which one to ask in (KIP-511).
            Err(RequestError::UnsupportedVersion {
                api_key: ApiKey::ApiVersions,
                correlation_id,
                ..
            }) => {
                self.drained().await;
                let response = api::api_versions::unsupported();
                let encoded = kafka_wire::encode_response(0, correlation_id, &response)?;
                return Ok(Reply(Stage::Ready(Some(encoded))));
            }
            Err(error) => return Err(error.into()),
        };
        drop(frame);
        if !api::is_served(header.api_key, header.api_version) {
            return Err(Close::NotServed {
                api_key: header.api_key,
                api_version: header.api_version,
            });
        }
        self.broker.counters().request(header.api_key);
        let context = Context {
            broker: &self.broker,
            peer: &self.peer,
            version: header.api_version,
            client_id: header.client_id.as_deref().unwrap_or_default(),
        };
        let correlation_id = header.correlation_id;
        if let RequestBody::Produce(request) = body {
            let permit = self.charge(charge).await;
            let pending = produce::begin(&context, correlation_id, request).await;
            return Ok(Reply(Stage::Produce(Box::new(pending), permit)));
        }
        self.drained().await;
        // Boxed, so that an idle connection is not as large as its largest request.
        let response = Box::pin(api::dispatch(&context, body)).await?;
        let encoded = response.encode(header.api_version, correlation_id)?;
        Ok(Reply(Stage::Ready(Some(encoded))))
    }

    /// Waits until there is room for a Produce request of this length.
    async fn charge(&self, len: u32) -> OwnedSemaphorePermit {
        let permits = len.clamp(PIPELINE_CHARGE_MIN, PIPELINE_BYTES_MAX);
        self.pipeline
            .clone()
            .acquire_many_owned(permits)
            .await
            .expect("the semaphore is never closed")
    }

    /// Waits until all Produce requests so far are durable or refused.
    async fn drained(&self) {
        drop(self.charge(PIPELINE_BYTES_MAX).await);
    }
}

/// Refuses a large request without records before it is decoded.
fn check_len(frame: &Bytes) -> Result<(), Close> {
    let code = frame.first_chunk().map(|code| i16::from_be_bytes(*code));
    match code.and_then(ApiKey::from_code) {
        Some(api_key) if api_key != ApiKey::Produce && frame.len() > CONTROL_REQUEST_BYTES_MAX => {
            Err(Close::TooLarge {
                api_key,
                len: frame.len(),
            })
        }
        _ => Ok(()),
    }
}

impl Reply {
    /// The response with its length prefix, once there is one; `None` where the client wants none.
    ///
    /// # Errors
    /// Where the connection has to be closed.
    pub async fn finish(self) -> Result<Option<Encoded>, Close> {
        match self.0 {
            Stage::Ready(response) => Ok(response),
            Stage::Produce(pending, permit) => {
                let response = pending.finish().await;
                drop(permit);
                response
            }
        }
    }
}
