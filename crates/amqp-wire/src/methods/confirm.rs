//! Class confirm (85): RabbitMQ's publisher confirms.

use crate::method::methods;

methods! {
    confirm = 85;

    /// RabbitMQ: asks for an acknowledgement of each message that is published.
    Select = 10 "select" {
        /// Whether no answer is wanted.
        nowait: bool,
    }

    /// The channel acknowledges.
    SelectOk = 11 "select-ok" {}
}
