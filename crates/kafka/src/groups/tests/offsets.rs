//! Committed positions: who may commit, what is shown, and what expires.

use std::time::Duration;

use base::Timestamp;

use super::super::*;
use super::requests::{GROUP, commit, join, topic};
use super::world::World;

const DAY: Duration = Duration::from_hours(24);

/// A member's commit of one partition of a topic.
fn member_commit(
    world: &mut World,
    member_id: &str,
    generation: i32,
    offset: i64,
) -> Result<(), Error> {
    let token = world.send(Request::CommitOffsets(commit(
        member_id, generation, 0, offset,
    )));
    world.committed(token)
}

fn other_topic() -> Topic {
    Topic {
        id: TopicId(8),
        name: "u".into(),
    }
}

fn commit_to(topic: Topic) -> CommitOffsets {
    let mut request = commit("", -1, 0, 10);
    request.offsets[0].topic = topic;
    request
}

/// A member of a stable group that need not say often that it lives.
fn patient_member(world: &mut World) -> String {
    let token = world.rejoin(Join {
        session_timeout: Duration::from_mins(30),
        member_id_required: false,
        ..join("patient")
    });
    world.pass_ms(3_000);
    let id = world.joined(token).member_id;
    let token = world.sync(&id, 1, &[]);
    world.synced(token).expect("an assignment");
    id
}

/// Lets days pass for it.
fn live_on(world: &mut World, member_id: &str, days: u32) {
    for _ in 0..days * 24 * 3 {
        world.pass(Duration::from_mins(20));
        assert_eq!(world.heartbeat(member_id, 1), Ok(()));
    }
}

#[test]
fn simple_consumers_commit_to_groups_without_members_only() {
    let mut world = World::new();
    let token = world.commit(0, 10);
    assert_eq!(world.committed(token), Ok(()));
    assert_eq!(world.fetch(0), Some(10));
    let ids = world.stable(&["a"]);
    let token = world.commit(0, 11);
    assert_eq!(world.committed(token), Err(Error::UnknownMemberId));
    assert_eq!(world.fetch(0), Some(10));
    let token = world.leave(&[(&ids[0], None)]);
    world.left(token);
    let token = world.commit(0, 12);
    assert_eq!(world.committed(token), Ok(()));
    // A member's commit is not a simple one, even when all have left.
    assert_eq!(
        member_commit(&mut world, &ids[0], 1, 13),
        Err(Error::UnknownMemberId)
    );
}

#[test]
fn members_commit_in_their_generation() {
    let mut world = World::new();
    assert_eq!(
        member_commit(&mut world, "m", 1, 10),
        Err(Error::GroupIdNotFound)
    );
    let token = world.send(Request::CommitOffsets(CommitOffsets {
        names_unknown_group: false,
        ..commit("m", 1, 0, 10)
    }));
    assert_eq!(world.committed(token), Err(Error::IllegalGeneration));
    let (a, joins) = world.join("a");
    world.pass_ms(3_000);
    world.joined(joins);
    // It knows its generation and not yet its assignment.
    assert_eq!(
        member_commit(&mut world, &a, 1, 10),
        Err(Error::RebalanceInProgress)
    );
    let token = world.sync(&a, 1, &[]);
    world.synced(token).expect("an assignment");
    assert_eq!(member_commit(&mut world, &a, 1, 10), Ok(()));
    assert_eq!(
        member_commit(&mut world, &a, 0, 11),
        Err(Error::IllegalGeneration)
    );
    assert_eq!(
        member_commit(&mut world, &a, -1, 11),
        Err(Error::IllegalGeneration)
    );
    assert_eq!(
        member_commit(&mut world, "b", 1, 11),
        Err(Error::UnknownMemberId)
    );
    // When others join, it finishes what it has begun.
    world.join("b");
    assert_eq!(member_commit(&mut world, &a, 1, 12), Ok(()));
    assert_eq!(world.fetch(0), Some(12));
}

#[test]
fn a_commit_is_a_sign_of_life() {
    let mut world = World::new();
    let ids = world.stable(&["a"]);
    for _ in 0..5 {
        world.pass_ms(9_000);
        assert_eq!(member_commit(&mut world, &ids[0], 1, 10), Ok(()));
    }
    assert_eq!(world.heartbeat(&ids[0], 1), Ok(()));
}

