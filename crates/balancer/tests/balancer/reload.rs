//! A reload keeps what is known, and counts what is under way.

use balancer::{Method, Resolved, State, Upstream};

use crate::stand::{Stand, address, spec};

fn reload(stand: &mut Stand, servers: &str) -> Upstream {
    let new = Upstream::new(spec(Method::LeastConn, servers), stand.now);
    new.inherit(&stand.upstream, stand.now);
    std::mem::replace(&mut stand.upstream, new)
}

/// Pitfall 20.
#[test]
fn connections_failures_and_counters_survive() {
    let mut stand = Stand::new(Method::LeastConn, "a; b; c");
    let (first, second) = (stand.pick().unwrap(), stand.pick().unwrap());
    let third = stand.pick().unwrap();
    stand.failed(third);
    let before = stand.upstream.snapshot();
    let older = reload(&mut stand, "d; c; b weight=4; a");
    let after = stand.upstream.snapshot();
    assert_eq!(stand.conns(), [0, 0, 1, 1]);
    for (new, old) in [(1, 2), (2, 1), (3, 0)] {
        assert_eq!(after[new].peer, before[old].peer);
        assert_eq!(after[new].counts, before[old].counts);
        assert_eq!(after[new].state, before[old].state);
    }
    assert_eq!(after[1].state, State::Unavailable);
    assert_eq!(after[2].weight, 4);
    // What the older configuration gave out ends there, and both know.
    older.report(
        first,
        &balancer::Outcome::new(balancer::Verdict::Served),
        stand.now,
    );
    drop(second);
    assert_eq!(stand.conns(), [0, 0, 0, 0]);
    assert_eq!(stand.upstream.snapshot()[3].counts.latency[0], 1);
}

#[test]
fn the_turn_goes_on() {
    let mut stand = Stand::new(Method::LeastConn, "a weight=2; b; c");
    let whole = stand.requests(8, "");
    let mut again = Stand::new(Method::LeastConn, "a weight=2; b; c");
    let mut parts = Vec::new();
    for _ in 0..8 {
        parts.push(again.requests(1, ""));
        reload(&mut again, "a weight=2; b; c");
    }
    assert_eq!(parts.join(" "), whole);
}

#[test]
fn a_name_keeps_its_addresses_until_it_is_resolved_again() {
    let mut stand = Stand::new(Method::LeastConn, "r resolve; b");
    let known = [Resolved::plain(address("c")), Resolved::plain(address("d"))];
    stand.upstream.set_addresses(0, &known, stand.now);
    let held = stand.pick().unwrap();
    let before = stand.upstream.snapshot();
    reload(&mut stand, "b; r resolve");
    let after = stand.upstream.snapshot();
    assert_eq!(after, before);
    assert!(!stand.upstream.set_addresses(1, &known, stand.now));
    drop(held);
}

#[test]
fn the_same_server_twice_is_two_peers() {
    let mut stand = Stand::new(Method::LeastConn, "a; a");
    let before = stand.upstream.snapshot();
    reload(&mut stand, "a; a; a");
    let after = stand.upstream.snapshot();
    assert_eq!(after[0].peer, before[0].peer);
    assert_eq!(after[1].peer, before[1].peer);
    assert!(before.iter().all(|peer| peer.peer != after[2].peer));
}
