//! IncrementalAlterConfigs (key 44): changes single settings of resources.

use crate::error_code::ErrorCode;
use crate::message::messages;
use crate::str::Str;

messages! {
    /// Changes single settings of resources.
    request IncrementalAlterConfigsRequest 0..=1, flexible 1.. {
        resources: Vec<AlterConfigsResource> [0..];
        /// Whether to check the request without carrying it out.
        validate_only: bool [0..];
    }

    /// A resource and its settings.
    struct AlterConfigsResource {
        /// Kind of resource: 2 topic, 4 broker, 8 broker logger, 32 group.
        resource_type: i8 [0..];
        /// The topic's name, the broker's id and so on.
        resource_name: Str [0..];
        configs: Vec<AlterableConfig> [0..];
    }

    /// A setting.
    struct AlterableConfig {
        name: Str [0..];
        /// 0 set, 1 delete, 2 append, 3 subtract.
        config_operation: i8 [0..];
        value: Option<Str> [0..];
    }

    /// How that went, by resource.
    response IncrementalAlterConfigsResponse 0..=1, flexible 1.. {
        /// How long the client must pause because of a quota, in milliseconds.
        throttle_time_ms: i32 [0..];
        responses: Vec<AlterConfigsResourceResponse> [0..];
    }

    /// How it went for a resource.
    struct AlterConfigsResourceResponse {
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [0..];
        /// The error in words.
        error_message: Option<Str> [0..];
        /// Kind of resource: 2 topic, 4 broker, 8 broker logger, 32 group.
        resource_type: i8 [0..];
        /// The topic's name, the broker's id and so on.
        resource_name: Str [0..];
    }
}
