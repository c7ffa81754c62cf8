//! What is wrong with a description.

use std::time::Duration;

use balancer::{HealthSpec, KETAMA_WEIGHT_MAX, Method, SpecError, WEIGHT_MAX};

use crate::stand::spec;

fn check(method: Method, servers: &str, expected: &[&str]) {
    let found = spec(method, servers).check();
    let found: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found, expected, "{servers}");
}

#[test]
fn every_problem_is_found() {
    check(Method::RoundRobin, "a; b backup slow_start=30", &[]);
    check(Method::LeastConn, "a; b backup slow_start=30", &[]);
    let refusing = [
        Method::IpHash,
        Method::Hash { consistent: false },
        Method::Hash { consistent: true },
        Method::Random { two: false },
    ];
    for method in refusing {
        check(
            method,
            "a slow_start=30; b backup; c",
            &[
                "the load balancing method does not support \"slow_start\" (server \"a\")",
                "the load balancing method does not support \"backup\" (server \"b\")",
            ],
        );
    }
    check(
        Method::RoundRobin,
        "a weight=0 backup; b weight=16777216 backup",
        &[
            "upstream \"u\" has no servers",
            "server \"a\" has weight 0; it must be from 1 to 16777215",
            "server \"b\" has weight 16777216; it must be from 1 to 16777215",
        ],
    );
    assert_eq!(WEIGHT_MAX, 16_777_215);
    assert_eq!(KETAMA_WEIGHT_MAX, 50_000);
    check(
        Method::Hash { consistent: true },
        "a weight=50000; b",
        &["upstream \"u\" has weights of 50001 in all; a consistent hash takes up to 50000"],
    );
}

#[test]
fn addresses_services_and_checks_must_make_sense() {
    let mut group = spec(Method::RoundRobin, "a; b resolve; c");
    group.servers[0].addresses.clear();
    group.servers[2].service = Some("http".to_owned());
    group.health = Some(HealthSpec {
        interval: Duration::ZERO,
        fails: 0,
        passes: 0,
        ..HealthSpec::default()
    });
    let health = |parameter| SpecError::Health {
        upstream: "u".to_owned(),
        parameter,
    };
    assert_eq!(
        group.check(),
        [
            SpecError::NoAddress {
                server: "a".to_owned()
            },
            SpecError::ServiceWithoutResolve {
                server: "c".to_owned()
            },
            health("interval"),
            health("fails"),
            health("passes"),
        ]
    );
}
