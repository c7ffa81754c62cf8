//! The directives of our own blocks.

use nginx_conf::value::Unit;
use nginx_conf::{Body, Context, Kind, MAIN, Param, Spec};

/// The inside of `kafka { … }`.
pub(crate) const KAFKA: Context = Context("kafka");
/// The inside of `amqp { … }`.
pub(crate) const AMQP: Context = Context("amqp");
/// The inside of `console { … }`.
pub(crate) const CONSOLE: Context = Context("console");

const INSECURE_HELP: &str =
    "Allows addresses other than loopback, although nobody who connects is asked who they are.";

/// `storage`, `log` and the blocks of the faces.
pub(crate) static BLOCKS: &[Spec] = &[
    Spec::new(
        "storage",
        &[MAIN],
        &[Param::required(
            "location",
            Kind::Custom {
                expected: "file:DIRECTORY",
                accepts: is_location,
            },
        )],
        "Where the log lives. The directory is made where it is missing; a relative one starts from the working directory. Object stores (`s3://…`) are not supported yet.",
    )
    .body(Body::Opaque)
    .default("file:./mainstay-data"),
    Spec::new(
        "log",
        &[MAIN],
        &[Param::required("format", Kind::Choice(&["text", "json"]))],
        "How Mainstay's own messages are written to standard error. (nginx's `log_format` describes access logs and is another directive.)",
    )
    .default("text"),
    Spec::block("kafka", &[MAIN], KAFKA, "Serves Kafka clients."),
    Spec::block("amqp", &[MAIN], AMQP, "Serves RabbitMQ clients (AMQP 0-9-1)."),
    Spec::block(
        "console",
        &[MAIN],
        CONSOLE,
        "Serves health checks, metrics and the management API over HTTP.",
    ),
    Spec::not_yet("cluster", &[MAIN], "several nodes as one"),
    Spec::new(
        "listen",
        &[KAFKA],
        &[Param::required("address", Kind::Listen { port: 9092 })],
        "Where to listen. A port alone means 127.0.0.1, unlike in nginx; port 0 means any free one.",
    )
    .default("9092")
    .repeatable(),
    Spec::new("insecure", &[KAFKA], &[], INSECURE_HELP),
    Spec::new(
        "advertised",
        &[KAFKA],
        &[Param::required("address", Kind::HostPort)],
        "What clients are told to connect to. Without it they are told the address that they have connected to.",
    ),
    Spec::new(
        "listen",
        &[AMQP],
        &[Param::required("address", Kind::Listen { port: 5672 })],
        "Where to listen. A port alone means 127.0.0.1, unlike in nginx; port 0 means any free one.",
    )
    .default("5672")
    .repeatable(),
    Spec::new(
        "insecure",
        &[AMQP],
        &[],
        "Allows addresses other than loopback, although passwords and messages travel in the clear. User `guest` can come from loopback only, all the same.",
    ),
    Spec::new(
        "listen",
        &[CONSOLE],
        &[Param::required("address", Kind::Listen { port: 15672 })],
        "Where to listen. A port alone means 127.0.0.1, unlike in nginx; port 0 means any free one.",
    )
    .default("15672")
    .repeatable(),
    Spec::new("insecure", &[CONSOLE], &[], INSECURE_HELP),
];

fn is_location(text: &str) -> bool {
    let schemes = ["file:", "s3://", "gs://", "az://"];
    let rest = schemes.iter().find_map(|scheme| text.strip_prefix(scheme));
    rest.is_some_and(|rest| !rest.is_empty())
}

/// Kafka's `int`.
const INT_MAX: i64 = i32::MAX as i64;

const fn number(min: i64, max: i64) -> Kind {
    Kind::Number { min, max }
}

const fn milliseconds(min_ms: i64, max_ms: i64) -> Kind {
    Kind::Time {
        bare: Unit::Millisecond,
        min_ms,
        max_ms,
    }
}

