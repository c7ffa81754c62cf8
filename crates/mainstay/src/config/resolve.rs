//! A checked tree to settings. What does not stand in the tree has the default of its table.
//!
//! Mistakes that the check has found already are passed over here (the default stands in), so that the rules
//! that tie several directives together are checked in the same pass.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use kafka::{Endpoint, Settings as BrokerSettings, TimestampType};
use nginx_conf::{Args, Context, Directive, Finding, MAIN, Place, Spec, Tables, Value, Verdict};
use node::settings::{AmqpSettings, ConsoleSettings, KafkaSettings, LogFormat, Settings, Storage};

use super::directives::{AMQP, BROKER, CONSOLE, KAFKA};
use super::{Pid, Plan, Source};

/// What has the log kept where a balancer is served.
const LOG: [&str; 3] = ["kafka", "amqp", "storage"];

/// Resolves the tree; adds to the findings what is wrong about it as a whole.
pub(super) fn plan(
    tables: &Tables,
    directives: &[Directive],
    source: &Source,
    findings: &mut Vec<Finding>,
) -> Plan {
    // Beside a balancer a log is kept where these ask for it.
    let asks = |directive: &Directive| LOG.contains(&directive.name.text.as_str());
    let origin = source.origin(directives.iter().any(asks));
    let balancer = proxy::resolve(directives, &origin, findings);
    let settings = settings(tables, directives, !balancer.is_empty(), findings);
    let main = &balancer.main;
    let named = main.pid.clone().map(|path| Pid { path, named: true });
    let default = source.prefix.as_ref().map(|prefix| Pid {
        path: prefix.join("logs/nginx.pid"),
        named: false,
    });
    Plan {
        error_log: main.error_log.clone(),
        pid: named.or(default),
        shutdown_timeout: main.worker_shutdown_timeout,
        settings,
        balancer: Some(balancer),
    }
}

/// The log and its faces. The log is kept where one of its clients is served or `storage` names a place.
fn settings(
    tables: &Tables,
    directives: &[Directive],
    balances: bool,
    findings: &mut Vec<Finding>,
) -> Settings {
    let block = |name: &str, context| {
        let mut blocks = directives.iter().filter(|d| d.name.text == name);
        let directives = blocks.next()?.block.as_deref().unwrap_or_default();
        Some(Scope {
            tables,
            context,
            directives,
        })
    };
    let main = Scope {
        tables,
        context: MAIN,
        directives,
    };
    let kafka = block("kafka", KAFKA).map(|scope| kafka(&scope, findings));
    let amqp = block("amqp", AMQP).map(|scope| AmqpSettings {
        listen: listen(&scope, findings),
    });
    let console = block("console", CONSOLE).map(|scope| ConsoleSettings {
        listen: listen(&scope, findings),
    });
    let serves = kafka.is_some() || amqp.is_some() || console.is_some();
    let asked = LOG.iter().any(|name| main.named(name).next().is_some());
    let keeps_log = asked || !balances;
    if !serves && !balances && !findings.iter().any(|f| f.verdict.refuses()) {
        let place = match directives.first() {
            Some(first) => Place::whole(&first.name.place.origin),
            None => Place::whole("configuration"),
        };
        let text =
            "nothing to serve: expected a block \"kafka\", \"amqp\", \"console\" or \"http\"";
        findings.push(Finding::wrong(&place, text));
    }
    Settings {
        storage: Some(storage(&main, findings)).filter(|_| keeps_log),
        kafka,
        amqp,
        console,
        log: match main.text("log").as_str() {
            "json" => LogFormat::Json,
            _ => LogFormat::Text,
        },
    }
}

/// The directives of one block, read by the tables.
struct Scope<'a> {
    tables: &'a Tables,
    context: Context,
    directives: &'a [Directive],
}

impl<'a> Scope<'a> {
    fn named(&self, name: &'a str) -> impl Iterator<Item = &'a Directive> {
        self.directives.iter().filter(move |d| d.name.text == name)
    }

    fn spec(&self, name: &str) -> &'static Spec {
        let spec = self.tables.find(name, self.context);
        spec.expect(
            "only directives of our own tables are resolved, which a test of every default shows",
        )
    }

