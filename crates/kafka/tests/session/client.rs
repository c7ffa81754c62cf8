//! A client: requests out, responses in, as bytes.

use bytes::{Buf, Bytes};
use kafka::{Close, Reply, Session};
use kafka_wire::{ApiRequest, decode_response, encode_request};

/// One connection.
pub(crate) struct Client {
    session: Session,
    correlation_id: i32,
}

impl Client {
    pub(crate) fn new(session: Session) -> Self {
        Self {
            session,
            correlation_id: 0,
        }
    }

    /// Sends a request and reads its response.
    pub(crate) async fn call<R: ApiRequest>(&mut self, version: i16, request: R) -> R::Response {
        let reply = self.begin(version, &request).await.expect("not closed");
        self.end::<R>(version, reply).await
    }

    /// Sends a request; the reply may still be on its way.
    pub(crate) async fn begin<R: ApiRequest>(
        &mut self,
        version: i16,
        request: &R,
    ) -> Result<Reply, Close> {
        self.correlation_id += 1;
        let frame = frame(version, self.correlation_id, request);
        self.session.handle(frame).await
    }

    /// Reads the response to the request that was sent last.
    pub(crate) async fn end<R: ApiRequest>(&self, version: i16, reply: Reply) -> R::Response {
        let response = reply
            .finish()
            .await
            .expect("not closed")
            .expect("a response");
        let mut bytes = response.into_bytes();
        let len = usize::try_from(bytes.get_i32()).expect("a length");
        assert_eq!(len, bytes.len(), "the length prefix");
        let (correlation_id, response) = decode_response::<R>(&bytes, version).expect("a response");
        assert_eq!(correlation_id, self.correlation_id);
        response
    }

    /// Sends any bytes; returns the response without its length.
    pub(crate) async fn raw(&mut self, frame: Bytes) -> Result<Option<Bytes>, Close> {
        let response = self.session.handle(frame).await?.finish().await?;
        Ok(response.map(|response| {
            let mut bytes = response.into_bytes();
            bytes.advance(4);
            bytes
        }))
    }
}

/// A request as a frame without its length.
pub(crate) fn frame<R: ApiRequest>(version: i16, correlation_id: i32, request: &R) -> Bytes {
    let encoded = encode_request(version, correlation_id, Some("test"), request);
    let mut bytes = encoded.expect("it can be written").into_bytes();
    bytes.advance(4);
    bytes
}