#[test]
fn metadata_has_a_limit_that_spares_the_other_partitions() {
    let mut world = World::new();
    let mut request = commit("", -1, 0, 10);
    request.offsets.push(CommitOffset {
        partition: 1,
        metadata: "x".repeat(4_096),
        ..request.offsets[0].clone()
    });
    request.offsets.push(CommitOffset {
        partition: 2,
        metadata: "x".repeat(4_097),
        ..request.offsets[0].clone()
    });
    let Reply::CommitOffsets(Ok(outcomes)) = world.ask(Request::CommitOffsets(request.clone()))
    else {
        panic!("each partition has its outcome");
    };
    let errors: Vec<Option<Error>> = outcomes.into_iter().map(|o| o.error).collect();
    assert_eq!(errors, [None, None, Some(Error::OffsetMetadataTooLarge)]);
    assert_eq!(
        [world.fetch(0), world.fetch(1), world.fetch(2)],
        [Some(10), Some(10), None]
    );
    // Where all are too large nothing is written, and a group that was made for it is gone.
    let mut world = World::new();
    request.offsets.drain(..2);
    world.ask(Request::CommitOffsets(request));
    assert_eq!((world.log.len(), world.coordinator.group_count()), (0, 0));
}

#[test]
fn of_two_positions_for_one_partition_in_a_request_the_later_holds() {
    let mut world = World::new();
    let mut request = commit("", -1, 0, 10);
    request.offsets.push(CommitOffset {
        offset: 20,
        ..request.offsets[0].clone()
    });
    world.send(Request::CommitOffsets(request));
    assert_eq!(world.fetch(0), Some(20));
    world.restart();
    assert_eq!(world.fetch(0), Some(20));
}

#[test]
fn all_offsets_are_shown_with_what_was_committed() {
    let mut world = World::new();
    for (partition, topic) in [(1, topic()), (0, other_topic()), (0, topic())] {
        let mut request = commit_to(topic);
        request.offsets[0].partition = partition;
        world.send(Request::CommitOffsets(request));
    }
    let position = Some(Position {
        offset: 10,
        leader_epoch: Some(3),
        metadata: "m".to_owned(),
    });
    let committed = |topic: u128, partition| CommittedOffset {
        topic: TopicId(topic),
        partition,
        position: position.clone(),
    };
    let expected = [committed(7, 0), committed(7, 1), committed(8, 0)];
    assert_eq!(world.fetch_offsets(Wanted::All), expected);
    world.restart();
    assert_eq!(world.fetch_offsets(Wanted::All), expected);
    let wanted = Wanted::Partitions(vec![(TopicId(8), 0), (TopicId(8), 1), (TopicId(9), 0)]);
    let fetched = world.fetch_offsets(wanted);
    assert_eq!(fetched[0].position, position);
    assert_eq!((&fetched[1].position, &fetched[2].position), (&None, &None));
}

#[test]
fn offsets_of_an_empty_group_expire_after_it_became_empty() {
    let mut world = World::new();
    let id = patient_member(&mut world);
    assert_eq!(member_commit(&mut world, &id, 1, 10), Ok(()));
    // While a member reads the topic its offsets stay, however old.
    live_on(&mut world, &id, 10);
    assert_eq!(world.fetch(0), Some(10));
    let token = world.leave(&[(&id, None)]);
    world.left(token);
    world.pass(6 * DAY);
    world.restart();
    world.pass(DAY - Duration::from_mins(1));
    assert_eq!(world.fetch(0), Some(10));
    world.pass(Duration::from_mins(20));
    assert_eq!(world.fetch(0), None);
    assert_eq!(
        (
            world.coordinator.group_count(),
            world.coordinator.deadline()
        ),
        (0, None)
    );
    world.restart();
    assert_eq!(world.coordinator.group_count(), 0);
}

#[test]
fn offsets_of_simple_consumers_expire_one_by_one_after_their_commit() {
    let mut world = World::new();
    world.commit(0, 10);
    world.pass(3 * DAY);
    world.commit(1, 11);
    world.pass(4 * DAY + Duration::from_mins(10));
    assert_eq!((world.fetch(0), world.fetch(1)), (None, Some(11)));
    world.pass(3 * DAY);
    assert_eq!(world.coordinator.group_count(), 0);
}

