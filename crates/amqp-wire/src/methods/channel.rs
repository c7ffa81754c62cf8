//! Class channel (20): opening, closing, flow.

use crate::method::methods;
use crate::short_str::ShortStr;

methods! {
    channel = 20;

    /// Opens a channel.
    Open<'a> = 10 "open" {
        /// Reserved.
        out_of_band: ShortStr<'a>,
    }

    /// The channel is open.
    OpenOk<'a> = 11 "open-ok" {
        /// Reserved.
        channel_id: &'a [u8],
    }

    /// Asks the other peer to stop or go on sending contents.
    Flow = 20 "flow" {
        /// Whether to send.
        active: bool,
    }

    /// The other peer has stopped or goes on.
    FlowOk = 21 "flow-ok" {
        /// Whether to send.
        active: bool,
    }

    /// Either peer closes the channel and says why.
    Close<'a> = 40 "close" {
        /// Why, as a number: see [`crate::ReplyCode`].
        reply_code: u16,
        /// Why, for people.
        reply_text: ShortStr<'a>,
        /// The class of the method that failed, or 0.
        class_id: u16,
        /// The method that failed, or 0.
        method_id: u16,
    }

    /// The other peer has seen it.
    CloseOk = 41 "close-ok" {}
}
