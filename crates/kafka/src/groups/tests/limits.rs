//! What keeps memory bounded.

use std::time::Duration;

use bytes::Bytes;

use super::super::settings::{COORDINATOR_BYTES_MAX, GROUP_BYTES_MAX, GROUPS_MAX};
use super::super::*;
use super::requests::{join, member};
use super::world::World;

#[test]
fn a_full_group_takes_no_newcomers_and_keeps_its_members() {
    let mut world = World::with(Settings {
        group_size_max: 2,
        ..Settings::default()
    });
    let ids = world.stable(&["a", "b"]);
    let token = world.rejoin(join("c"));
    assert_eq!(world.join_refused(token), Error::GroupMaxSizeReached);
    // Members may join again, and a third is one too many as soon as two have.
    let a_joins = world.rejoin(member("a", &ids[0]));
    let (_, c_joins) = world.join("c");
    let b_joins = world.rejoin(member("b", &ids[1]));
    assert_eq!(world.join_refused(b_joins), Error::GroupMaxSizeReached);
    assert_eq!(world.joined(a_joins).members.len(), 2);
    world.joined(c_joins);
}

#[test]
fn ids_are_given_out_up_to_the_size_of_a_group() {
    let mut world = World::with(Settings {
        group_size_max: 3,
        ..Settings::default()
    });
    for n in 0..5 {
        let fresh_id = world.fresh_id();
        let token = world.rejoin(Join {
            fresh_id,
            ..join("a")
        });
        let expected = match n {
            0..3 => Error::MemberIdRequired,
            _ => Error::GroupMaxSizeReached,
        };
        assert_eq!(world.join_refused(token), expected);
    }
}

#[test]
fn subscriptions_and_assignments_have_a_limit_per_group() {
    let mut world = World::prompt();
    let with = |bytes: usize| {
        let metadata = Bytes::from(vec![0; bytes]);
        let mut request = join("a");
        request.member_id_required = false;
        request.protocols[0].metadata = metadata;
        request
    };
    let token = world.rejoin(with(GROUP_BYTES_MAX));
    assert_eq!(world.join_refused(token), Error::GroupMaxSizeReached);
    assert_eq!(world.coordinator.group_count(), 0);
    let token = world.rejoin(with(GROUP_BYTES_MAX / 2));
    let id = world.joined(token).member_id;
    // It may join again, which replaces what it had, but nobody else fits in.
    let again = Join {
        member_id: id.clone(),
        ..with(GROUP_BYTES_MAX / 2 + 1)
    };
    let token = world.rejoin(again);
    assert_eq!(world.joined(token).generation, 2);
    let token = world.rejoin(Join {
        fresh_id: 1,
        ..with(GROUP_BYTES_MAX / 2)
    });
    assert_eq!(world.join_refused(token), Error::GroupMaxSizeReached);
    let mut sync = super::requests::sync(&id, 2);
    sync.assignments = vec![(id.clone(), vec![0; GROUP_BYTES_MAX + 1].into())];
    let token = world.send(Request::Sync(sync));
    assert_eq!(world.synced(token), Err(Error::UnknownServerError));
    assert_eq!(world.state(), State::PreparingRebalance);
}

#[test]
fn a_coordinator_has_a_limit_of_groups_and_forgets_unused_ones() {
    let mut world = World::new();
    let request = |n: usize| Join {
        group: n.to_string(),
        ..join("a")
    };
    for n in 0..GROUPS_MAX {
        world.rejoin(request(n));
    }
    assert_eq!(world.coordinator.group_count(), GROUPS_MAX);
    let token = world.rejoin(request(GROUPS_MAX));
    assert_eq!(world.join_refused(token), Error::CoordinatorNotAvailable);
    let token = world.commit(0, 10);
    assert_eq!(world.committed(token), Err(Error::CoordinatorNotAvailable));
    world.pass(Duration::from_secs(10));
    assert_eq!(
        (
            world.coordinator.group_count(),
            world.coordinator.deadline()
        ),
        (0, None)
    );
    assert_eq!(world.log, []);
}

#[test]
fn a_coordinator_has_a_limit_of_bytes() {
    let mut world = World::new();
    let ids = world.stable(&["a"]);
    let used = world.coordinator.bytes;
    assert!((500..2_000).contains(&used), "{used} bytes for one member");
    let reserve = 50;
    world.coordinator.bytes = COORDINATOR_BYTES_MAX - reserve;
    let mut large = join("b");
    large.protocols[0].metadata = vec![0; reserve + 1].into();
    let token = world.rejoin(large);
    assert_eq!(world.join_refused(token), Error::CoordinatorNotAvailable);
    let mut large = super::requests::sync(&ids[0], 1);
    large.assignments = vec![(ids[0].clone(), vec![0; reserve + 1].into())];
    let token = world.send(Request::Sync(large));
    assert_eq!(world.synced(token), Err(Error::CoordinatorNotAvailable));
    let mut large = super::requests::commit(&ids[0], 1, 0, 10);
    large.offsets[0].metadata = "x".repeat(reserve + 1);
    let token = world.send(Request::CommitOffsets(large));
    assert_eq!(world.committed(token), Err(Error::CoordinatorNotAvailable));
    // What is there goes on, and what is small still fits.
    assert_eq!(world.heartbeat(&ids[0], 1), Ok(()));
    let small = super::requests::commit(&ids[0], 1, 0, 10);
    let token = world.send(Request::CommitOffsets(small));
    assert_eq!(world.committed(token), Ok(()));
}

#[test]
fn a_static_member_comes_back_to_a_full_group() {
    let mut world = World::with(Settings {
        group_size_max: 1,
        ..Settings::default()
    });
    let first = world.join_static("x");
    world.pass_ms(3_000);
    let id = world.joined(first).member_id;
    let token = world.sync(&id, 1, &[(&id, "p0")]);
    world.synced(token).expect("an assignment");
    let second = world.join_static("x");
    assert_eq!(world.joined(second).generation, 1);
    let other = world.join_static("y");
    assert_eq!(world.join_refused(other), Error::GroupMaxSizeReached);
}

#[test]
fn a_subscription_does_not_keep_its_request_in_memory() {
    let mut world = World::prompt();
    let frame = Bytes::from(vec![0; 1024]);
    let mut request = join("a");
    request.member_id_required = false;
    request.protocols[0].metadata = frame.slice(10..20);
    let token = world.rejoin(request);
    let id = world.joined(token).member_id;
    let mut sync = super::requests::sync(&id, 1);
    sync.assignments = vec![(id, frame.slice(30..40))];
    let token = world.send(Request::Sync(sync));
    world.synced(token).expect("an assignment");
    assert!(frame.is_unique(), "somebody still holds the frame");
}

#[test]
fn a_reason_is_cut_between_characters() {
    use super::super::join::head;
    assert_eq!(head("short"), "short");
    assert_eq!(head(&"ä".repeat(200)).len(), 256);
    assert_eq!(head(&format!("x{}", "ä".repeat(200))).len(), 255);
}
