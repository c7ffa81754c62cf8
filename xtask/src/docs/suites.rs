//! The suites that `docs/conformance.md` shows: what each one is, beside whose result it stands, and in which form.
/// How a suite's results are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A row for each test, with both servers beside each other.
    List,
    /// The same, without the tests that pass, or skip themselves, on both.
    Exceptions,
    /// A row for each client, a column for each step.
    Clients,
    /// A row for each step, a column for each client: for more steps than fit beside each other.
    Steps,
}

pub(super) struct Section {
    /// As in the names of its result files and in `conformance/reasons.json`.
    pub(super) suite: &'static str,
    pub(super) heading: &'static str,
    pub(super) what: &'static str,
    /// The server that its clients were made for.
    pub(super) peer: &'static str,
    pub(super) form: Form,
}

pub(super) const SECTIONS: &[Section] = &[
    Section {
        suite: "textbook",
        heading: "A textbook's first program",
        what: "[`examples/textbook/kafka.py`](../examples/textbook/kafka.py) with kafka-python 1.4.7, which speaks the protocol of 2013, run twice.",
        peer: "apache-kafka",
        form: Form::List,
    },
    Section {
        suite: "clients",
        heading: "Stock clients",
        what: "Each client sends messages in every codec and reads them back; shares a topic in a group of two; loses a \
         member to `kill -9` and takes over; commits; and, after a `kill -9` of the server, a new member goes on \
         exactly where the commit was. [`conformance/clients/scenario.py`](../conformance/clients/scenario.py) says what a client does, the harness judges.",
        peer: "apache-kafka",
        form: Form::Clients,
    },
    Section {
        suite: "kafka-python",
        heading: "kafka-python's own integration tests",
        what: "`test/integration` without SASL and TLS.",
        peer: "apache-kafka",
        form: Form::List,
    },
    Section {
        suite: "librdkafka",
        heading: "librdkafka's own tests",
        what: "Every test that uses a broker, one at a time, in the quick mode.",
        peer: "apache-kafka",
        form: Form::List,
    },
    Section {
        suite: "textbook-rabbitmq",
        heading: "A textbook's RabbitMQ program",
        what: "[`examples/textbook/rabbitmq.py`](../examples/textbook/rabbitmq.py), run twice: a worker with a prefetch of one is \
         killed in the middle of its task, which another does; routing by topic; publish and subscribe.",
        peer: "rabbitmq",
        form: Form::List,
    },
    Section {
        suite: "textbook-nginx",
        heading: "A textbook's load balancer",
        what: "[`examples/textbook/nginx.conf`](../examples/textbook/nginx.conf) and its variants, as they are: the servers behind it \
         count what they are asked, one is killed under load, and returns.",
        peer: "nginx",
        form: Form::List,
    },
    Section {
        suite: "smuggling",
        heading: "Smuggled requests",
        what: "Requests that two parsers may read differently, sent raw through the balancer to an nginx and a Node server: neither \
         may see the request that hides in another one, and whoever asks next gets the answer to its own question.",
        peer: "nginx",
        form: Form::Exceptions,
    },
    Section {
        suite: "celery",
        heading: "Celery",
        what: "Three workers on [`examples/textbook/celery_tasks.py`](../examples/textbook/celery_tasks.py), acknowledging late; one is \
         killed with `kill -9` in the middle of a long task; some tasks have an ETA.",
        peer: "rabbitmq",
        form: Form::List,
    },
    Section {
        suite: "amqp-clients",
        heading: "Stock clients of RabbitMQ",
        what: "Each client plays every scenario of [`conformance/amqp/scenarios.json`](../conformance/amqp/scenarios.json), in the \
         way that its library is meant to be used; the harness judges what it saw. A dash stands where a library lacks an operation.",
        peer: "rabbitmq",
        form: Form::Steps,
    },
    Section {
        suite: "one-log",
        heading: "One log",
        what: "A queue of the type `stream` is the Kafka topic of that name. RabbitMQ has no topics, so it stands alone.",
        peer: "rabbitmq",
        form: Form::List,
    },
    Section {
        suite: "pika",
        heading: "pika's own acceptance tests",
        what: "`tests/acceptance` of a checkout, without TLS. Not shown are those that pass, or skip themselves, on both servers.",
        peer: "rabbitmq",
        form: Form::Exceptions,
    },
    Section {
        suite: "kombu",
        heading: "kombu's own integration tests of py-amqp",
        what: "`t/integration/test_py_amqp.py`, none of them tried twice. Not shown are those that pass on both servers.",
        peer: "rabbitmq",
        form: Form::Exceptions,
    },
    Section {
        suite: "lapin",
        heading: "lapin's own tests",
        what: "Each test of the crate's `tests/`, in a process of its own.",
        peer: "rabbitmq",
        form: Form::List,
    },
];