#[test]
fn an_old_offset_does_not_expire_under_a_new_commit() {
    let mut world = World::new();
    world.commit(0, 10);
    world.pass(7 * DAY - Duration::from_mins(1));
    world.is_slow = true;
    let token = world.commit(0, 20);
    // The old one is due while the new one is on its way: a tombstone now would come after it in the log.
    world.pass(Duration::from_mins(20));
    world.succeed_all();
    assert_eq!(world.committed(token), Ok(()));
    assert_eq!(world.fetch(0), Some(20));
    world.restart();
    assert_eq!(world.fetch(0), Some(20));
}

#[test]
fn old_clients_say_themselves_how_long_to_keep_an_offset() {
    let mut world = World::new();
    let mut request = commit("", -1, 0, 10);
    request.retention = Some(Duration::from_hours(1));
    // And when it was committed, which would otherwise have made it expire at once.
    request.offsets[0].timestamp = Some(Timestamp(0));
    world.send(Request::CommitOffsets(request.clone()));
    world.pass(Duration::from_mins(50));
    assert_eq!(world.fetch(0), Some(10));
    world.restart();
    world.pass(Duration::from_mins(25));
    assert_eq!(world.fetch(0), None);
    request.retention = None;
    world.send(Request::CommitOffsets(request));
    world.pass(Duration::from_mins(20));
    assert_eq!(world.fetch(0), None);
}

#[test]
fn offsets_of_topics_that_a_group_no_longer_reads_expire() {
    let mut world = World::new();
    world.send(Request::CommitOffsets(commit_to(topic())));
    world.send(Request::CommitOffsets(commit_to(other_topic())));
    let id = patient_member(&mut world);
    live_on(&mut world, &id, 6);
    assert_eq!(world.fetch_offsets(Wanted::All).len(), 2);
    live_on(&mut world, &id, 2);
    let left: Vec<TopicId> = world
        .fetch_offsets(Wanted::All)
        .iter()
        .map(|c| c.topic)
        .collect();
    assert_eq!(left, [topic().id]);
}

#[test]
fn an_empty_group_without_offsets_goes_away() {
    let mut world = World::new();
    let ids = world.stable(&["a"]);
    let token = world.leave(&[(&ids[0], None)]);
    world.left(token);
    world.pass(Duration::from_mins(10));
    assert_eq!(
        (world.state(), world.coordinator.group_count()),
        (State::Dead, 0)
    );
    world.restart();
    assert_eq!(world.coordinator.group_count(), 0);
}

#[test]
fn single_offsets_are_deleted_unless_they_are_read() {
    let delete = |world: &mut World, topic: Topic| {
        let partition = 0;
        let reply = world.ask(Request::DeleteOffsets(DeleteOffsets {
            group: GROUP.to_owned(),
            offsets: vec![DeleteOffset { topic, partition }],
        }));
        match reply {
            Reply::DeleteOffsets(Ok(outcomes)) => outcomes[0].error.map_or(Ok(()), Err),
            Reply::DeleteOffsets(Err(error)) => Err(error),
            other => panic!("{other:?}"),
        }
    };
    let mut world = World::new();
    assert_eq!(delete(&mut world, topic()), Err(Error::GroupIdNotFound));
    world.send(Request::CommitOffsets(commit_to(topic())));
    world.send(Request::CommitOffsets(commit_to(other_topic())));
    let ids = world.stable(&["a"]);
    assert_eq!(
        delete(&mut world, topic()),
        Err(Error::GroupSubscribedToTopic)
    );
    assert_eq!(world.fetch(0), Some(10));
    assert_eq!(delete(&mut world, other_topic()), Ok(()));
    assert_eq!(world.fetch_offsets(Wanted::All).len(), 1);
    let token = world.leave(&[(&ids[0], None)]);
    world.left(token);
    assert_eq!(delete(&mut world, topic()), Ok(()));
    assert_eq!(delete(&mut world, topic()), Ok(()));
    world.restart();
    assert_eq!(world.fetch_offsets(Wanted::All), []);
}

#[test]
fn offsets_of_members_that_are_no_consumers_are_not_deleted() {
    let mut world = World::prompt();
    let token = world.rejoin(Join {
        protocol_type: "connect".to_owned(),
        member_id_required: false,
        ..super::requests::join("worker")
    });
    world.joined(token);
    let reply = world.ask(Request::DeleteOffsets(DeleteOffsets {
        group: GROUP.to_owned(),
        offsets: vec![],
    }));
    assert_eq!(reply, Reply::DeleteOffsets(Err(Error::NonEmptyGroup)));
}