    /// The first argument of every good directive of this name.
    fn values(&self, name: &'a str) -> Vec<(Value, &'a Place)> {
        let spec = self.spec(name);
        let read = |directive: &'a Directive| {
            let word = directive.args.first()?;
            Some((read_first(spec, &word.text)?, &word.place))
        };
        self.named(name).filter_map(read).collect()
    }

    /// The first argument where the directive is given and good, else that of the default.
    fn value_or_default(&self, name: &'a str) -> Option<Value> {
        let given = self.values(name).into_iter().next();
        let spec = self.spec(name);
        let default = || read_first(spec, spec.default?);
        given.map(|(value, _)| value).or_else(default)
    }

    fn number(&self, name: &'a str) -> i64 {
        match self.value_or_default(name) {
            Some(Value::Number(number)) => number,
            _ => 0,
        }
    }

    fn int(&self, name: &'a str) -> i32 {
        i32::try_from(self.number(name)).unwrap_or(i32::MAX)
    }

    fn flag(&self, name: &'a str) -> bool {
        self.value_or_default(name) == Some(Value::Flag(true))
    }

    fn text(&self, name: &'a str) -> String {
        match self.value_or_default(name) {
            Some(Value::Text(text)) => text,
            _ => String::new(),
        }
    }

    fn time(&self, name: &'a str) -> Duration {
        Duration::from_millis(u64::try_from(self.number(name)).unwrap_or(0))
    }

    /// Where the directive stands; only asked for what is given.
    fn place(&self, name: &'a str) -> Option<&'a Place> {
        Some(&self.named(name).next()?.name.place)
    }
}

fn read_first(spec: &Spec, text: &str) -> Option<Value> {
    match spec.args {
        Args::Params(params) => params.first()?.kind.read(text),
        Args::Any => None,
    }
}

fn storage(main: &Scope, findings: &mut Vec<Finding>) -> Storage {
    let location = main.text("storage");
    let Some(directory) = location.strip_prefix("file:") else {
        if let Some(place) = main.place("storage") {
            let text = format!(
                "\"storage {location}\" is not supported yet: expected file:DIRECTORY, object stores are to come"
            );
            findings.push(Finding::new(place, Verdict::NotSupportedYet, text));
        }
        return Storage::File(PathBuf::new());
    };
    if let Some(directive) = main.named("storage").find(|d| d.block.is_some()) {
        let text = "\"storage\": expected \";\" after file:DIRECTORY, found a block";
        findings.push(Finding::wrong(&directive.name.place, text));
    }
    Storage::File(directory.into())
}

/// The addresses of a block; those that others can reach must be allowed.
fn listen(scope: &Scope, findings: &mut Vec<Finding>) -> Vec<std::net::SocketAddr> {
    let insecure = scope.named("insecure").next().is_some();
    let mut addresses = Vec::new();
    for (value, place) in scope.values("listen") {
        let Value::Address(address) = value else {
            continue;
        };
        if !address.ip().is_loopback() && !insecure {
            let block = scope.context.0;
            let danger = if scope.context == AMQP {
                "passwords and messages would travel in the clear"
            } else {
                "there is no authentication yet"
            };
            let text = format!(
                "{address} can be reached from other machines, and {danger}: expected a loopback address, or \"insecure;\" in the block \"{block}\" (--set {block}.insecure) to allow it"
            );
            findings.push(Finding::wrong(place, text));
        }
        addresses.push(address);
    }
    if addresses.is_empty()
        && let Some(Value::Address(address)) = scope.value_or_default("listen")
    {
        addresses.push(address);
    }
    addresses
}

fn kafka(scope: &Scope, findings: &mut Vec<Finding>) -> KafkaSettings {
    let broker = broker(scope);
    zeros(scope, findings);
    relations(scope, &broker, findings);
    KafkaSettings {
        listen: listen(scope, findings),
        broker,
    }
}

