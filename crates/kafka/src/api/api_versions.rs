//! ApiVersions: what is served.
//!
//! No features are reported (KIP-584): each of Kafka's names stands for something that does not exist here, and a
//! client that finds one would use it.

use super::{Context, SERVED};
use kafka_wire::ErrorCode;
use kafka_wire::messages::api_versions::{ApiVersion, ApiVersionsRequest, ApiVersionsResponse};

pub(super) fn handle(context: &Context<'_>, request: &ApiVersionsRequest) -> ApiVersionsResponse {
    let named = context.version < 3
        || [
            &request.client_software_name,
            &request.client_software_version,
        ]
        .into_iter()
        .all(|name| is_software_name(name));
    if named {
        table(ErrorCode::None)
    } else {
        table(ErrorCode::InvalidRequest)
    }
}

/// The answer to a version that is not known, to be written as version 0 (KIP-511).
pub(crate) fn unsupported() -> ApiVersionsResponse {
    table(ErrorCode::UnsupportedVersion)
}

fn table(error_code: ErrorCode) -> ApiVersionsResponse {
    let api_keys = SERVED.iter().map(|served| ApiVersion {
        api_key: served.key.code(),
        min_version: 0,
        max_version: served.newest,
    });
    ApiVersionsResponse {
        error_code,
        api_keys: api_keys.collect(),
        ..ApiVersionsResponse::default()
    }
}

/// KIP-511: letters, digits, dots and hyphens, the latter two not at the ends.
fn is_software_name(name: &str) -> bool {
    let legal = |byte: &u8| byte.is_ascii_alphanumeric() || b".-".contains(byte);
    let bytes = name.as_bytes();
    bytes.iter().all(legal)
        && bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
}
