//! Class basic (60): publishing, delivering, acknowledging.

use crate::method::methods;
use crate::short_str::ShortStr;
use crate::table::RawTable;

methods! {
    basic = 60;

    /// Limits what is delivered and not yet acknowledged.
    Qos = 10 "qos" {
        /// In bytes; 0 means no limit.
        prefetch_size: u32,
        /// In messages; 0 means no limit.
        prefetch_count: u16,
        /// RabbitMQ: whether all consumers of the channel share the limit.
        global: bool,
    }

    /// The limit holds.
    QosOk = 11 "qos-ok" {}

    /// Starts a consumer.
    Consume<'a> = 20 "consume" {
        /// Reserved.
        ticket: u16,
        /// The queue; empty means the last one declared on the channel.
        queue: ShortStr<'a>,
        /// The consumer's name on its channel; empty means that the server chooses one.
        consumer_tag: ShortStr<'a>,
        /// Not what this connection published.
        no_local: bool,
        /// Whether deliveries count as acknowledged at once.
        no_ack: bool,
        /// Whether it is for this connection (or consumer) alone.
        exclusive: bool,
        /// Whether no answer is wanted.
        nowait: bool,
        /// Further settings.
        arguments: RawTable<'a>,
    }

    /// The consumer is there; its deliveries follow.
    ConsumeOk<'a> = 21 "consume-ok" {
        /// The consumer's name on its channel.
        consumer_tag: ShortStr<'a>,
    }

    /// Ends a consumer; RabbitMQ sends it, too, when a queue goes.
    Cancel<'a> = 30 "cancel" {
        /// The consumer's name on its channel.
        consumer_tag: ShortStr<'a>,
        /// Whether no answer is wanted.
        nowait: bool,
    }

    /// The consumer has ended.
    CancelOk<'a> = 31 "cancel-ok" {
        /// The consumer's name on its channel.
        consumer_tag: ShortStr<'a>,
    }

    /// Puts a message into an exchange; a content follows.
    Publish<'a> = 40 "publish" {
        /// Reserved.
        ticket: u16,
        /// The exchange; empty means the default exchange.
        exchange: ShortStr<'a>,
        /// The routing key.
        routing_key: ShortStr<'a>,
        /// Whether an unroutable message comes back.
        mandatory: bool,
        /// Whether a message without a consumer comes back.
        immediate: bool,
    }

    /// A mandatory message comes back; a content follows.
    Return<'a> = 50 "return" {
        /// Why, as a number: see [`crate::ReplyCode`].
        reply_code: u16,
        /// Why, for people.
        reply_text: ShortStr<'a>,
        /// The exchange that it was published to.
        exchange: ShortStr<'a>,
        /// The routing key.
        routing_key: ShortStr<'a>,
    }

    /// A message for a consumer; a content follows.
    Deliver<'a> = 60 "deliver" {
        /// The consumer's name on its channel.
        consumer_tag: ShortStr<'a>,
        /// The number of the message on its channel.
        delivery_tag: u64,
        /// Whether it was delivered before.
        redelivered: bool,
        /// The exchange that it was published to.
        exchange: ShortStr<'a>,
        /// The routing key.
        routing_key: ShortStr<'a>,
    }

    /// Asks for one message.
    Get<'a> = 70 "get" {
        /// Reserved.
        ticket: u16,
        /// The queue; empty means the last one declared on the channel.
        queue: ShortStr<'a>,
        /// Whether deliveries count as acknowledged at once.
        no_ack: bool,
    }

    /// The message; a content follows.
    GetOk<'a> = 71 "get-ok" {
        /// The number of the message on its channel.
        delivery_tag: u64,
        /// Whether it was delivered before.
        redelivered: bool,
        /// The exchange that it was published to.
        exchange: ShortStr<'a>,
        /// The routing key.
        routing_key: ShortStr<'a>,
        /// How many messages remain.
        message_count: u32,
    }

    /// There is none.
    GetEmpty<'a> = 72 "get-empty" {
        /// Reserved.
        cluster_id: ShortStr<'a>,
    }

    /// Acknowledges: a client what it was sent, a server what was published.
    Ack = 80 "ack" {
        /// The number of the message on its channel.
        delivery_tag: u64,
        /// Whether all up to this number are meant.
        multiple: bool,
    }

    /// A client does not want what it was sent.
    Reject = 90 "reject" {
        /// The number of the message on its channel.
        delivery_tag: u64,
        /// Whether it goes back to its queue.
        requeue: bool,
    }

    /// Requeues what was not acknowledged, without an answer.
    RecoverAsync = 100 "recover-async" {
        /// Whether it goes back to its queue.
        requeue: bool,
    }

    /// Requeues what was not acknowledged.
    Recover = 110 "recover" {
        /// Whether it goes back to its queue.
        requeue: bool,
    }

    /// It was requeued.
    RecoverOk = 111 "recover-ok" {}

    /// RabbitMQ: the opposite of an acknowledgement, in both directions.
    Nack = 120 "nack" {
        /// The number of the message on its channel.
        delivery_tag: u64,
        /// Whether all up to this number are meant.
        multiple: bool,
        /// Whether it goes back to its queue.
        requeue: bool,
    }
}
