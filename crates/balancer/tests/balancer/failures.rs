//! Passive failures: when a peer is put aside, how it is probed, and how it comes back.

use balancer::{Failure, Method, Outcome, Reason, State, Tried, Verdict};

use crate::stand::Stand;

fn two() -> Stand {
    Stand::new(Method::RoundRobin, "a max_fails=2 fail_timeout=10; b")
}

#[test]
fn a_peer_goes_and_returns_and_both_are_told_once() {
    let mut stand = Stand::new(Method::RoundRobin, "a fail_timeout=10; b");
    let choice = stand.pick().unwrap();
    let change = stand.failed(choice).unwrap();
    assert_eq!((change.from, change.to), (State::Up, State::Unavailable));
    assert_eq!(change.reason, Reason::Failed(Failure::Error));
    assert_eq!((&*change.upstream, &*change.server), ("u", "a"));
    stand.wait(10_000);
    assert_eq!(stand.requests(3, ""), "b b b", "the time is not over yet");
    stand.wait(1);
    let mut change = None;
    for _ in 0..4 {
        let choice = stand.pick().unwrap();
        change = change.or(stand.served(choice));
    }
    let change = change.unwrap();
    assert_eq!((change.from, change.to), (State::Unavailable, State::Up));
    assert_eq!(change.reason, Reason::Served);
    assert_eq!(stand.upstream.snapshot()[0].counts.unavailable, 1);
}

/// Pitfall 20.
#[test]
fn recovery_is_probed_by_one_request_not_by_a_herd() {
    for method in [
        Method::RoundRobin,
        Method::LeastConn,
        Method::Hash { consistent: false },
        Method::Hash { consistent: true },
        Method::Random { two: false },
        Method::Random { two: true },
    ] {
        let mut stand = Stand::new(method, "a fail_timeout=10; b weight=2");
        while !stand.requests(1, "a").contains('a') {}
        stand.wait(10_001);
        let held: Vec<_> = (0..1000)
            .map(|number| {
                let key = format!("{number}");
                stand.ask(&key, None, &mut Tried::default()).unwrap()
            })
            .collect();
        let probes = held.iter().filter(|choice| &*choice.server == "a").count();
        assert_eq!(probes, 1, "{method:?}");
        // A probe that hangs is followed by another one only when a whole time is over.
        stand.wait(10_000);
        assert!((0..100).all(|_| &*stand.pick().unwrap().server == "b"));
    }
}

#[test]
fn a_probe_that_fails_puts_the_peer_aside_again_without_news() {
    let mut stand = Stand::new(Method::RoundRobin, "a fail_timeout=10; b");
    assert_eq!(stand.requests(1, "a"), "ab");
    for _ in 0..3 {
        stand.wait(10_001);
        // Its weight recovers by one with each pick that it takes part in.
        let tried = stand.requests(4, "a");
        assert_eq!(tried.matches('a').count(), 1, "{tried}");
    }
    assert_eq!(stand.upstream.snapshot()[0].counts.unavailable, 1);
    assert_eq!(stand.upstream.snapshot()[0].state, State::Unavailable);
}

#[test]
fn failures_far_apart_do_not_add_up() {
    let mut stand = two();
    for _ in 0..5 {
        while !stand.requests(1, "a").contains('a') {}
        stand.wait(10_001);
        while !stand.requests(1, "").contains('a') {}
    }
    assert_eq!(stand.upstream.snapshot()[0].state, State::Up);
}

#[test]
fn what_says_nothing_against_a_peer_is_not_counted() {
    let verdicts = [
        Verdict::Abandoned,
        Verdict::PassedOn,
        Verdict::Failed(Failure::Stale),
        Verdict::Failed(Failure::Status(404)),
        Verdict::Failed(Failure::Status(403)),
    ];
    for verdict in verdicts {
        let mut stand = Stand::new(Method::RoundRobin, "a; b");
        for _ in 0..10 {
            let choice = stand.pick().unwrap();
            let change = stand
                .upstream
                .report(choice, &Outcome::new(verdict), stand.now);
            assert_eq!(change, None);
        }
        assert!(stand.upstream.snapshot().iter().all(|peer| peer.fails == 0));
    }
}

#[test]
fn a_client_that_goes_away_does_not_bring_a_dead_peer_back() {
    let mut stand = Stand::new(Method::RoundRobin, "a fail_timeout=1; b down");
    let choice = stand.pick().unwrap();
    stand.failed(choice);
    stand.wait(1001);
    let probe = stand.pick().unwrap();
    let outcome = Outcome::new(Verdict::Abandoned);
    assert_eq!(stand.upstream.report(probe, &outcome, stand.now), None);
    assert!(stand.pick().is_none());
}

#[test]
fn slow_start_gives_weight_back_in_proportion_to_time() {
    let mut stand = Stand::new(
        Method::RoundRobin,
        "a fail_timeout=1 slow_start=100; b fail_timeout=1",
    );
    assert_eq!(stand.requests(1, "a"), "ab");
    stand.wait(1001);
    while !stand.requests(1, "").contains('a') {}
    let mut share = |at_ms: u64| {
        stand.wait(at_ms);
        stand.requests(1000, "").matches('a').count()
    };
    // At the beginning nothing; after 25 s a quarter of its weight, that is a fifth of the requests; then half.
    assert!(share(0) <= 1);
    assert!((190..=210).contains(&share(25_000)));
    assert!((323..=343).contains(&share(25_000)));
    assert!((499..=501).contains(&share(50_000)));
}

#[test]
fn slow_start_does_not_keep_the_only_usable_peer_from_work() {
    let mut stand = Stand::new(Method::LeastConn, "a fail_timeout=1 slow_start=100; b down");
    assert_eq!(stand.requests(1, "a"), "a");
    stand.wait(1001);
    assert_eq!(stand.requests(3, ""), "a a a");
}

#[test]
fn a_session_that_lasts_brings_its_peer_back() {
    let mut stand = Stand::new(Method::RoundRobin, "a fail_timeout=1; b down");
    let choice = stand.pick().unwrap();
    stand.failed(choice);
    stand.wait(1001);
    let session = stand.pick().unwrap();
    assert!(stand.pick().is_none(), "the first one is the probe");
    let change = stand.upstream.connected(&session, stand.now).unwrap();
    assert_eq!((change.from, change.to), (State::Unavailable, State::Up));
    assert!(stand.pick().is_some());
    assert_eq!(stand.upstream.connected(&session, stand.now), None);
}
