//! Class access (30): a leftover of AMQP 0-8.

use crate::method::methods;
use crate::short_str::ShortStr;

methods! {
    access = 30;

    /// Asks for access to a realm: a leftover of AMQP 0-8, which old clients send.
    Request<'a> = 10 "request" {
        /// Reserved.
        realm: ShortStr<'a>,
        /// Reserved.
        exclusive: bool,
        /// Reserved.
        passive: bool,
        /// Reserved.
        active: bool,
        /// Reserved.
        write: bool,
        /// Reserved.
        read: bool,
    }

    /// The access ticket, which nothing looks at.
    RequestOk = 11 "request-ok" {
        /// Reserved.
        ticket: u16,
    }
}
