//! SaslHandshake (key 17).

use crate::error_code::ErrorCode;
use crate::message::messages;
use crate::str::Str;

messages! {
    /// Chooses a SASL mechanism.
    request SaslHandshakeRequest 0..=1 {
        mechanism: Str [0..];
    }

    /// The mechanisms that the broker offers.
    response SaslHandshakeResponse 0..=1 {
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [0..];
        mechanisms: Vec<Str> [0..];
    }
}
