//! Names that are followed: new addresses, SRV records, and requests that live through a change.

use balancer::{Method, Resolved, Srv, Tried};

use crate::stand::{Stand, address};

fn plain(letters: &str) -> Vec<Resolved> {
    let letters = letters.chars().map(String::from);
    letters
        .map(|letter| Resolved::plain(address(&letter)))
        .collect()
}

/// `"a 10 5"`: the address of `a`, priority 10, weight 5.
fn srv(records: &str) -> Vec<Resolved> {
    let record = |record: &str| {
        let words: Vec<_> = record.trim().split(' ').collect();
        Resolved {
            address: address(words[0]),
            srv: Some(Srv {
                server: words[0].into(),
                priority: words[1].parse().unwrap(),
                weight: words[2].parse().unwrap(),
            }),
        }
    };
    records.split(';').map(record).collect()
}

/// The ports of all peers, `backup` ones after a stroke.
fn members(stand: &Stand) -> String {
    let mut text = String::new();
    let peers = stand.upstream.snapshot();
    for (index, peer) in peers.iter().enumerate() {
        if peer.backup && !peers[..index].iter().any(|peer| peer.backup) {
            text.push('|');
        }
        let port = peer.address.to_string();
        text.push_str(port.rsplit(':').next().unwrap());
    }
    text
}

#[test]
fn addresses_come_and_go() {
    let mut stand = Stand::new(Method::RoundRobin, "r resolve weight=2; b");
    assert_eq!(members(&stand), "2");
    let now = stand.now;
    assert!(stand.upstream.set_addresses(0, &plain("ac"), now));
    assert_eq!(members(&stand), "213");
    let before = stand.upstream.snapshot();
    assert!(
        !stand.upstream.set_addresses(0, &plain("ca"), now),
        "the order says nothing"
    );
    assert!(stand.upstream.set_addresses(0, &plain("cd"), now));
    assert_eq!(members(&stand), "234");
    assert_eq!(
        stand.upstream.snapshot()[1].peer,
        before[2].peer,
        "what stays is the same"
    );
    assert_eq!(stand.upstream.tries(), 3);
    stand.upstream.set_addresses(0, &[], now);
    assert_eq!(members(&stand), "2");
    assert_eq!(stand.requests(3, "b"), "b b b", "a group of one peer again");
    assert!(!stand.upstream.set_addresses(9, &plain("a"), now));
}

#[test]
fn srv_records_have_priorities_and_weights() {
    let mut stand = Stand::new(Method::RoundRobin, "r resolve");
    let now = stand.now;
    stand
        .upstream
        .set_addresses(0, &srv("c 20 1; a 10 2; b 10 1; d 30 9"), now);
    assert_eq!(members(&stand), "12|34");
    assert_eq!(stand.requests(6, ""), "a b a a b a");
    assert_eq!(stand.requests(1, "ab"), "abd");
    // A weight of the configuration is stronger.
    let mut stand = Stand::new(Method::RoundRobin, "r resolve weight=3");
    stand.upstream.set_addresses(0, &srv("a 0 2; b 0 1"), now);
    assert_eq!(stand.requests(4, ""), "a b a b");
    // Methods without `backup` have no use for the other priorities.
    let stand = Stand::new(Method::Hash { consistent: true }, "r resolve");
    stand
        .upstream
        .set_addresses(0, &srv("a 0 65535; b 0 65535; c 9 1"), now);
    assert_eq!(members(&stand), "12");
}

/// Pitfall 20.
#[test]
fn a_change_in_the_midst_of_a_request_leaves_it_a_peer() {
    let methods = [
        Method::RoundRobin,
        Method::LeastConn,
        Method::IpHash,
        Method::Hash { consistent: false },
        Method::Hash { consistent: true },
        Method::Random { two: false },
        Method::Random { two: true },
    ];
    let changes = [
        ("a", "b"),
        ("ab", "c"),
        ("ab", "a"),
        ("abc", "de"),
        ("a", "a"),
    ];
    for (method, (before, after)) in methods.iter().flat_map(|m| changes.map(|c| (*m, c))) {
        let mut stand = Stand::new(method, "r resolve");
        stand.upstream.set_addresses(0, &plain(before), stand.now);
        let mut tried = Tried::default();
        let mut held = Vec::new();
        while held.len() < before.len() {
            let choice = stand.ask("key", None, &mut tried).unwrap();
            held.push(choice);
        }
        stand.upstream.set_addresses(0, &plain(after), stand.now);
        let next = stand.ask("key", None, &mut tried);
        assert!(next.is_some(), "{method:?}: {before} to {after}");
        // The peers that went are reported all the same.
        for choice in held {
            stand.failed(choice);
        }
        drop(next);
        assert!(stand.conns().iter().all(|conns| *conns == 0));
    }
}

#[test]
fn no_address_is_no_peer_and_nothing_worse() {
    for method in [
        Method::RoundRobin,
        Method::LeastConn,
        Method::IpHash,
        Method::Hash { consistent: false },
        Method::Hash { consistent: true },
        Method::Random { two: true },
    ] {
        let mut stand = Stand::new(method, "r resolve");
        assert!(stand.ask("key", None, &mut Tried::default()).is_none());
        assert_eq!(stand.upstream.tries(), 0);
    }
}

#[test]
fn a_new_primary_address_is_preferred_to_the_backup_peers_that_a_request_had_come_to() {
    let mut stand = Stand::new(Method::RoundRobin, "r resolve; b backup; c backup");
    stand.upstream.set_addresses(0, &plain("a"), stand.now);
    let mut tried = Tried::default();
    for expected in ["r", "b"] {
        let choice = stand.ask("", None, &mut tried).unwrap();
        assert_eq!(&*choice.server, expected);
        stand.failed(choice);
    }
    stand.upstream.set_addresses(0, &plain("d"), stand.now);
    assert_eq!(
        stand.ask("", None, &mut tried).unwrap().address,
        address("d")
    );
}
