//! Class exchange (40): declaring, deleting, binding to exchanges.

use crate::method::methods;
use crate::short_str::ShortStr;
use crate::table::RawTable;

methods! {
    exchange = 40;

    /// Creates an exchange, or checks that it is there.
    Declare<'a> = 10 "declare" {
        /// Reserved.
        ticket: u16,
        /// The exchange.
        exchange: ShortStr<'a>,
        /// The exchange's type: `type` in the protocol.
        kind: ShortStr<'a>,
        /// Only check that it is there.
        passive: bool,
        /// Whether it survives a restart.
        durable: bool,
        /// Whether it goes when the last user of it has gone.
        auto_delete: bool,
        /// Whether only exchanges may publish to it.
        internal: bool,
        /// Whether no answer is wanted.
        nowait: bool,
        /// Further settings.
        arguments: RawTable<'a>,
    }

    /// The exchange is there.
    DeclareOk = 11 "declare-ok" {}

    /// Deletes an exchange.
    Delete<'a> = 20 "delete" {
        /// Reserved.
        ticket: u16,
        /// The exchange.
        exchange: ShortStr<'a>,
        /// Only if nobody uses it.
        if_unused: bool,
        /// Whether no answer is wanted.
        nowait: bool,
    }

    /// The exchange is gone.
    DeleteOk = 21 "delete-ok" {}

    /// RabbitMQ: binds an exchange to an exchange.
    Bind<'a> = 30 "bind" {
        /// Reserved.
        ticket: u16,
        /// The exchange that is bound.
        destination: ShortStr<'a>,
        /// The exchange that it is bound to.
        source: ShortStr<'a>,
        /// The routing key.
        routing_key: ShortStr<'a>,
        /// Whether no answer is wanted.
        nowait: bool,
        /// Further settings.
        arguments: RawTable<'a>,
    }

    /// The binding is there.
    BindOk = 31 "bind-ok" {}

    /// RabbitMQ: undoes a binding between exchanges.
    Unbind<'a> = 40 "unbind" {
        /// Reserved.
        ticket: u16,
        /// The exchange that is bound.
        destination: ShortStr<'a>,
        /// The exchange that it is bound to.
        source: ShortStr<'a>,
        /// The routing key.
        routing_key: ShortStr<'a>,
        /// Whether no answer is wanted.
        nowait: bool,
        /// Further settings.
        arguments: RawTable<'a>,
    }

    /// The binding is gone.
    UnbindOk = 51 "unbind-ok" {}
}
