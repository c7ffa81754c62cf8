//! Class queue (50): declaring, deleting, purging, binding.

use crate::method::methods;
use crate::short_str::ShortStr;
use crate::table::RawTable;

methods! {
    queue = 50;

    /// Creates a queue, or checks that it is there.
    Declare<'a> = 10 "declare" {
        /// Reserved.
        ticket: u16,
        /// The queue; empty means that the server chooses a name.
        queue: ShortStr<'a>,
        /// Only check that it is there.
        passive: bool,
        /// Whether it survives a restart.
        durable: bool,
        /// Whether it is for this connection (or consumer) alone.
        exclusive: bool,
        /// Whether it goes when the last user of it has gone.
        auto_delete: bool,
        /// Whether no answer is wanted.
        nowait: bool,
        /// Further settings.
        arguments: RawTable<'a>,
    }

    /// The queue is there.
    DeclareOk<'a> = 11 "declare-ok" {
        /// The queue; the server names one that came without a name.
        queue: ShortStr<'a>,
        /// How many messages.
        message_count: u32,
        /// How many consumers.
        consumer_count: u32,
    }

    /// Binds a queue to an exchange.
    Bind<'a> = 20 "bind" {
        /// Reserved.
        ticket: u16,
        /// The queue; empty means the last one declared on the channel.
        queue: ShortStr<'a>,
        /// The exchange.
        exchange: ShortStr<'a>,
        /// The routing key.
        routing_key: ShortStr<'a>,
        /// Whether no answer is wanted.
        nowait: bool,
        /// Further settings.
        arguments: RawTable<'a>,
    }

    /// The binding is there.
    BindOk = 21 "bind-ok" {}

    /// Removes the messages that nobody holds.
    Purge<'a> = 30 "purge" {
        /// Reserved.
        ticket: u16,
        /// The queue; empty means the last one declared on the channel.
        queue: ShortStr<'a>,
        /// Whether no answer is wanted.
        nowait: bool,
    }

    /// The messages are gone.
    PurgeOk = 31 "purge-ok" {
        /// How many messages.
        message_count: u32,
    }

    /// Deletes a queue.
    Delete<'a> = 40 "delete" {
        /// Reserved.
        ticket: u16,
        /// The queue; empty means the last one declared on the channel.
        queue: ShortStr<'a>,
        /// Only if nobody uses it.
        if_unused: bool,
        /// Only if it is empty.
        if_empty: bool,
        /// Whether no answer is wanted.
        nowait: bool,
    }

    /// The queue is gone.
    DeleteOk = 41 "delete-ok" {
        /// How many messages.
        message_count: u32,
    }

    /// Undoes a binding.
    Unbind<'a> = 50 "unbind" {
        /// Reserved.
        ticket: u16,
        /// The queue; empty means the last one declared on the channel.
        queue: ShortStr<'a>,
        /// The exchange.
        exchange: ShortStr<'a>,
        /// The routing key.
        routing_key: ShortStr<'a>,
        /// Further settings.
        arguments: RawTable<'a>,
    }

    /// The binding is gone.
    UnbindOk = 51 "unbind-ok" {}
}
