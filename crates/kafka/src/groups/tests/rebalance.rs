//! How generations come about.

use super::super::*;
use super::requests::{member, protocol};
use super::world::World;

#[test]
fn a_group_forms_and_everybody_gets_what_the_leader_gave() {
    let mut world = World::new();
    let (a, a_joins) = world.join("a");
    let (b, b_joins) = world.join("b");
    assert_eq!(world.state(), State::PreparingRebalance);
    world.pass_ms(6_000);

    let leader = world.joined(a_joins);
    assert_eq!((leader.generation, &leader.leader), (1, &a));
    assert_eq!(leader.protocol_name, "range");
    let ids: Vec<&String> = leader.members.iter().map(|m| &m.member_id).collect();
    assert_eq!(ids, [&a, &b]);
    assert_eq!(leader.members[0].metadata, protocol("range", "t").metadata);
    let follower = world.joined(b_joins);
    assert_eq!((follower.generation, &follower.leader), (1, &a));
    assert_eq!(follower.members, []);
    assert_eq!(world.state(), State::CompletingRebalance);

    // The follower is first and waits; strangers in the assignment are left out, the forgotten get nothing.
    let b_syncs = world.sync(&b, 1, &[]);
    assert!(world.is_waiting(b_syncs));
    let a_syncs = world.sync(&a, 1, &[(&a, "p0"), ("stranger", "p1")]);
    assert_eq!(world.synced(a_syncs), Ok("p0".to_owned()));
    assert_eq!(world.synced(b_syncs), Ok(String::new()));
    assert_eq!(world.state(), State::Stable);
}

#[test]
fn the_first_delay_is_extended_while_members_come_up_to_the_rebalance_timeout() {
    let mut world = World::new();
    let (_, first) = world.join("0");
    // Somebody comes in every delay of 3 s, until the 30 s of the rebalance time-out are over.
    for n in 1..20 {
        world.pass_ms(1_500);
        assert!(world.is_waiting(first), "after {n} members");
        if n < 19 {
            world.join(&n.to_string());
        }
    }
    world.pass_ms(1_501);
    assert_eq!(world.joined(first).members.len(), 19);
}

#[test]
fn the_first_delay_is_over_when_nobody_comes() {
    let mut world = World::new();
    let (_, a) = world.join("a");
    world.pass_ms(2_999);
    assert!(world.is_waiting(a));
    world.pass_ms(1);
    assert_eq!(world.joined(a).generation, 1);
}

#[test]
fn a_newcomer_makes_the_others_join_again() {
    let mut world = World::new();
    let ids = world.stable(&["a", "b"]);
    let (c, c_joins) = world.join("c");
    assert_eq!(world.heartbeat(&ids[0], 1), Err(Error::RebalanceInProgress));
    assert_eq!(world.heartbeat(&ids[0], 0), Err(Error::IllegalGeneration));
    let a_joins = world.rejoin(member("a", &ids[0]));
    assert!(world.is_waiting(a_joins));
    // Meanwhile nobody syncs, and whoever syncs is told to join.
    let b_syncs = world.sync(&ids[1], 1, &[]);
    assert_eq!(world.synced(b_syncs), Err(Error::RebalanceInProgress));
    let b_joins = world.rejoin(member("b", &ids[1]));
    let all = [ids[0].clone(), ids[1].clone(), c];
    world.complete(&["a", "b", "c"], &all, &[a_joins, b_joins, c_joins]);
    assert_eq!(world.heartbeat(&ids[0], 2), Ok(()));
}

#[test]
fn who_does_not_join_in_time_is_out() {
    let mut world = World::new();
    let ids = world.stable(&["a", "b"]);
    let b_joins = world.rejoin(member("b", &ids[1]));
    // A follower that says nothing new gets what there is; only the leader's word makes a rebalance.
    assert_eq!(world.joined(b_joins).generation, 1);
    let a_joins = world.rejoin(member("a", &ids[0]));
    for _ in 0..10 {
        world.pass_ms(3_000);
        // b says that it lives, and does not join.
        let _ = world.heartbeat(&ids[1], 1);
    }
    let joined = world.joined(a_joins);
    assert_eq!((joined.generation, joined.members.len()), (2, 1));
    assert_eq!(world.heartbeat(&ids[1], 1), Err(Error::UnknownMemberId));
}