const BOOLEAN: &[Param] = &[Param::required("flag", Kind::Boolean)];
const COUNT: &[Param] = &[Param::required("number", number(1, INT_MAX))];
const PARTITIONS: &[Param] = &[Param::required("number", number(1, 10_000))];
const REPLICATION: &[Param] = &[Param::required("number", number(1, i16::MAX as i64))];
const SLOTS: &[Param] = &[Param::required("number", number(0, INT_MAX))];
const MINUTES_OR_EVER: &[Param] = &[Param::required("minutes", number(-1, INT_MAX))];
const HOURS_OR_EVER: &[Param] = &[Param::required("hours", number(-1, INT_MAX))];
const BATCH_BYTES: &[Param] = &[Param::required(
    "bytes",
    Kind::Size {
        min: 1,
        max: INT_MAX,
    },
)];
const REQUEST_BYTES: &[Param] = &[Param::required(
    "bytes",
    Kind::Size {
        min: 1024,
        max: INT_MAX,
    },
)];
const BYTES_OR_ENDLESS: &[Param] = &[Param::required(
    "bytes",
    Kind::Size {
        min: -1,
        max: i64::MAX,
    },
)];
const TIME: &[Param] = &[Param::required("time", milliseconds(1, INT_MAX))];
const TIME_OR_NONE: &[Param] = &[Param::required("time", milliseconds(0, INT_MAX))];
const TIME_OR_EVER: &[Param] = &[Param::required("time", milliseconds(-1, i64::MAX))];

/// Broker settings under Kafka's own names, with Kafka 4's defaults. `-1` means without limit, as in Kafka.
pub(crate) static BROKER: &[Spec] = &[
    Spec::new(
        "num.partitions",
        &[KAFKA],
        PARTITIONS,
        "Partitions of a topic that is made without a number.",
    )
    .default("1"),
    Spec::new(
        "default.replication.factor",
        &[KAFKA],
        REPLICATION,
        "Reported to clients for a topic that is made without a replication factor. It has no effect: redundancy is the storage's.",
    )
    .default("1"),
    Spec::new(
        "auto.create.topics.enable",
        &[KAFKA],
        BOOLEAN,
        "Whether a topic comes into being when a client first asks for it.",
    )
    .default("true"),
    Spec::new(
        "message.max.bytes",
        &[KAFKA],
        BATCH_BYTES,
        "The largest record batch.",
    )
    .default("1048588"),
    Spec::new(
        "socket.request.max.bytes",
        &[KAFKA],
        REQUEST_BYTES,
        "The largest request.",
    )
    .default("104857600"),
    Spec::new(
        "compression.type",
        &[KAFKA],
        &[Param::required("codec", Kind::Choice(&["producer"]))],
        "Batches stay as the producer compressed them; Kafka's other values are not supported.",
    )
    .default("producer"),
    Spec::new(
        "log.message.timestamp.type",
        &[KAFKA],
        &[Param::required(
            "type",
            Kind::Choice(&["CreateTime", "LogAppendTime"]),
        )],
        "Whether a record carries the producer's time or the time of its append.",
    )
    .default("CreateTime"),
    Spec::new(
        "log.retention.ms",
        &[KAFKA],
        TIME_OR_EVER,
        "How long records are kept. Goes before `log.retention.minutes`, and that before `log.retention.hours`.",
    ),
    Spec::new(
        "log.retention.minutes",
        &[KAFKA],
        MINUTES_OR_EVER,
        "How long records are kept.",
    ),
    Spec::new(
        "log.retention.hours",
        &[KAFKA],
        HOURS_OR_EVER,
        "How long records are kept.",
    )
    .default("168"),
    Spec::new(
        "log.retention.bytes",
        &[KAFKA],
        BYTES_OR_ENDLESS,
        "How much of each partition is kept.",
    )
    .default("-1"),
    Spec::new(
        "offsets.retention.minutes",
        &[KAFKA],
        COUNT,
        "How many minutes a group's offsets outlive its last member.",
    )
    .default("10080"),
    Spec::new(
        "group.min.session.timeout.ms",
        &[KAFKA],
        TIME,
        "The shortest session time-out that a group member may ask for.",
    )
    .default("6000"),
    Spec::new(
        "group.max.session.timeout.ms",
        &[KAFKA],
        TIME,
        "The longest session time-out that a group member may ask for.",
    )
    .default("1800000"),
    Spec::new(
        "group.initial.rebalance.delay.ms",
        &[KAFKA],
        TIME_OR_NONE,
        "How long an empty group waits for more members before its first rebalance. Kafka's own default is 3000, and its sample `server.properties` sets 0 so that a first consumer starts at once; here 0 is the default. Set 3000 where many members start together.",
    )
    .default("0"),
    Spec::new(
        "max.incremental.fetch.session.cache.slots",
        &[KAFKA],
        SLOTS,
        "How many fetch sessions are kept; 0 for none.",
    )
    .default("1000"),
    Spec::new(
        "producer.id.expiration.ms",
        &[KAFKA],
        TIME,
        "How long the sequence numbers of an idle producer are remembered.",
    )
    .default("86400000"),
    Spec::new(
        "connections.max.idle.ms",
        &[KAFKA],
        TIME_OR_EVER,
        "After which time an idle connection is closed.",
    )
    .default("600000"),
];

