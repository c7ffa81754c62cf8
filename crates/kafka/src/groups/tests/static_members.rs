//! Members with an instance id (KIP-345, KIP-814).

use std::time::Duration;

use super::super::*;
use super::requests::{GROUP, join, protocol, static_join, sync};
use super::world::World;

/// Two static members, `x` leading, in stable generation 1; `y` is the follower.
fn pair(world: &mut World) -> (String, String) {
    let x = world.join_static("x");
    let y = world.join_static("y");
    world.pass_ms(6_000);
    let (x, y) = (world.joined(x), world.joined(y));
    assert_eq!(x.leader, x.member_id);
    let (x, y) = (x.member_id, y.member_id);
    assert!(x.starts_with("x-") && y.starts_with("y-"), "{x} {y}");
    let y_syncs = world.sync(&y, 1, &[]);
    let x_syncs = world.sync(&x, 1, &[(&x, "px"), (&y, "py")]);
    assert_eq!(world.synced(x_syncs), Ok("px".to_owned()));
    assert_eq!(world.synced(y_syncs), Ok("py".to_owned()));
    (x, y)
}

fn beat(member_id: &str, instance: &str) -> Request {
    Request::Heartbeat(Heartbeat {
        group: GROUP.to_owned(),
        member_id: member_id.to_owned(),
        instance_id: Some(instance.to_owned()),
        generation: 1,
    })
}

#[test]
fn a_follower_comes_back_under_a_new_id_without_a_rebalance() {
    let mut world = World::new();
    let (x, old) = pair(&mut world);
    let token = world.join_static("y");
    let joined = world.joined(token);
    assert_ne!(joined.member_id, old);
    assert_eq!((joined.generation, &joined.leader), (1, &x));
    assert_eq!((joined.skip_assignment, joined.members), (false, vec![]));
    assert_eq!(world.state(), State::Stable);
    let token = world.sync(&joined.member_id, 1, &[]);
    assert_eq!(world.synced(token), Ok("py".to_owned()));
    assert_eq!(
        world.ask(beat(&joined.member_id, "y")),
        Reply::Heartbeat(Ok(()))
    );
    assert_eq!(world.heartbeat(&x, 1), Ok(()));
}

#[test]
fn a_leader_that_comes_back_is_told_to_keep_the_assignment() {
    let check = |may_skip_assignment: bool| {
        let mut world = World::new();
        let (old, y) = pair(&mut world);
        let fresh_id = world.fresh_id();
        let token = world.rejoin(Join {
            may_skip_assignment,
            fresh_id,
            ..static_join("x")
        });
        let joined = world.joined(token);
        assert_eq!(
            (joined.generation, joined.skip_assignment),
            (1, may_skip_assignment)
        );
        if may_skip_assignment {
            // It leads, and sees everybody, so that it notices new partitions.
            assert_eq!(joined.leader, joined.member_id);
            assert_eq!(joined.members.len(), 2);
        } else {
            // It believes that its old self leads, and does not assign.
            assert_eq!(joined.leader, old);
            assert_eq!(joined.members, []);
        }
        assert_eq!(world.state(), State::Stable);
        let token = world.sync(&joined.member_id, 1, &[]);
        assert_eq!(world.synced(token), Ok("px".to_owned()));
        assert_eq!(world.ask(beat(&y, "y")), Reply::Heartbeat(Ok(())));
    };
    check(true);
    check(false);
}

#[test]
fn the_process_before_is_fenced_in_everything_it_asks() {
    let mut world = World::new();
    let (_, old) = pair(&mut world);
    let token = world.join_static("y");
    let new = world.joined(token).member_id;
    let fenced = Error::FencedInstanceId;
    let instance_id = Some("y".to_owned());
    assert_eq!(world.ask(beat(&old, "y")), Reply::Heartbeat(Err(fenced)));
    let token = world.send(Request::Sync(Sync {
        instance_id: instance_id.clone(),
        ..sync(&old, 1)
    }));
    assert_eq!(world.synced(token), Err(fenced));
    let token = world.rejoin(Join {
        member_id: old.clone(),
        ..static_join("y")
    });
    assert_eq!(world.join_refused(token), fenced);
    let token = world.send(Request::CommitOffsets(CommitOffsets {
        instance_id,
        ..super::requests::commit(&old, 1, 0, 5)
    }));
    assert_eq!(world.committed(token), Err(fenced));
    let token = world.leave(&[(&old, Some("y"))]);
    assert_eq!(world.left(token), [Some(fenced)]);
    // Without its instance id it is merely unknown, as is an instance that nobody has.
    assert_eq!(world.heartbeat(&old, 1), Err(Error::UnknownMemberId));
    let unknown = Reply::Heartbeat(Err(Error::UnknownMemberId));
    assert_eq!(world.ask(beat(&new, "z")), unknown);
}

