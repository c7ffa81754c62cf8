use std::path::Path;
use std::time::Duration;

use kafka::{Endpoint, TimestampType};
use nginx_conf::{Args, Support};
use node::settings::{LogFormat, Settings, Storage};

use super::directives::{AMQP, CONSOLE, KAFKA};
use super::{Outcome, Override, Plan, Source, load, tables};

/// A configuration file with this text, and what comes of it.
fn read(text: &str, overrides: &[Override]) -> Outcome {
    let dir = std::env::temp_dir().join(format!("mainstay-conf-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let name = std::thread::current()
        .name()
        .unwrap_or("test")
        .replace("::", "-");
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    let outcome = load(&named(&path), overrides);
    std::fs::remove_file(&path).unwrap();
    outcome
}

fn named(path: &Path) -> Source {
    Source {
        file: Some(path.to_owned()),
        ..Source::default()
    }
}

/// The settings; panics with the findings where there are none.
fn settings(text: &str, set: &[&str]) -> Settings {
    plan(text, set).settings
}

fn plan(text: &str, set: &[&str]) -> Plan {
    let overrides: Vec<Override> = set.iter().map(|text| Override::set(text)).collect();
    let outcome = read(text, &overrides);
    outcome
        .plan
        .unwrap_or_else(|| panic!("{text}: {:?}", outcome.findings))
}

/// Findings as `line:column message`, or with the argument in place of the position.
fn check(text: &str, set: &[&str], expected: &[&str]) {
    let overrides: Vec<Override> = set.iter().map(|text| Override::set(text)).collect();
    let outcome = read(text, &overrides);
    let got: Vec<String> = outcome
        .findings
        .iter()
        .map(|finding| match finding.place.line {
            0 => finding.to_string(),
            line => format!("{line}:{} {}", finding.place.column, finding.message),
        })
        .collect();
    assert_eq!(got, expected, "{text} {set:?}");
    let refused = outcome.findings.iter().any(|f| f.verdict.refuses());
    assert_eq!(outcome.plan.is_none(), refused);
}

#[test]
fn without_file_and_flags_the_documented_defaults_hold() {
    let outcome = load(&Source::default(), &[]);
    assert_eq!(outcome.findings, []);
    assert_eq!(outcome.plan.unwrap().settings, Settings::default());
    // The same from the tables' defaults.
    assert_eq!(
        settings("kafka {} amqp {} console {}", &[]),
        Settings::default()
    );
}

#[test]
fn every_default_is_of_its_kind() {
    for spec in tables().specs() {
        let (Some(default), Args::Params([param])) = (spec.default, spec.args) else {
            // The balancer's may have several words.
            let ours = [KAFKA, AMQP, CONSOLE]
                .iter()
                .any(|c| spec.contexts.contains(c));
            assert!(spec.default.is_none() || !ours, "{}", spec.name);
            continue;
        };
        assert!(
            param.kind.read(default).is_some(),
            "{} {default}",
            spec.name
        );
        assert_eq!(spec.support, Support::Works);
    }
}

#[test]
fn every_setting_reaches_its_field() {
    let text = "
        storage file:/var/lib/x;
        log json;
        kafka {
            listen 9093;
            listen [::1]:9094;
            advertised kafka.example:1;
            num.partitions 4;
            default.replication.factor 3;
            auto.create.topics.enable off;
            message.max.bytes 2m;
            socket.request.max.bytes 3m;
            log.retention.ms 5s;
            log.retention.bytes 1g;
            log.message.timestamp.type LogAppendTime;
            offsets.retention.minutes 2;
            group.min.session.timeout.ms 7;
            group.max.session.timeout.ms 8;
            group.initial.rebalance.delay.ms 9;
            max.incremental.fetch.session.cache.slots 10;
            producer.id.expiration.ms 11;
            connections.max.idle.ms 12;
            compression.type producer;
        }
        console { listen 0.0.0.0:1; insecure; }";
    let settings = settings(text, &[]);
    assert_eq!(settings.storage, Some(Storage::File("/var/lib/x".into())));
    assert_eq!(settings.log, LogFormat::Json);
    assert_eq!(
        settings.console.unwrap().listen,
        ["0.0.0.0:1".parse().unwrap()]
    );
    let kafka = settings.kafka.unwrap();
    let listen: Vec<String> = kafka.listen.iter().map(ToString::to_string).collect();
    assert_eq!(listen, ["127.0.0.1:9093", "[::1]:9094"]);
    let advertised = Endpoint {
        host: "kafka.example".into(),
        port: 1,
    };
    assert_eq!(kafka.broker.advertised, Some(advertised));
    assert_eq!(kafka.broker.given.len(), 16);
    let broker = kafka.broker;
    assert_eq!(broker.num_partitions, 4);
    assert_eq!(broker.default_replication_factor, 3);
    assert!(!broker.auto_create_topics_enable);
    assert_eq!(broker.message_max_bytes, 2 << 20);
    assert_eq!(broker.socket_request_max_bytes, 3 << 20);
    assert_eq!(broker.log_retention, Some(Duration::from_secs(5)));
    assert_eq!(broker.log_retention_bytes, Some(1 << 30));
    assert_eq!(
        broker.log_message_timestamp_type,
        TimestampType::LogAppendTime
    );
    assert_eq!(broker.offsets_retention, Duration::from_secs(120));
    assert_eq!(broker.group_min_session_timeout, Duration::from_millis(7));
    assert_eq!(broker.group_max_session_timeout, Duration::from_millis(8));
    assert_eq!(
        broker.group_initial_rebalance_delay,
        Duration::from_millis(9)
    );
    assert_eq!(broker.max_incremental_fetch_session_cache_slots, 10);
    assert_eq!(broker.producer_id_expiration, Duration::from_millis(11));
    assert_eq!(broker.connections_max_idle, Some(Duration::from_millis(12)));
}

#[test]
fn the_most_exact_retention_wins_and_minus_one_means_for_ever() {
    let check = |inside: &str, retention: Option<u64>| {
        let settings = settings(&format!("kafka {{ {inside} }}"), &[]);
        let got = settings.kafka.unwrap().broker.log_retention;
        assert_eq!(got, retention.map(Duration::from_secs), "{inside}");
    };
    check("", Some(7 * 86_400));
    check("log.retention.hours 1;", Some(3600));
    check("log.retention.hours 1; log.retention.minutes 2;", Some(120));
    check(
        "log.retention.hours 1; log.retention.ms 3000; log.retention.minutes 2;",
        Some(3),
    );
    check("log.retention.hours -1;", None);
    check("log.retention.hours 1; log.retention.ms -1;", None);
}

#[test]
fn what_is_not_in_the_file_is_not_served() {
    assert_eq!(settings("kafka {}", &[]).console, None);
    assert_eq!(settings("console {}", &[]).kafka, None);
    assert!(settings("console {}", &["kafka.listen=1"]).kafka.is_some());
    let outcome = read("log json;", &[]);
    assert!(outcome.findings[0].message.starts_with("nothing to serve"));
    assert!(
        read("", &[]).findings[0]
            .message
            .starts_with("nothing to serve")
    );
}

#[test]
fn overrides_take_the_place_of_the_file() {
    let partitions =
        |text: &str, set: &[&str]| settings(text, set).kafka.unwrap().broker.num_partitions;
    assert_eq!(
        partitions("kafka { num.partitions 2; }", &["kafka.num.partitions=4"]),
        4
    );
    assert_eq!(
        partitions(
            "kafka {}",
            &["kafka.num.partitions=4", "kafka.num.partitions=5"]
        ),
        5
    );
    let kafka = settings(
        "kafka { listen 1; listen 2; }",
        &["kafka.listen=*:3", "kafka.insecure"],
    )
    .kafka;
    assert_eq!(kafka.unwrap().listen, ["0.0.0.0:3".parse().unwrap()]);
    let quoted = settings("kafka {}", &["storage='file:/a b'"]).storage;
    assert_eq!(quoted, Some(Storage::File("/a b".into())));
    assert_eq!(settings("kafka {}", &["log=json"]).log, LogFormat::Json);
}

#[test]
fn overrides_are_checked_by_the_same_tables() {
    let check = |set: &str, expected: &str| {
        check("kafka {}", &[set], &[&format!("--set {set}: {expected}")])
    };
    check(
        "kafka.num.partitions=x",
        "\"num.partitions\": expected a number from 1 to 10000, found \"x\"",
    );
    check(
        "kafka.num.partition=4",
        "\"num.partition\" is unknown: did you mean \"num.partitions\"?",
    );
    check(
        "kafka.num.partitions",
        "\"num.partitions\": expected \"num.partitions NUMBER;\", found 0 arguments",
    );
    check(
        "kafk.num.partitions=4",
        "\"kafk\" is unknown: did you mean \"kafka\"?",
    );
    check(
        "mail.server=4",
        "\"mail\" is not supported yet: mail proxying",
    );
    check(
        "kafka.listen=1;x",
        "expected only the directive's arguments after \"=\"",
    );
    check("=4", "expected BLOCK.DIRECTIVE=VALUE");
    check(".x=4", "expected BLOCK.DIRECTIVE=VALUE");
    check(
        "log=loud",
        "\"log\": expected one of text, json, found \"loud\"",
    );
}

#[test]
fn every_problem_is_told_at_once() {
    check(
        "user nobody;\nevents { worker_connections 768; }\nkafak {}\nkafka {\n listen 0.0.0.0:9092;\n num.partitions 0;\n listeners x;\n}\nmail {\n server {}\n}\ncluster { listen 5672; }\nstorage s3://bucket/x { region y; }\n",
        &[],
        &[
            "1:1 \"user\" is ignored safely: Mainstay is one process, stays in the foreground and runs as the user that started it",
            "2:1 \"events\" is ignored safely: it tunes nginx's own processes and event loop",
            "2:10 \"worker_connections\" is ignored safely: it tunes nginx's own processes and event loop",
            "3:1 \"kafak\" is unknown: did you mean \"kafka\"?",
            "5:9 0.0.0.0:9092 can be reached from other machines, and there is no authentication yet: expected a loopback address, or \"insecure;\" in the block \"kafka\" (--set kafka.insecure) to allow it",
            "6:17 \"num.partitions\": expected a number from 1 to 10000, found \"0\"",
            "7:2 \"listeners\" is not supported yet: write `listen ADDRESS;`",
            "9:1 \"mail\" is not supported yet: mail proxying",
            "12:1 \"cluster\" is not supported yet: several nodes as one",
            "13:1 \"storage s3://bucket/x\" is not supported yet: expected file:DIRECTORY, object stores are to come",
        ],
    );
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    check(
        "kafka { group.min.session.timeout.ms 40m; }",
        &[],
        &[
            "1:9 \"group.min.session.timeout.ms\" (2400000) is above \"group.max.session.timeout.ms\" (1800000)",
        ],
    );
    check(
        "kafka { socket.request.max.bytes 1k; }",
        &[],
        &[
            "1:9 \"message.max.bytes\" (1048588) is above \"socket.request.max.bytes\" (1024): such a batch could not be sent",
        ],
    );
    check(
        "kafka { log.retention.hours 0; }",
        &[],
        &["1:29 \"log.retention.hours\": expected at least 1, or -1 for no limit, found 0"],
    );
    check(
        "kafka {} storage file:x { a b; }",
        &[],
        &["1:10 \"storage\": expected \";\" after file:DIRECTORY, found a block"],
    );
}

#[test]
fn directives_md_is_what_the_tables_say() {
    let text = super::directives_markdown();
    expect_test::expect_file!["../../../../docs/directives.md"].assert_eq(&text);
}

#[test]
fn a_missing_file_is_a_finding() {
    let outcome = load(&named(Path::new("/nonexistent/m.conf")), &[]);
    let text = outcome.findings[0].to_string();
    assert!(
        text.starts_with("/nonexistent/m.conf: cannot read"),
        "{text}"
    );
    assert!(outcome.plan.is_none());
}

#[test]
fn nginxs_flags_say_where_names_start_from() {
    let source = |file: Option<&str>, prefix: Option<&str>| Source {
        file: file.map(Into::into),
        prefix: prefix.map(Into::into),
        ..Source::default()
    };
    let check = |file, prefix, expected: Option<&str>| {
        let main = source(file, prefix).main_file();
        assert_eq!(
            main.as_deref(),
            expected.map(Path::new),
            "{file:?} {prefix:?}"
        );
    };
    check(None, None, None);
    check(Some("a.conf"), None, Some("a.conf"));
    check(Some("a.conf"), Some("/p/"), Some("/p/a.conf"));
    check(Some("/etc/a.conf"), Some("/p"), Some("/etc/a.conf"));
    check(None, Some("/p"), Some("/p/conf/nginx.conf"));

    let dir = std::env::temp_dir().join(format!("mainstay-prefix-{}", std::process::id()));
    std::fs::create_dir_all(dir.join("conf")).unwrap();
    std::fs::write(dir.join("conf/nginx.conf"), "include *.inc; kafka {}").unwrap();
    std::fs::write(dir.join("conf/a.inc"), "worker_shutdown_timeout 3s;").unwrap();
    let mut source = source(None, dir.to_str());
    source.error_log = Some("e.log".into());
    let log = |plan: &Plan| plan.error_log.clone();
    let at = |name: &str, level| proxy::ErrorLog {
        target: proxy::LogTarget::File(dir.join(name)),
        level,
    };
    let outcome = load(&source, &[]);
    let names: Vec<_> = outcome.files.iter().map(|(path, _)| path.clone()).collect();
    assert_eq!(
        names,
        ["conf/nginx.conf", "conf/a.inc"].map(|name| dir.join(name))
    );
    let plan = outcome.plan.unwrap();
    assert_eq!(log(&plan), [at("e.log", proxy::Severity::Error)]);
    assert_eq!(plan.pid.unwrap().path, dir.join("logs/nginx.pid"));
    assert_eq!(plan.shutdown_timeout, Some(Duration::from_secs(3)));

    source.globals = Some("pid x.pid; error_log g.log debug".into());
    let plan = load(&source, &[]).plan.unwrap();
    assert_eq!(log(&plan), [at("g.log", proxy::Severity::Debug)]);
    assert_eq!(plan.pid.unwrap().path, dir.join("x.pid"));
    source.globals = Some("pid x.pid; nonsense on;".into());
    let findings = load(&source, &[]).findings;
    assert_eq!(findings[0].to_string(), "-g:1:12: \"nonsense\" is unknown");
    std::fs::remove_dir_all(&dir).unwrap();
}
#[test]
fn a_balancer_alone_keeps_no_log() {
    let file = "http { server { listen 127.0.0.1:8080; } }";
    let storage = |text: &str| settings(text, &[]).storage;
    assert_eq!(storage(file), None);
    assert_eq!(storage(&format!("{file} console {{}}")), None);
    let default = Settings::default().storage;
    assert_eq!(storage(&format!("{file} kafka {{}}")), default);
    assert_eq!(storage(&format!("{file} amqp {{}}")), default);
    assert_eq!(storage("console {}"), default);
    let named = Some(Storage::File("x".into()));
    assert_eq!(storage(&format!("{file} storage file:x;")), named);
}

#[test]
fn a_fragment_is_the_inside_of_http() {
    let balances = |text: &str| plan(text, &[]).balancer.is_some_and(|b| !b.is_empty());
    assert!(balances(
        "map $host $x { default 1; } server { listen 127.0.0.1:8080; }"
    ));
    assert!(!balances("kafka {}"));
    check(
        "http {} upstream a {}",
        &[],
        &["1:9 \"upstream\" is not allowed here: it belongs inside \"http\" or inside \"stream\""],
    );
}

#[test]
fn an_access_log_to_a_topic_needs_a_log_and_a_legal_name() {
    let access = |topic: &str| format!("http {{ access_log kafka:{topic}; }}");
    let refusal = "1:8 \"access_log\": no log keeps the topic \"a\": there is no \"storage\"";
    check(&access("a"), &[], &[refusal]);
    for block in ["kafka {}", "amqp {}", "storage file:data;"] {
        check(&format!("{} {block}", access("a")), &[], &[]);
    }
    check(
        &format!("{} kafka {{}}", access("..")),
        &[],
        &["1:8 \"access_log\": the topic \"..\": '.' or '..' is not allowed"],
    );
}