const NOT_NEEDED: &str =
    "it tunes Kafka's own threads, buffers and files, and Mainstay has none of that kind";
const DURABLE: &str = "every acknowledgement means that the record is durable in the storage";
const WRITE_LISTEN: &str = "write `listen ADDRESS;`";
const COMPACTION: &str = "compaction";
const TRANSACTIONS: &str = "transactions";

/// Broker settings of Kafka that are known and do nothing, or nothing yet.
pub(crate) static BROKER_OTHERS: &[Spec] = &[
    Spec::ignored("num.network.threads", &[KAFKA], NOT_NEEDED),
    Spec::ignored("num.io.threads", &[KAFKA], NOT_NEEDED),
    Spec::ignored("background.threads", &[KAFKA], NOT_NEEDED),
    Spec::ignored("num.replica.fetchers", &[KAFKA], NOT_NEEDED),
    Spec::ignored("num.recovery.threads.per.data.dir", &[KAFKA], NOT_NEEDED),
    Spec::ignored("queued.max.requests", &[KAFKA], NOT_NEEDED),
    Spec::ignored("socket.send.buffer.bytes", &[KAFKA], NOT_NEEDED),
    Spec::ignored("socket.receive.buffer.bytes", &[KAFKA], NOT_NEEDED),
    Spec::ignored("log.segment.bytes", &[KAFKA], NOT_NEEDED),
    Spec::ignored("log.roll.hours", &[KAFKA], NOT_NEEDED),
    Spec::ignored("log.roll.ms", &[KAFKA], NOT_NEEDED),
    Spec::ignored("log.index.interval.bytes", &[KAFKA], NOT_NEEDED),
    Spec::ignored("log.index.size.max.bytes", &[KAFKA], NOT_NEEDED),
    Spec::ignored("log.retention.check.interval.ms", &[KAFKA], NOT_NEEDED),
    Spec::ignored("log.flush.interval.messages", &[KAFKA], DURABLE),
    Spec::ignored("log.flush.interval.ms", &[KAFKA], DURABLE),
    Spec::ignored("min.insync.replicas", &[KAFKA], DURABLE),
    Spec::ignored("unclean.leader.election.enable", &[KAFKA], DURABLE),
    Spec::ignored("offsets.topic.replication.factor", &[KAFKA], DURABLE),
    Spec::ignored("offsets.topic.num.partitions", &[KAFKA], NOT_NEEDED),
    Spec::not_yet("listeners", &[KAFKA], WRITE_LISTEN),
    Spec::not_yet(
        "advertised.listeners",
        &[KAFKA],
        "write `advertised HOST:PORT;`",
    ),
    Spec::not_yet(
        "log.dirs",
        &[KAFKA],
        "write `storage file:DIRECTORY;` outside the block",
    ),
    Spec::not_yet(
        "log.dir",
        &[KAFKA],
        "write `storage file:DIRECTORY;` outside the block",
    ),
    Spec::not_yet("log.cleanup.policy", &[KAFKA], COMPACTION),
    Spec::not_yet("log.cleaner.enable", &[KAFKA], COMPACTION),
    Spec::not_yet("transaction.max.timeout.ms", &[KAFKA], TRANSACTIONS),
    Spec::not_yet("transactional.id.expiration.ms", &[KAFKA], TRANSACTIONS),
];
