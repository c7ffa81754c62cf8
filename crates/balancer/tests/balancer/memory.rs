//! In the steady state a request allocates nothing.

use std::net::IpAddr;

use allocation_counter::measure;
use balancer::{Failure, Method, Outcome, Tried, Verdict};

use crate::stand::Stand;

#[test]
fn picks_and_reports_allocate_nothing() {
    let methods = [
        (Method::RoundRobin, "a weight=2; b; c backup"),
        (Method::LeastConn, "a weight=2; b slow_start=9; c backup"),
        (Method::IpHash, "a weight=2; b; c"),
        (Method::Hash { consistent: false }, "a weight=2; b; c"),
        (Method::Hash { consistent: true }, "a weight=2; b; c"),
        (Method::Random { two: false }, "a weight=2; b; c"),
        (Method::Random { two: true }, "a weight=2; b; c"),
    ];
    let outcome = |verdict| Outcome {
        status: 200,
        latency_ms: 7,
        sent: 100,
        received: 1000,
        ..Outcome::new(verdict)
    };
    for (method, servers) in methods {
        let mut stand = Stand::new(method, servers);
        let mut tried = Tried::default();
        let client = Some(IpAddr::from([10, 1, 2, 3]));
        let mut round = |stand: &mut Stand| {
            tried.clear();
            let first = stand.ask("key", client, &mut tried).unwrap();
            let failed = outcome(Verdict::Failed(Failure::Error));
            stand.upstream.report(first, &failed, stand.now);
            let second = stand.ask("key", client, &mut tried).unwrap();
            let served = outcome(Verdict::Served);
            stand.upstream.report(second, &served, stand.now);
            stand.wait(20_000);
        };
        round(&mut stand);
        let made = measure(|| (0..100).for_each(|_| round(&mut stand)));
        assert_eq!(made.count_total, 0, "{method:?}");
    }
}
