//! Durability: what waits for writes, what a failed write does, and what a restart brings back.

use std::time::Duration;

use super::super::*;
use super::requests::{GROUP, commit, member, protocol};
use super::world::World;

#[test]
fn members_get_their_assignment_when_it_is_durable() {
    let mut world = World::new();
    let (a, a_joins) = world.join("a");
    let (b, b_joins) = world.join("b");
    world.pass_ms(6_000);
    world.joined(a_joins);
    world.joined(b_joins);
    world.is_slow = true;
    let b_syncs = world.sync(&b, 1, &[]);
    let a_syncs = world.sync(&a, 1, &[(&a, "p0"), (&b, "p1")]);
    assert!(world.is_waiting(a_syncs) && world.is_waiting(b_syncs));
    assert_eq!(world.state(), State::CompletingRebalance);
    // However long that takes, nobody's session ends: they wait for us.
    world.pass_ms(25_000);
    world.succeed();
    assert_eq!(world.synced(a_syncs), Ok("p0".to_owned()));
    assert_eq!(world.synced(b_syncs), Ok("p1".to_owned()));
    world.pass_ms(9_999);
    assert_eq!(world.heartbeat(&b, 1), Ok(()));
}

#[test]
fn an_assignment_that_cannot_be_written_makes_a_new_rebalance() {
    let mut world = World::new();
    let (a, a_joins) = world.join("a");
    world.pass_ms(3_000);
    world.joined(a_joins);
    world.is_slow = true;
    let a_syncs = world.sync(&a, 1, &[(&a, "p0")]);
    world.fail();
    assert_eq!(world.synced(a_syncs), Err(Error::CoordinatorNotAvailable));
    assert_eq!(world.heartbeat(&a, 1), Err(Error::RebalanceInProgress));
    let a_joins = world.rejoin(member("a", &a));
    assert_eq!(world.joined(a_joins).generation, 2);
    let a_syncs = world.sync(&a, 2, &[(&a, "p0")]);
    world.succeed();
    assert_eq!(world.synced(a_syncs), Ok("p0".to_owned()));
}

#[test]
fn an_assignment_that_is_overtaken_by_a_rebalance_is_given_to_nobody() {
    let mut world = World::new();
    let (a, a_joins) = world.join("a");
    world.pass_ms(3_000);
    world.joined(a_joins);
    world.is_slow = true;
    let a_syncs = world.sync(&a, 1, &[(&a, "old")]);
    let (_, b_joins) = world.join("b");
    assert_eq!(world.synced(a_syncs), Err(Error::RebalanceInProgress));
    let a_joins = world.rejoin(member("a", &a));
    world.joined(a_joins);
    world.joined(b_joins);
    let a_syncs = world.sync(&a, 2, &[(&a, "new")]);
    // The outcome of the first generation's write changes nothing any more.
    world.succeed();
    assert!(world.is_waiting(a_syncs));
    assert_eq!(world.state(), State::CompletingRebalance);
    world.succeed();
    assert_eq!(world.synced(a_syncs), Ok("new".to_owned()));
}

#[test]
fn after_a_restart_consumers_go_on_without_a_rebalance() {
    let mut world = World::new();
    let ids = world.stable(&["a", "b"]);
    world.pass_ms(9_000);
    world.restart();
    // Their sessions begin anew: they have had no coordinator to send heartbeats to.
    world.pass_ms(9_999);
    assert_eq!(world.heartbeat(&ids[0], 1), Ok(()));
    assert_eq!(world.heartbeat(&ids[1], 1), Ok(()));
    let token = world.sync(&ids[1], 1, &[]);
    assert_eq!(world.synced(token), Ok("b".to_owned()));
    let described = world.describe().expect("a group");
    assert_eq!(
        (described.state, described.members.len()),
        (State::Stable, 2)
    );
    assert_eq!(described.members[0].client_host, "/127.0.0.1");
    let token = world.send(Request::CommitOffsets(commit(&ids[0], 1, 0, 5)));
    assert_eq!(world.committed(token), Ok(()));
    world.pass_ms(10_000);
    assert_eq!(world.heartbeat(&ids[0], 1), Err(Error::UnknownMemberId));
}

