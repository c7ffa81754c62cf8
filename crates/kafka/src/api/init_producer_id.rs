//! InitProducerId: an id under which a producer's retries are recognised (KIP-98).
//!
//! A producer without transactions gets a new id whenever it asks, as with Kafka. There are no transactions yet: a
//! transactional id is refused like in FindCoordinator.

use super::Context;
use kafka_wire::ErrorCode;
use kafka_wire::messages::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};

pub(super) async fn handle(
    context: &Context<'_>,
    request: InitProducerIdRequest,
) -> InitProducerIdResponse {
    let failed = |error_code| InitProducerIdResponse {
        error_code,
        producer_epoch: -1,
        ..InitProducerIdResponse::default()
    };
    match request.transactional_id {
        None => {}
        Some(id) if id.is_empty() => return failed(ErrorCode::InvalidRequest),
        Some(_) => return failed(ErrorCode::TransactionalIdAuthorizationFailed),
    }
    match context.broker.catalog.producer_id().await {
        Ok(producer_id) => InitProducerIdResponse {
            producer_id,
            producer_epoch: 0,
            ..InitProducerIdResponse::default()
        },
        Err(_) => failed(ErrorCode::CoordinatorNotAvailable),
    }
}