fn broker(scope: &Scope) -> BrokerSettings {
    const MINUTE: Duration = Duration::from_secs(60);
    let unlimited = |name| u64::try_from(scope.number(name)).ok();
    let given: BTreeSet<&'static str> = BROKER
        .iter()
        .map(|spec| spec.name)
        .filter(|name| scope.named(name).next().is_some())
        .collect();
    BrokerSettings {
        advertised: match scope.values("advertised").into_iter().next() {
            Some((Value::HostPort(host, port), _)) => Some(Endpoint { host, port }),
            _ => None,
        },
        given,
        num_partitions: scope.int("num.partitions"),
        default_replication_factor: i16::try_from(scope.number("default.replication.factor"))
            .unwrap_or(i16::MAX),
        auto_create_topics_enable: scope.flag("auto.create.topics.enable"),
        message_max_bytes: scope.int("message.max.bytes"),
        socket_request_max_bytes: scope.int("socket.request.max.bytes"),
        log_retention: log_retention(scope),
        log_retention_bytes: unlimited("log.retention.bytes"),
        log_message_timestamp_type: match scope.text("log.message.timestamp.type").as_str() {
            "LogAppendTime" => TimestampType::LogAppendTime,
            _ => TimestampType::CreateTime,
        },
        offsets_retention: MINUTE
            * u32::try_from(scope.number("offsets.retention.minutes")).unwrap_or(u32::MAX),
        group_min_session_timeout: scope.time("group.min.session.timeout.ms"),
        group_max_session_timeout: scope.time("group.max.session.timeout.ms"),
        group_initial_rebalance_delay: scope.time("group.initial.rebalance.delay.ms"),
        max_incremental_fetch_session_cache_slots: u32::try_from(
            scope.number("max.incremental.fetch.session.cache.slots"),
        )
        .unwrap_or(u32::MAX),
        producer_id_expiration: scope.time("producer.id.expiration.ms"),
        connections_max_idle: unlimited("connections.max.idle.ms").map(Duration::from_millis),
    }
}

/// The most exact of Kafka's three settings wins, as in Kafka.
fn log_retention(scope: &Scope) -> Option<Duration> {
    const NAMES: [(&str, i64); 3] = [
        ("log.retention.ms", 1),
        ("log.retention.minutes", 60 * 1000),
        ("log.retention.hours", 3600 * 1000),
    ];
    let (name, unit_ms) = NAMES
        .into_iter()
        .find(|(name, _)| scope.named(name).next().is_some())
        .unwrap_or(NAMES[2]);
    let ms = scope.number(name).saturating_mul(unit_ms);
    u64::try_from(ms).ok().map(Duration::from_millis)
}

/// Times that may be endless (-1) but not nothing.
fn zeros(scope: &Scope, findings: &mut Vec<Finding>) {
    const NAMES: [&str; 4] = [
        "log.retention.ms",
        "log.retention.minutes",
        "log.retention.hours",
        "connections.max.idle.ms",
    ];
    for name in NAMES {
        for (value, place) in scope.values(name) {
            if value == Value::Number(0) {
                let text = format!("\"{name}\": expected at least 1, or -1 for no limit, found 0");
                findings.push(Finding::wrong(place, text));
            }
        }
    }
}

/// What two settings demand of each other.
fn relations(scope: &Scope, broker: &BrokerSettings, findings: &mut Vec<Finding>) {
    let mut wrong = |names: [&'static str; 2], text: String| {
        // One of the two must be given, since the defaults fit each other.
        if let Some(place) = names.iter().find_map(|name| scope.place(name)) {
            findings.push(Finding::wrong(place, text));
        }
    };
    let (min, max) = (
        broker.group_min_session_timeout,
        broker.group_max_session_timeout,
    );
    if min > max {
        let text = format!(
            "\"group.min.session.timeout.ms\" ({}) is above \"group.max.session.timeout.ms\" ({})",
            min.as_millis(),
            max.as_millis()
        );
        let names = [
            "group.min.session.timeout.ms",
            "group.max.session.timeout.ms",
        ];
        wrong(names, text);
    }
    if broker.message_max_bytes > broker.socket_request_max_bytes {
        let text = format!(
            "\"message.max.bytes\" ({}) is above \"socket.request.max.bytes\" ({}): such a batch could not be sent",
            broker.message_max_bytes, broker.socket_request_max_bytes
        );
        wrong(["message.max.bytes", "socket.request.max.bytes"], text);
    }
}
