//! DescribeConfigs (key 32): asks for settings.

use crate::error_code::ErrorCode;
use crate::message::messages;
use crate::str::Str;

messages! {
    /// Asks for settings.
    request DescribeConfigsRequest 0..=4, flexible 4.. {
        resources: Vec<DescribeConfigsResource> [0..];
        /// Whether to list where else a setting could come from (KIP-226).
        include_synonyms: bool [1..];
        /// Whether to explain each setting.
        include_documentation: bool [3..];
    }

    /// A resource whose settings are wanted.
    struct DescribeConfigsResource {
        /// Kind of resource: 2 topic, 4 broker, 8 broker logger, 32 group.
        resource_type: i8 [0..];
        /// The topic's name, the broker's id and so on.
        resource_name: Str [0..];
        /// The settings wanted; null for all.
        configuration_keys: Option<Vec<Str>> [0..];
    }

    /// The settings.
    response DescribeConfigsResponse 0..=4, flexible 4.. {
        /// How long the client must pause because of a quota, in milliseconds.
        throttle_time_ms: i32 [0..];
        results: Vec<DescribeConfigsResult> [0..];
    }

    /// A resource's settings.
    struct DescribeConfigsResult {
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [0..];
        /// The error in words.
        error_message: Option<Str> [0..];
        /// Kind of resource: 2 topic, 4 broker, 8 broker logger, 32 group.
        resource_type: i8 [0..];
        /// The topic's name, the broker's id and so on.
        resource_name: Str [0..];
        configs: Vec<DescribeConfigsResourceResult> [0..];
    }

    /// A setting.
    struct DescribeConfigsResourceResult {
        name: Str [0..];
        value: Option<Str> [0..];
        /// Whether the setting cannot be changed.
        read_only: bool [0..];
        /// Whether the value is the default.
        is_default: bool [0];
        /// Where the value comes from (KIP-226): 1 topic, 2 broker, 3 cluster default, 4 file, 5
        /// default.
        config_source: i8 [1..] = -1;
        /// Whether the value is a secret and left out.
        is_sensitive: bool [0..];
        /// Where else the value could come from, in order of precedence.
        synonyms: Vec<DescribeConfigsSynonym> [1..];
        /// 1 boolean, 2 string, 3 int, 4 short, 5 long, 6 double, 7 list, 8 class, 9 password.
        config_type: i8 [3..];
        documentation: Option<Str> [3..];
    }

    /// A place that the value could also come from.
    struct DescribeConfigsSynonym {
        name: Str [1..];
        value: Option<Str> [1..];
        /// Where the value comes from (KIP-226): 1 topic, 2 broker, 3 cluster default, 4 file, 5
        /// default.
        source: i8 [1..];
    }
}
