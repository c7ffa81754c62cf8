//! SaslHandshake (key 17): chooses a SASL mechanism.

use crate::error_code::ErrorCode;
use crate::message::messages;
use crate::str::Str;

messages! {
    /// Chooses a SASL mechanism.
    request SaslHandshakeRequest 0..=1 {
        /// The mechanism that the client wants.
        mechanism: Str [0..];
    }

    /// The mechanisms that the broker offers.
    response SaslHandshakeResponse 0..=1 {
        /// What went wrong, or [`ErrorCode::None`].
        error_code: ErrorCode [0..];
        /// The mechanisms that the broker offers.
        mechanisms: Vec<Str> [0..];
    }
}
