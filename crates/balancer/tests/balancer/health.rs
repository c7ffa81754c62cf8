//! Active health checks: when they are due, and what they decide.

use std::time::Duration;

use balancer::{Check, HealthSpec, Method, Reason, State, Upstream};

use crate::stand::{Stand, spec};

fn stand(health: HealthSpec, servers: &str) -> Stand {
    let mut spec = spec(Method::RoundRobin, servers);
    spec.health = Some(health);
    Stand::of(spec)
}

fn due(stand: &Stand) -> Vec<Check> {
    let mut checks = Vec::new();
    stand.upstream.begin_checks(stand.now, &mut checks);
    checks
}

/// One round of checks, of which those of `dead` fail; the states that follow.
fn round(stand: &mut Stand, dead: &str) -> Vec<State> {
    for check in due(stand) {
        let passed = !dead.contains(&*check.server);
        stand.upstream.checked(check.peer, passed, stand.now, 0);
    }
    stand.wait(5000);
    let peers = stand.upstream.snapshot();
    peers.iter().map(|peer| peer.state).collect()
}

#[test]
fn so_many_failures_and_passes_in_a_row_decide() {
    use State::{Unhealthy, Up};
    let health = HealthSpec {
        fails: 3,
        passes: 2,
        ..HealthSpec::default()
    };
    let mut stand = stand(health, "a; b");
    let rounds = ["a", "a", "", "a", "a", "a", "", "a", "", ""];
    let expected = [
        Up, Up, Up, Up, Up, Unhealthy, Unhealthy, Unhealthy, Unhealthy, Up,
    ];
    for (dead, expected) in rounds.iter().zip(expected) {
        assert_eq!(round(&mut stand, dead), [expected, Up]);
        if expected == Unhealthy {
            assert_eq!(stand.requests(2, ""), "b b");
        }
    }
    let health = stand.upstream.snapshot()[0].health.unwrap();
    assert_eq!((health.checks, health.failures), (10, 6));
    assert_eq!(health.last_passed, Some(true));
}

#[test]
fn a_change_is_told_once_and_begins_slow_start() {
    let mut stand = stand(HealthSpec::default(), "a slow_start=100; b");
    let check = due(&stand).remove(0);
    let down = stand
        .upstream
        .checked(check.peer, false, stand.now, 0)
        .unwrap();
    assert_eq!((down.from, down.to), (State::Up, State::Unhealthy));
    assert_eq!(down.reason, Reason::ChecksFailed);
    stand.wait(5000);
    assert_eq!(due(&stand).len(), 1, "the other's check is under way");
    assert_eq!(
        stand.upstream.checked(check.peer, false, stand.now, 0),
        None
    );
    let up = stand
        .upstream
        .checked(check.peer, true, stand.now, 0)
        .unwrap();
    assert_eq!((up.from, up.to), (State::Unhealthy, State::Up));
    assert_eq!(up.reason, Reason::ChecksPassed);
    stand.wait(50_000);
    let a = stand.requests(300, "").matches('a').count();
    assert!((98..=102).contains(&a), "half of its weight: {a}");
}

#[test]
fn checks_are_due_once_after_interval_and_jitter() {
    let health = HealthSpec {
        interval: Duration::from_secs(2),
        jitter: Duration::from_secs(1),
        ..HealthSpec::default()
    };
    let mut stand = stand(health, "a; b down");
    assert_eq!(stand.upstream.next_check(), Some(stand.now));
    let checks = due(&stand);
    assert_eq!(checks.len(), 1, "a server that is down is not checked");
    assert_eq!(due(&stand), []);
    assert_eq!(stand.upstream.next_check(), None);
    stand.upstream.checked(checks[0].peer, true, stand.now, 700);
    let next = stand.now + Duration::from_millis(2700);
    assert_eq!(stand.upstream.next_check(), Some(next));
    stand.wait(2699);
    assert_eq!(due(&stand), []);
    stand.wait(1);
    assert_eq!(due(&stand), checks);
    // However large a number is drawn, the jitter is a limit.
    stand
        .upstream
        .checked(checks[0].peer, true, stand.now, u64::MAX);
    assert!(stand.upstream.next_check().unwrap() - stand.now <= Duration::from_secs(3));
}

#[test]
fn a_mandatory_check_comes_before_the_first_request_but_not_again_after_a_reload() {
    let health = HealthSpec {
        mandatory: true,
        passes: 3,
        ..HealthSpec::default()
    };
    let mut stand = stand(health.clone(), "a");
    assert_eq!(stand.upstream.snapshot()[0].state, State::Checking);
    assert!(stand.pick().is_none());
    let check = due(&stand).remove(0);
    let change = stand
        .upstream
        .checked(check.peer, true, stand.now, 0)
        .unwrap();
    assert_eq!((change.from, change.to), (State::Checking, State::Up));
    assert!(stand.pick().is_some());

    stand.wait(5000);
    assert_eq!(due(&stand).len(), 1);
    let mut again = spec(Method::RoundRobin, "a; b");
    again.health = Some(health);
    let new = Upstream::new(again, stand.now);
    new.inherit(&stand.upstream, stand.now);
    stand.upstream = new;
    let states: Vec<_> = stand
        .upstream
        .snapshot()
        .iter()
        .map(|peer| peer.state)
        .collect();
    assert_eq!(states, [State::Up, State::Checking]);
    assert_eq!(
        due(&stand).len(),
        2,
        "a check that was under way is made again"
    );
}

#[test]
fn an_unhealthy_single_peer_is_not_used() {
    let mut stand = stand(HealthSpec::default(), "a");
    round(&mut stand, "a");
    assert!(stand.pick().is_none());
}
