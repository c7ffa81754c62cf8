//! ApiVersions (key 18): asks which APIs the broker knows.

use crate::error_code::ErrorCode;
use crate::message::messages;
use crate::str::Str;

messages! {
    /// Asks which APIs the broker knows.
    request ApiVersionsRequest 0..=4, flexible 3.. {
        /// The client library's name (KIP-511).
        client_software_name: Str [3..];
        /// The client library's version (KIP-511).
        client_software_version: Str [3..];
    }

    /// The APIs and their versions. Its response header is always version 0.
    response ApiVersionsResponse 0..=4, flexible 3.. {
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [0..];
        api_keys: Vec<ApiVersion> [0..];
        /// How long the client must pause because of a quota, in milliseconds.
        throttle_time_ms: i32 [1..];
        supported_features: Vec<SupportedFeatureKey> [3..] tag 0;
        /// The version of what the cluster agreed on, -1 if it is not known.
        finalized_features_epoch: i64 [3..] tag 1 = -1;
        finalized_features: Vec<FinalizedFeatureKey> [3..] tag 2;
        /// Whether a ZooKeeper migration may start; long gone.
        zk_migration_ready: bool [3..] tag 3;
    }

    /// An API and the versions of it that the broker speaks.
    struct ApiVersion {
        /// The API's number.
        api_key: i16 [0..];
        /// The oldest version.
        min_version: i16 [0..];
        /// The newest version.
        max_version: i16 [0..];
    }

    /// A feature that the broker supports (KIP-584).
    struct SupportedFeatureKey {
        name: Str [3..];
        /// The oldest version.
        min_version: i16 [3..];
        /// The newest version.
        max_version: i16 [3..];
    }

    /// A feature that the cluster has agreed on (KIP-584).
    struct FinalizedFeatureKey {
        name: Str [3..];
        max_version_level: i16 [3..];
        min_version_level: i16 [3..];
    }
}