#[test]
fn a_leader_that_does_not_join_in_time_is_replaced() {
    let mut world = World::new();
    let ids = world.stable(&["a", "b", "c"]);
    let changed = Join {
        protocols: vec![protocol("range", "other")],
        ..member("c", &ids[2])
    };
    let b_joins = world.rejoin(changed);
    for _ in 0..10 {
        let _ = world.heartbeat(&ids[0], 1);
        let _ = world.heartbeat(&ids[1], 1);
        world.pass_ms(3_000);
    }
    let joined = world.joined(b_joins);
    assert_eq!((&joined.leader, joined.members.len()), (&ids[2], 1));
}

#[test]
fn silence_ends_a_session_but_waiting_for_an_answer_does_not() {
    let mut world = World::new();
    let ids = world.stable(&["a", "b"]);
    world.pass_ms(9_999);
    assert_eq!(world.heartbeat(&ids[0], 1), Ok(()));
    world.pass_ms(1);
    // b is out; a is told at its next heartbeat, and then waits alone for nobody.
    assert_eq!(world.state(), State::PreparingRebalance);
    assert_eq!(world.heartbeat(&ids[0], 1), Err(Error::RebalanceInProgress));
    let a_joins = world.rejoin(member("a", &ids[0]));
    assert_eq!(world.joined(a_joins).generation, 2);
    let (_, c_joins) = world.join("c");
    // c has joined and waits for a, longer than its own session: it is not silent, it is waiting.
    for _ in 0..9 {
        world.pass_ms(3_000);
        let _ = world.heartbeat(&ids[0], 2);
    }
    assert!(world.is_waiting(c_joins));
}

#[test]
fn a_member_that_never_syncs_is_out_after_the_rebalance_timeout() {
    let mut world = World::new();
    let (a, a_joins) = world.join("a");
    let (b, b_joins) = world.join("b");
    world.pass_ms(6_000);
    world.joined(a_joins);
    world.joined(b_joins);
    let a_syncs = world.sync(&a, 1, &[(&a, "p0"), (&b, "p1")]);
    assert_eq!(world.synced(a_syncs), Ok("p0".to_owned()));
    for _ in 0..10 {
        assert_eq!(world.heartbeat(&a, 1), Ok(()));
        assert_eq!(world.heartbeat(&b, 1), Ok(()));
        world.pass_ms(3_000);
    }
    assert_eq!(world.heartbeat(&b, 1), Err(Error::UnknownMemberId));
    assert_eq!(world.heartbeat(&a, 1), Err(Error::RebalanceInProgress));
}

#[test]
fn a_leader_that_never_syncs_holds_nobody_up_for_longer_than_the_rebalance_timeout() {
    let mut world = World::new();
    let (a, a_joins) = world.join("a");
    let (b, b_joins) = world.join("b");
    world.pass_ms(6_000);
    world.joined(a_joins);
    world.joined(b_joins);
    let b_syncs = world.sync(&b, 1, &[]);
    for _ in 0..10 {
        assert!(world.is_waiting(b_syncs));
        let _ = world.heartbeat(&a, 1);
        world.pass_ms(3_000);
    }
    assert_eq!(world.synced(b_syncs), Err(Error::RebalanceInProgress));
    let b_joins = world.rejoin(member("b", &b));
    assert_eq!(world.joined(b_joins).leader, b);
}

#[test]
fn followers_that_say_nothing_new_get_the_current_generation_back() {
    let mut world = World::new();
    let (a, a_joins) = world.join("a");
    let (b, b_joins) = world.join("b");
    world.pass_ms(6_000);
    let leader = world.joined(a_joins);
    let follower = world.joined(b_joins);
    // While the leader assigns, both may ask again: their answers may have been lost.
    let a_again = world.rejoin(member("a", &a));
    assert_eq!(world.joined(a_again), leader);
    let b_again = world.rejoin(member("b", &b));
    assert_eq!(world.joined(b_again), follower);
    let a_syncs = world.sync(&a, 1, &[(&a, "p0"), (&b, "p1")]);
    assert_eq!(world.synced(a_syncs), Ok("p0".to_owned()));
    // When it is done, only followers may.
    let b_again = world.rejoin(member("b", &b));
    assert_eq!(world.joined(b_again), follower);
    let b_syncs = world.sync(&b, 1, &[]);
    assert_eq!(world.synced(b_syncs), Ok("p1".to_owned()));
    let a_again = world.rejoin(member("a", &a));
    assert!(world.is_waiting(a_again));
    assert_eq!(world.state(), State::PreparingRebalance);
}