#[test]
fn after_a_restart_a_follower_with_several_protocols_does_not_look_changed() {
    let mut world = World::prompt();
    let both = vec![protocol("cooperative-sticky", "t"), protocol("range", "t")];
    let mut ids: Vec<String> = Vec::new();
    let mut tokens = Vec::new();
    for client in ["a", "b"] {
        let fresh_id = world.fresh_id();
        tokens.push(world.rejoin(Join {
            protocols: both.clone(),
            member_id_required: false,
            fresh_id,
            ..super::requests::join(client)
        }));
    }
    ids.push(world.joined(tokens[0]).member_id);
    let again = |id: &str| Join {
        protocols: both.clone(),
        ..member("a", id)
    };
    let a_joins = world.rejoin(again(&ids[0]));
    ids.push(world.joined(tokens[1]).member_id);
    world.joined(a_joins);
    let leader = &ids[0];
    let token = world.send(Request::Sync(Sync {
        protocol_name: Some("cooperative-sticky".to_owned()),
        ..super::requests::sync(leader, 2)
    }));
    assert_eq!(world.synced(token), Ok(String::new()));
    world.restart();
    let token = world.rejoin(again(&ids[1]));
    assert_eq!(world.joined(token).generation, 2);
    assert_eq!(world.state(), State::Stable);
}

#[test]
fn a_restart_in_a_rebalance_brings_back_the_generation_before() {
    let mut world = World::new();
    let ids = world.stable(&["a"]);
    let (b, b_joins) = world.join("b");
    let a_joins = world.rejoin(member("a", &ids[0]));
    world.joined(a_joins);
    world.joined(b_joins);
    world.is_slow = true;
    world.sync(&ids[0], 2, &[(&ids[0], "p0"), (&b, "p1")]);
    world.restart();
    assert_eq!(world.heartbeat(&ids[0], 2), Err(Error::IllegalGeneration));
    assert_eq!(world.heartbeat(&b, 2), Err(Error::UnknownMemberId));
    assert_eq!(world.heartbeat(&ids[0], 1), Ok(()));
}

#[test]
fn the_last_member_has_left_when_that_is_durable() {
    let mut world = World::new();
    let ids = world.stable(&["a"]);
    world.is_slow = true;
    let token = world.leave(&[(&ids[0], None)]);
    assert!(world.is_waiting(token));
    world.succeed();
    assert_eq!(world.left(token), [None]);
    world.restart();
    let described = world.describe().expect("a group");
    assert_eq!(
        (described.state, described.members.len()),
        (State::Empty, 0)
    );
    // Its generation goes on from where it was.
    world.is_slow = false;
    let (_, joins) = world.join("b");
    world.pass_ms(3_000);
    assert_eq!(world.joined(joins).generation, 3);
}

#[test]
fn a_commit_is_shown_and_acknowledged_when_it_is_durable() {
    let mut world = World::new();
    world.is_slow = true;
    let first = world.commit(0, 10);
    assert!(world.is_waiting(first));
    assert_eq!(world.fetch(0), None);
    world.succeed();
    assert_eq!(world.committed(first), Ok(()));
    let second = world.commit(0, 20);
    assert_eq!(world.fetch(0), Some(10));
    world.fail();
    assert_eq!(world.committed(second), Err(Error::CoordinatorNotAvailable));
    assert_eq!(world.fetch(0), Some(10));
}

#[test]
fn of_two_commits_in_flight_the_later_one_wins_whatever_finishes_first() {
    // Which of the two writes finishes first, and which of them fail; what is shown afterwards.
    for (order, fails, expected) in [
        ([0, 1], [false, false], Some(20)),
        ([1, 0], [false, false], Some(20)),
        ([0, 1], [true, false], Some(20)),
        ([1, 0], [true, false], Some(20)),
        ([0, 1], [false, true], Some(10)),
        ([1, 0], [false, true], Some(10)),
        ([0, 1], [true, true], Some(5)),
        ([1, 0], [true, true], Some(5)),
    ] {
        let mut world = World::new();
        world.commit(0, 5);
        world.is_slow = true;
        let tokens = [world.commit(0, 10), world.commit(0, 20)];
        let writes: Vec<_> = world.writes.drain(..).collect();
        let mut shown = Some(5);
        for index in order {
            let (ticket, _) = writes[index].clone();
            let outcome = match fails[index] {
                true => Err(WriteFailed::Unavailable),
                false => Ok(()),
            };
            world.input(Input::Persisted { ticket, outcome });
            assert!(
                world.fetch(0) >= shown,
                "{order:?} {fails:?}: a position went back"
            );
            shown = world.fetch(0);
        }
        for (write, fails) in writes.into_iter().zip(fails) {
            if !fails {
                world.log.extend(write.1);
            }
        }
        assert_eq!(shown, expected, "{order:?} {fails:?}");
        for (token, fails) in tokens.into_iter().zip(fails) {
            assert_eq!(world.committed(token).is_err(), fails);
        }
        world.restart();
        assert_eq!(
            world.fetch(0),
            expected,
            "{order:?} {fails:?} after a restart"
        );
    }
}

