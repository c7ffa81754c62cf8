//! Who may join, and who is refused.

use std::time::Duration;

use super::super::*;
use super::requests::{join, member, protocol, sync};
use super::world::World;

#[test]
fn the_protocol_that_all_offer_and_most_prefer_wins() {
    let check = |offers: &[&[&str]], expected: &str| {
        let mut world = World::new();
        let mut tokens = Vec::new();
        for names in offers {
            let fresh_id = world.fresh_id();
            tokens.push(world.rejoin(Join {
                protocols: names.iter().map(|name| protocol(name, "t")).collect(),
                member_id_required: false,
                fresh_id,
                ..join("c")
            }));
        }
        world.pass_ms(6_000);
        for token in tokens {
            assert_eq!(world.joined(token).protocol_name, expected, "{offers:?}");
        }
    };
    check(&[&["range"]], "range");
    check(&[&["sticky", "range"], &["range"]], "range");
    check(&[&["a", "b"], &["b", "a"], &["b", "a"]], "b");
    check(&[&["x", "a", "b"], &["b", "a"], &["b", "a"]], "b");
    check(&[&["b", "a"], &["a", "b"]], "a");
    check(&[&["a", "a"], &["a"]], "a");
}

#[test]
fn who_shares_no_protocol_is_refused() {
    let mut world = World::new();
    let refused = |world: &mut World, change: fn(&mut Join)| {
        let mut request = join("x");
        change(&mut request);
        let token = world.rejoin(request);
        world.join_refused(token)
    };
    let checks: [fn(&mut Join); 2] = [|j| j.protocols.clear(), |j| j.protocol_type.clear()];
    for change in checks {
        assert_eq!(
            refused(&mut world, change),
            Error::InconsistentGroupProtocol
        );
        assert_eq!(
            world.coordinator.group_count(),
            0,
            "a refused join leaves nothing"
        );
    }
    let ids = world.stable(&["a"]);
    let checks: [fn(&mut Join); 3] = [
        |j| j.protocols = vec![protocol("other", "t")],
        |j| j.protocol_type = "connect".to_owned(),
        |j| j.protocols.clear(),
    ];
    for change in checks {
        assert_eq!(
            refused(&mut world, change),
            Error::InconsistentGroupProtocol
        );
    }
    for (protocol_type, protocol_name, expected) in [
        (
            Some("connect"),
            Some("range"),
            Err(Error::InconsistentGroupProtocol),
        ),
        (
            Some("consumer"),
            Some("other"),
            Err(Error::InconsistentGroupProtocol),
        ),
        (Some("consumer"), None, Ok("a".to_owned())),
        (None, None, Ok("a".to_owned())),
    ] {
        let token = world.send(Request::Sync(Sync {
            protocol_type: protocol_type.map(str::to_owned),
            protocol_name: protocol_name.map(str::to_owned),
            ..sync(&ids[0], 1)
        }));
        assert_eq!(world.synced(token), expected);
    }
}

#[test]
fn session_timeouts_have_a_range() {
    for (timeout_ms, is_allowed) in [
        (0, false),
        (5_999, false),
        (6_000, true),
        (1_800_000, true),
        (1_800_001, false),
    ] {
        let mut world = World::new();
        let token = world.rejoin(Join {
            session_timeout: Duration::from_millis(timeout_ms),
            ..join("a")
        });
        let expected = match is_allowed {
            true => Error::MemberIdRequired,
            false => Error::InvalidSessionTimeout,
        };
        assert_eq!(world.join_refused(token), expected, "{timeout_ms} ms");
    }
}

#[test]
fn old_clients_join_without_an_id() {
    let mut world = World::prompt();
    let token = world.rejoin(Join {
        member_id_required: false,
        ..join("old")
    });
    let joined = world.joined(token);
    assert!(joined.member_id.starts_with("old-"), "{joined:?}");
    assert_eq!(joined.member_id.len(), "old-".len() + 36);
}

#[test]
fn a_new_member_that_does_not_know_its_id_waits_for_five_minutes_at_most() {
    let mut world = World::new();
    let ids = world.stable(&["a"]);
    let mut old = Join {
        member_id_required: false,
        ..join("old")
    };
    old.rebalance_timeout = Duration::from_mins(20);
    let token = world.rejoin(old);
    for _ in 0..100 {
        assert!(world.is_waiting(token));
        let _ = world.heartbeat(&ids[0], 1);
        world.pass_ms(3_000);
    }
    assert_eq!(world.join_refused(token), Error::UnknownMemberId);
}

#[test]
fn unknown_groups_and_members_are_told_so() {
    let mut world = World::new();
    let unknown = Err(Error::UnknownMemberId);
    assert_eq!(world.heartbeat("m", 1), unknown);
    let token = world.sync("m", 1, &[]);
    assert_eq!(world.synced(token), Err(Error::UnknownMemberId));
    let token = world.leave(&[("m", None), ("", Some("i"))]);
    assert_eq!(world.left(token), [Some(Error::UnknownMemberId); 2]);
    let token = world.rejoin(member("a", "m"));
    assert_eq!(world.join_refused(token), Error::UnknownMemberId);
    assert_eq!(world.coordinator.group_count(), 0);
    world.stable(&["a"]);
    assert_eq!(world.heartbeat("m", 1), unknown);
    let token = world.rejoin(member("a", "m"));
    assert_eq!(world.join_refused(token), Error::UnknownMemberId);
}

#[test]
fn a_group_without_a_name_is_refused() {
    let mut world = World::new();
    let group = String::new;
    let mut unnamed = join("a");
    unnamed.group = group();
    let token = world.rejoin(unnamed);
    assert_eq!(world.join_refused(token), Error::InvalidGroupId);
    let token = world.send(Request::Sync(Sync {
        group: group(),
        ..sync("m", 1)
    }));
    assert_eq!(world.synced(token), Err(Error::InvalidGroupId));
    let members = Vec::new();
    let reply = world.ask(Request::Leave(Leave {
        group: group(),
        members,
    }));
    assert_eq!(reply, Reply::Leave(Err(Error::InvalidGroupId)));
    let reply = world.ask(Request::Heartbeat(Heartbeat {
        group: group(),
        member_id: "m".to_owned(),
        instance_id: None,
        generation: 1,
    }));
    assert_eq!(reply, Reply::Heartbeat(Err(Error::InvalidGroupId)));
}
