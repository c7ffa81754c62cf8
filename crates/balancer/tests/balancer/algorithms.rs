//! Sequences that nginx gives (its documentation and its behaviour), as data. `cargo xtask picks` asks a real nginx.

use balancer::Method;

use crate::stand::Stand;

fn check(method: Method, servers: &str, dead: &str, expected: &str) {
    let mut stand = Stand::new(method, servers);
    let number = expected.split(' ').count();
    assert_eq!(stand.requests(number, dead), expected, "{servers}");
    assert!(stand.conns().iter().all(|conns| *conns == 0));
}

#[test]
fn round_robin() {
    let check = |servers, dead, expected| check(Method::RoundRobin, servers, dead, expected);
    check("a; b; c", "", "a b c a b c");
    check("a weight=5; b; c", "", "a a b a c a a a a b a c a a");
    check("a weight=2; b weight=3", "", "b a b a b b a b a b");
    check("a down; b; c", "", "b c b c");
    check("a drain; b", "", "b b");
    // A failure puts `a` aside; the request goes on to the next.
    check("a; b; c", "a", "ab c b c b");
    check("a max_fails=2; b", "a", "ab b ab b b");
    check("a max_fails=0; b", "a", "ab b ab b");
    // A single peer is used whatever it fails, and one that is down is not.
    check("a", "a", "a a a");
    check("a; b backup", "", "a a");
    check("a; b backup", "a", "ab b b");
    check("a down; b backup; c backup", "", "b c b");
    check("a; b backup; c backup", "abc", "abc - - -");
}

#[test]
fn least_conn_takes_turns_among_equals() {
    check(Method::LeastConn, "a; b; c", "", "a b c a b c");
    check(Method::LeastConn, "a weight=5; b; c", "", "a a b a c a a");
    check(Method::LeastConn, "a; b; c backup", "ab", "abc c c");
}

#[test]
fn least_conn_follows_connections() {
    let mut stand = Stand::new(Method::LeastConn, "a weight=2; b");
    let held: Vec<_> = (0..6).map(|_| stand.pick().unwrap()).collect();
    let names: Vec<_> = held.iter().map(|choice| &*choice.server).collect();
    assert_eq!(names, ["a", "b", "a", "b", "a", "a"]);
    assert_eq!(stand.conns(), [4, 2]);
}

#[test]
fn max_conns_is_a_limit() {
    for method in [
        Method::RoundRobin,
        Method::LeastConn,
        Method::IpHash,
        Method::Hash { consistent: false },
        Method::Hash { consistent: true },
        Method::Random { two: false },
        Method::Random { two: true },
    ] {
        let mut stand = Stand::new(method, "a max_conns=2; b max_conns=1");
        let mut held: Vec<_> = (0..3).map(|_| stand.pick().unwrap()).collect();
        assert!(stand.pick().is_none(), "{method:?}");
        assert_eq!(stand.conns(), [2, 1]);
        let last = held.pop().unwrap();
        let name = last.server.clone();
        stand.served(last);
        assert_eq!(stand.pick().unwrap().server, name);
    }
    let mut single = Stand::new(Method::RoundRobin, "a max_conns=1");
    let _held = single.pick().unwrap();
    assert!(single.pick().is_none());
}

#[test]
fn hashes_stay_until_a_peer_fails() {
    for consistent in [false, true] {
        let mut stand = Stand::new(Method::Hash { consistent }, "a; b weight=2; c");
        for number in 0..200 {
            let key = format!("key{number}");
            let first = stand.request(&key, None, "");
            assert_eq!(stand.request(&key, None, ""), first);
            let others = stand
                .ask(&key, None, &mut balancer::Tried::default())
                .unwrap();
            assert_eq!(*others.server, *first);
        }
    }
}

#[test]
fn ketama_moves_only_the_keys_of_the_peer_that_goes() {
    let mut all = Stand::new(Method::Hash { consistent: true }, "a; b; c; d");
    let mut less = Stand::new(Method::Hash { consistent: true }, "a; b; c");
    let mut moved = 0;
    for number in 0..2000 {
        let key = format!("{number}");
        let (before, after) = (all.request(&key, None, ""), less.request(&key, None, ""));
        assert!(before == after || before == "d", "{key}: {before} {after}");
        moved += u32::from(before != after);
    }
    assert!((300..700).contains(&moved), "{moved}");
}

#[test]
fn random_follows_weights_and_two_follows_connections() {
    let mut stand = Stand::new(Method::Random { two: false }, "a weight=3; b");
    let names = stand.requests(4000, "");
    let a = names.matches('a').count();
    assert!((2850..3150).contains(&a), "{a}");

    let mut stand = Stand::new(Method::Random { two: true }, "a; b");
    let _held: Vec<_> = (0..100).map(|_| stand.pick().unwrap()).collect();
    assert_eq!(stand.conns(), [50, 50]);
}