#[test]
fn why_a_write_failed_is_told_in_kafkas_words() {
    for (failed, of_commit, of_group) in [
        (
            WriteFailed::TooLarge,
            Error::InvalidCommitOffsetSize,
            Error::UnknownServerError,
        ),
        (
            WriteFailed::Unavailable,
            Error::CoordinatorNotAvailable,
            Error::CoordinatorNotAvailable,
        ),
        (
            WriteFailed::Lost,
            Error::NotCoordinator,
            Error::NotCoordinator,
        ),
    ] {
        let mut world = World::new();
        let outcome = Err(failed);
        world.is_slow = true;
        let token = world.commit(0, 10);
        let (ticket, _) = world.writes.pop_front().expect("a write");
        world.input(Input::Persisted { ticket, outcome });
        assert_eq!(world.committed(token), Err(of_commit));
        let token = world.delete();
        let (ticket, _) = world.writes.pop_front().expect("a write");
        world.input(Input::Persisted { ticket, outcome });
        assert_eq!(world.deleted(token), Err(of_group));
    }
}

#[test]
fn while_a_group_is_deleted_it_is_dead_and_still_shows_its_offsets() {
    let mut world = World::new();
    world.commit(0, 10);
    world.is_slow = true;
    let deletion = world.delete();
    assert_eq!(world.state(), State::Dead);
    assert_eq!(world.fetch(0), Some(10));
    // Whoever comes now is to come again.
    let fresh_id = world.fresh_id();
    let token = world.rejoin(Join {
        fresh_id,
        ..super::requests::join("a")
    });
    assert_eq!(world.join_refused(token), Error::CoordinatorNotAvailable);
    let token = world.commit(0, 20);
    assert_eq!(world.committed(token), Err(Error::CoordinatorNotAvailable));
    assert_eq!(world.heartbeat("m", 1), Err(Error::CoordinatorNotAvailable));
    let token = world.sync("m", 1, &[]);
    assert_eq!(world.synced(token), Err(Error::CoordinatorNotAvailable));
    let group = GROUP.to_owned();
    let members = vec![];
    let reply = world.ask(Request::Leave(Leave { group, members }));
    assert_eq!(reply, Reply::Leave(Err(Error::CoordinatorNotAvailable)));
    let again = world.delete();
    assert_eq!(world.deleted(again), Err(Error::GroupIdNotFound));
    // It fails, and all is as it was.
    world.fail();
    assert_eq!(world.deleted(deletion), Err(Error::CoordinatorNotAvailable));
    assert_eq!((world.state(), world.fetch(0)), (State::Empty, Some(10)));
    let deletion = world.delete();
    world.succeed();
    assert_eq!(world.deleted(deletion), Ok(()));
    assert_eq!(world.coordinator.group_count(), 0);
}

#[test]
fn outcomes_that_come_after_the_deletion_are_not_taken_for_the_new_group() {
    let mut world = World::new();
    world.is_slow = true;
    let commit = world.commit(0, 10);
    let deletion = world.delete();
    let (first, _) = world.writes.pop_front().expect("the commit");
    world.succeed();
    assert_eq!(world.deleted(deletion), Ok(()));
    // A new group of the same name is there before the old commit's outcome.
    let newer = world.commit(1, 30);
    let ticket = first;
    world.input(Input::Persisted {
        ticket,
        outcome: Ok(()),
    });
    assert_eq!(world.committed(commit), Ok(()));
    assert_eq!(world.fetch(0), None);
    world.succeed();
    assert_eq!(world.committed(newer), Ok(()));
    assert_eq!(world.fetch_offsets(Wanted::All).len(), 1);
}

#[test]
fn a_group_that_has_become_too_large_is_asked_to_join_again() {
    let mut world = World::new();
    let ids = world.stable(&["a", "b", "c"]);
    world.settings.group_size_max = 2;
    world.restart();
    assert_eq!(world.state(), State::PreparingRebalance);
    let a_joins = world.rejoin(member("a", &ids[0]));
    let b_joins = world.rejoin(member("b", &ids[1]));
    let c_joins = world.rejoin(member("c", &ids[2]));
    assert_eq!(world.join_refused(c_joins), Error::GroupMaxSizeReached);
    assert_eq!(world.joined(a_joins).members.len(), 2);
    assert_eq!(world.joined(b_joins).generation, 2);
}

#[test]
fn topics_that_vanished_while_the_node_was_down_can_be_found() {
    let mut world = World::new();
    world.commit(0, 10);
    world.restart();
    let topics = world.coordinator.topic_ids();
    assert_eq!(topics, [TopicId(7)].into());
    world.input(Input::TopicsDeleted(topics.into_iter().collect()));
    assert_eq!(world.coordinator.topic_ids(), [].into());
    world.pass(Duration::from_mins(10));
    assert_eq!(world.coordinator.group_count(), 0);
}
