//! The balancer beside the log: its metrics, its access log and what happens to servers, as their readers get them.

use std::fmt::Debug;

use mainstay::client::Connection;
use mainstay::messages;

use crate::nginx::{Prefix, free_port, get, serve, wait};

const REQUESTS: usize = 6;

/// Waits until a topic has so many messages.
fn read(kafka: u16, topic: &str, count: usize) -> Vec<String> {
    let mut found = Vec::new();
    wait(topic, || {
        let mut connection = Connection::open(&kafka.to_string()).unwrap();
        // The topic is made with its first message.
        found = messages::read(&mut connection, topic, 0).unwrap_or_default();
        found.len() >= count
    });
    found
}

fn assert_samples(metrics: &str, server: u16, expected: &[(&str, &str, u64)]) {
    for (name, more, value) in expected {
        let address = format!("127.0.0.1:{server}");
        let sample = format!(
            "\nmainstay_upstream_{name}{{face=\"http\",upstream=\"group\",server=\"{address}\",address=\"{address}\"{more}}} {value}\n"
        );
        assert!(metrics.contains(&sample), "no {sample} in {metrics}");
    }
}

fn same<T: PartialEq + Debug>(got: impl IntoIterator<Item = T>, expected: &[T]) {
    assert_eq!(got.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn metrics_access_log_and_events_tell_of_a_dead_server() {
    let prefix = Prefix::new("observed");
    let [kafka, console, port, live, dead] = std::array::from_fn(|_| free_port());
    let data = prefix.at("data");
    let text = format!(
        "error_log error.log info; pid m.pid; storage file:{};
        kafka {{ listen 127.0.0.1:{kafka}; }} console {{ listen 127.0.0.1:{console}; }} worker_processes 1;
        http {{
            log_format line '$request_method $uri $status';
            access_log kafka:access line;
            upstream group {{ server 127.0.0.1:{dead}; server 127.0.0.1:{live}; }}
            server {{ listen 127.0.0.1:{live}; access_log off; return 200 ok; }}
            upstream checked {{ zone checked 64k; server 127.0.0.1:{dead}; server 127.0.0.1:{live}; }}
            server {{
                listen 127.0.0.1:{port};
                location / {{ proxy_pass http://group; }}
                location /checked {{ proxy_pass http://checked; health_check interval=100ms; }}
            }}
        }}\n",
        data.display()
    );
    prefix.write("nginx.conf", &text);
    let _server = serve(&prefix);
    wait("the process id", || !prefix.text("m.pid").is_empty());
    for number in 0..REQUESTS {
        let answer = get(port, &format!("/{number}"));
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    let metrics = get(console, "/metrics");
    let all = u64::try_from(REQUESTS).unwrap();
    let served = [
        ("requests_total", "", all),
        ("retries_total", "", 1),
        ("responses_total", ",code=\"2xx\"", all),
        ("state", ",state=\"up\"", 1),
        ("latency_seconds_count", "", all),
        ("connections", "", 0),
    ];
    assert_samples(&metrics, live, &served);
    let failed = [
        ("requests_total", "", 1),
        ("retries_total", "", 0),
        ("failures_total", ",kind=\"connect\"", 1),
        ("unavailable_total", "", 1),
        ("state", ",state=\"unavail\"", 1),
        ("state", ",state=\"up\"", 0),
        ("latency_seconds_count", "", 0),
    ];
    assert_samples(&metrics, dead, &failed);

    let lines = (0..REQUESTS).map(|number| format!("GET /{number} 200"));
    same(read(kafka, "access", REQUESTS), &lines.collect::<Vec<_>>());
    let mut events: Vec<_> = read(kafka, "mainstay.events", 2)
        .iter()
        .map(|text| serde_json::from_str::<serde_json::Value>(text).unwrap())
        .map(|event| ["upstream", "server", "from", "to"].map(|name| event[name].to_string()))
        .collect();
    events.sort();
    // A request found the one, a health check the other.
    let expected = |upstream: &str, to: &str| {
        let server = format!("127.0.0.1:{dead}");
        [upstream, &server, "up", to].map(|text| format!("{text:?}"))
    };
    same(
        events,
        &[
            expected("checked", "unhealthy"),
            expected("group", "unavail"),
        ],
    );
}