#[test]
fn a_process_that_still_waits_is_fenced_at_once() {
    let mut world = World::new();
    let first = world.join_static("x");
    let second = world.join_static("x");
    assert_eq!(world.join_refused(first), Error::FencedInstanceId);
    let y = world.join_static("y");
    world.pass_ms(6_000);
    let (x, y) = (world.joined(second).member_id, world.joined(y).member_id);
    let y_syncs = world.sync(&y, 1, &[]);
    // While the leader assigns, a new id makes a rebalance: the assignment would be for the old one (KAFKA-9801).
    let y_joins = world.join_static("y");
    assert_eq!(world.synced(y_syncs), Err(Error::FencedInstanceId));
    assert_eq!(world.state(), State::PreparingRebalance);
    let x_joins = world.rejoin(Join {
        member_id: x.clone(),
        ..static_join("x")
    });
    let joined = world.joined(y_joins);
    assert_eq!(
        (joined.generation, world.joined(x_joins).generation),
        (2, 2)
    );
}

#[test]
fn a_changed_protocol_or_other_topics_make_a_rebalance() {
    let check = |protocols: Vec<Protocol>, expected: State| {
        let mut world = World::new();
        pair(&mut world);
        let fresh_id = world.fresh_id();
        world.rejoin(Join {
            protocols: protocols.clone(),
            fresh_id,
            ..static_join("y")
        });
        assert_eq!(world.state(), expected, "{protocols:?}");
    };
    check(vec![protocol("range", "t")], State::Stable);
    check(vec![protocol("range", "other")], State::PreparingRebalance);
    check(
        vec![protocol("range", "t"), protocol("sticky", "t")],
        State::Stable,
    );
    // What the old process owned stands behind the topics, and does not count.
    let mut owning = protocol("range", "t").metadata.to_vec();
    owning.extend_from_slice(b"owned");
    let owning = Protocol {
        name: "range".to_owned(),
        metadata: owning.into(),
    };
    check(vec![owning], State::Stable);
}

#[test]
fn a_preference_that_changes_the_vote_makes_a_rebalance() {
    let mut world = World::new();
    let both = |first: &str, second: &str| vec![protocol(first, "t"), protocol(second, "t")];
    let mut tokens = Vec::new();
    for instance in ["x", "y"] {
        let fresh_id = world.fresh_id();
        tokens.push(world.rejoin(Join {
            protocols: both("range", "sticky"),
            fresh_id,
            ..static_join(instance)
        }));
    }
    world.pass_ms(6_000);
    let ids: Vec<String> = tokens
        .into_iter()
        .map(|t| world.joined(t).member_id)
        .collect();
    let token = world.sync(&ids[0], 1, &[]);
    assert_eq!(world.synced(token), Ok(String::new()));
    let again = |world: &mut World, instance: &str, protocols| {
        let fresh_id = world.fresh_id();
        world.rejoin(Join {
            protocols,
            fresh_id,
            ..static_join(instance)
        })
    };
    // One vote each: the tie goes to `range` as before.
    again(&mut world, "x", both("sticky", "range"));
    assert_eq!(world.state(), State::Stable);
    again(&mut world, "y", both("sticky", "range"));
    assert_eq!(world.state(), State::PreparingRebalance);
}

#[test]
fn static_members_survive_a_rebalance_that_they_miss_until_their_session_ends() {
    let mut world = World::new();
    let x = world.join_static("x");
    let fresh_id = world.fresh_id();
    let y = world.rejoin(Join {
        session_timeout: Duration::from_mins(1),
        fresh_id,
        ..static_join("y")
    });
    world.pass_ms(6_000);
    let (x, y) = (world.joined(x).member_id, world.joined(y).member_id);
    let token = world.sync(&x, 1, &[]);
    world.synced(token).expect("an assignment");
    let token = world.sync(&y, 1, &[]);
    world.synced(token).expect("an assignment");
    let x_joins = world.rejoin(Join {
        member_id: x,
        ..static_join("x")
    });
    world.pass_ms(30_000);
    let joined = world.joined(x_joins);
    assert_eq!((joined.generation, joined.members.len()), (2, 2));
    world.pass_ms(60_000);
    assert_eq!(world.describe().expect("a group").members.len(), 0);
}