#[test]
fn changed_metadata_makes_a_rebalance_at_any_time() {
    let mut world = World::new();
    let (a, a_joins) = world.join("a");
    let (b, b_joins) = world.join("b");
    world.pass_ms(6_000);
    world.joined(a_joins);
    world.joined(b_joins);
    let b_syncs = world.sync(&b, 1, &[]);
    let changed = Join {
        protocols: vec![protocol("range", "other")],
        ..member("b", &b)
    };
    let b_joins = world.rejoin(changed.clone());
    assert_eq!(world.synced(b_syncs), Err(Error::RebalanceInProgress));
    let a_joins = world.rejoin(member("a", &a));
    world.complete(&["a", "b"], &[a.clone(), b.clone()], &[a_joins, b_joins]);
    let b_joins = world.rejoin(member("b", &b));
    assert!(world.is_waiting(b_joins));
    assert_eq!(world.state(), State::PreparingRebalance);
}

#[test]
fn members_leave_and_the_last_one_leaves_an_empty_group() {
    let mut world = World::new();
    let ids = world.stable(&["a", "b"]);
    let token = world.leave(&[("stranger", None), (&ids[1], None), (&ids[1], None)]);
    let unknown = Some(Error::UnknownMemberId);
    assert_eq!(world.left(token), [unknown, None, unknown]);
    assert_eq!(world.state(), State::PreparingRebalance);
    let a_joins = world.rejoin(member("a", &ids[0]));
    assert_eq!(world.joined(a_joins).generation, 2);
    let token = world.leave(&[(&ids[0], None)]);
    assert_eq!(world.left(token), [None]);
    assert_eq!(world.state(), State::Empty);
    let token = world.leave(&[(&ids[0], None)]);
    assert_eq!(world.left(token), [unknown]);
}

#[test]
fn a_member_that_leaves_while_it_waits_is_answered() {
    let mut world = World::new();
    let (a, a_joins) = world.join("a");
    let (b, b_joins) = world.join("b");
    let token = world.leave(&[(&a, None)]);
    assert_eq!(world.left(token), [None]);
    assert_eq!(world.join_refused(a_joins), Error::UnknownMemberId);
    world.pass_ms(6_000);
    assert_eq!(world.joined(b_joins).leader, b);
    let (c, c_joins) = world.join("c");
    let b_joins = world.rejoin(member("b", &b));
    world.joined(b_joins);
    world.joined(c_joins);
    let c_syncs = world.sync(&c, 2, &[]);
    let token = world.leave(&[(&c, None)]);
    assert_eq!(world.left(token), [None]);
    assert_eq!(world.synced(c_syncs), Err(Error::UnknownMemberId));
}

#[test]
fn a_request_that_is_sent_again_is_answered_once_each() {
    let mut world = World::new();
    let (a, first) = world.join("a");
    let second = world.rejoin(member("a", &a));
    assert_eq!(world.join_refused(first), Error::RebalanceInProgress);
    let (b, b_joins) = world.join("b");
    world.pass_ms(6_000);
    world.joined(second);
    world.joined(b_joins);
    let first = world.sync(&b, 1, &[]);
    let second = world.sync(&b, 1, &[]);
    assert_eq!(world.synced(first), Err(Error::RebalanceInProgress));
    // Of two assignments of one generation the first holds.
    world.is_slow = true;
    let a_first = world.sync(&a, 1, &[(&b, "first")]);
    let a_second = world.sync(&a, 1, &[(&b, "second")]);
    assert_eq!(world.synced(a_first), Err(Error::RebalanceInProgress));
    world.succeed_all();
    assert_eq!(world.synced(a_second), Ok(String::new()));
    assert_eq!(world.synced(second), Ok("first".to_owned()));
    world.is_slow = false;
    world.restart();
    let again = world.sync(&b, 1, &[]);
    assert_eq!(world.synced(again), Ok("first".to_owned()));
}

#[test]
fn who_waits_when_the_shard_moves_away_is_sent_on() {
    let mut world = World::new();
    world.is_slow = true;
    let (_, joins) = world.join("a");
    let commit = world.send(Request::CommitOffsets(CommitOffsets {
        group: "other".to_owned(),
        ..super::requests::commit("", -1, 0, 5)
    }));
    world.input(Input::Resign);
    assert_eq!(world.join_refused(joins), Error::NotCoordinator);
    assert_eq!(world.committed(commit), Err(Error::NotCoordinator));
    assert_eq!(
        (
            world.coordinator.group_count(),
            world.coordinator.deadline()
        ),
        (0, None)
    );
    // The write's outcome comes late.
    world.succeed_all();
}