#[test]
fn a_rebalance_that_no_static_member_joins_ends_with_their_sessions() {
    let mut world = World::new();
    let mut leader = static_join("x");
    leader.rebalance_timeout = Duration::ZERO;
    leader.session_timeout = Duration::from_mins(5);
    let token = world.rejoin(leader);
    world.pass_ms(3_000);
    let id = world.joined(token).member_id;
    // A dynamic member comes and goes, and x does not answer.
    let (other, _) = world.join("other");
    let token = world.leave(&[(&other, None)]);
    world.left(token);
    assert_eq!(world.state(), State::PreparingRebalance);
    world.pass_ms(1_000);
    assert_eq!(world.state(), State::PreparingRebalance);
    world.pass(Duration::from_mins(5));
    assert_eq!(world.state(), State::Empty);
    assert_eq!(world.heartbeat(&id, 1), Err(Error::UnknownMemberId));
}

#[test]
fn an_operator_removes_static_members_by_their_instance_id() {
    let mut world = World::new();
    let (x, y) = pair(&mut world);
    let token = world.leave(&[
        ("", Some("y")),
        ("", Some("z")),
        (&x, Some("y")),
        ("", None),
    ]);
    let unknown = Some(Error::UnknownMemberId);
    assert_eq!(world.left(token), [None, unknown, unknown, unknown]);
    assert_eq!(
        world.ask(beat(&y, "y")),
        Reply::Heartbeat(Err(Error::UnknownMemberId))
    );
    assert_eq!(
        world.ask(beat(&x, "x")),
        Reply::Heartbeat(Err(Error::RebalanceInProgress))
    );
}

#[test]
fn a_new_id_is_told_only_when_it_is_durable() {
    let mut world = World::new();
    let (_, old) = pair(&mut world);
    world.is_slow = true;
    let token = world.join_static("y");
    assert!(world.is_waiting(token));
    world.succeed();
    let new = world.joined(token).member_id;
    world.restart();
    assert_eq!(world.ask(beat(&new, "y")), Reply::Heartbeat(Ok(())));
    let fenced = Reply::Heartbeat(Err(Error::FencedInstanceId));
    assert_eq!(world.ask(beat(&old, "y")), fenced);
}

#[test]
fn if_the_new_id_cannot_be_written_the_old_one_holds() {
    let mut world = World::new();
    let (old, _) = pair(&mut world);
    world.is_slow = true;
    let fresh_id = world.fresh_id();
    let token = world.rejoin(Join {
        session_timeout: Duration::from_secs(20),
        fresh_id,
        ..static_join("x")
    });
    world.fail();
    assert_eq!(world.join_refused(token), Error::CoordinatorNotAvailable);
    assert_eq!(world.ask(beat(&old, "x")), Reply::Heartbeat(Ok(())));
    let token = world.sync(&old, 1, &[]);
    assert_eq!(world.synced(token), Ok("px".to_owned()));
    // It leads again: its word makes a rebalance.
    world.rejoin(Join {
        member_id: old,
        ..static_join("x")
    });
    assert_eq!(world.state(), State::PreparingRebalance);
}

#[test]
fn a_rebalance_overtakes_the_writing_of_a_new_id() {
    let mut world = World::new();
    let (x, _) = pair(&mut world);
    world.is_slow = true;
    let y_joins = world.join_static("y");
    let (_, z_joins) = world.join("z");
    let x_joins = world.rejoin(Join {
        member_id: x,
        ..static_join("x")
    });
    for token in [x_joins, y_joins, z_joins] {
        assert_eq!(world.joined(token).generation, 2);
    }
    world.fail();
    assert_eq!(world.state(), State::CompletingRebalance);
}

#[test]
fn an_id_that_was_given_out_to_a_dynamic_member_is_no_static_one() {
    let mut world = World::new();
    let fresh_id = world.fresh_id();
    let request = Join {
        fresh_id,
        ..join("a")
    };
    let Reply::Join(Err(refused)) = world.ask(Request::Join(Box::new(request))) else {
        panic!("an id is given out first");
    };
    let token = world.rejoin(Join {
        member_id: refused.member_id,
        ..static_join("x")
    });
    assert_eq!(world.join_refused(token), Error::UnknownMemberId);
}
