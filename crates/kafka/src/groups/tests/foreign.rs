//! What other brokers of this protocol are known to have got wrong, each under its own name.

use std::time::Duration;

use super::super::*;
use super::requests::{commit, join, member, protocol, static_join, topic};
use super::world::World;

#[test]
fn fetched_offsets_have_the_committed_leader_epoch_and_metadata() {
    let mut world = World::new();
    for (leader_epoch, metadata) in [(Some(42), "somewhere in the middle"), (None, "")] {
        let mut request = commit("", -1, 0, 10);
        request.offsets[0].leader_epoch = leader_epoch;
        request.offsets[0].metadata = metadata.to_owned();
        world.send(Request::CommitOffsets(request));
        for _ in 0..2 {
            let fetched = world.fetch_offsets(Wanted::All);
            let expected = Position {
                offset: 10,
                leader_epoch,
                metadata: metadata.to_owned(),
            };
            assert_eq!(fetched[0].position.as_ref(), Some(&expected));
            world.restart();
        }
    }
}

#[test]
fn a_topic_made_again_under_the_same_name_has_no_old_positions() {
    let again = Topic {
        id: TopicId(99),
        name: topic().name,
    };
    let wanted = |topic: &Topic| Wanted::Partitions(vec![(topic.id, 0)]);
    let mut world = World::new();
    world.commit(0, 10);
    world.is_slow = true;
    let in_flight = world.commit(0, 20);
    world.input(Input::TopicsDeleted(vec![topic().id]));
    world.succeed_all();
    assert_eq!(world.committed(in_flight), Ok(()));
    assert_eq!(world.fetch_offsets(wanted(&topic()))[0].position, None);
    assert_eq!(world.fetch_offsets(wanted(&again))[0].position, None);
    assert_eq!(world.fetch_offsets(Wanted::All), []);
    world.restart();
    assert_eq!(world.fetch_offsets(Wanted::All), []);
    // Even if the node died before it could forget, the new topic has another id.
    world.is_slow = false;
    world.commit(0, 10);
    world.is_slow = true;
    world.input(Input::TopicsDeleted(vec![topic().id]));
    world.restart();
    assert_eq!(world.fetch_offsets(wanted(&again))[0].position, None);
}

#[test]
fn static_members_come_back_with_all_properties_updated() {
    let mut world = World::new();
    let token = world.join_static("x");
    world.pass_ms(3_000);
    let old = world.joined(token).member_id;
    let token = world.sync(&old, 1, &[(&old, "p0")]);
    world.synced(token).expect("an assignment");
    let token = world.rejoin(Join {
        client_id: "new client".to_owned(),
        client_host: "/10.0.0.1".to_owned(),
        session_timeout: Duration::from_secs(20),
        rebalance_timeout: Duration::from_secs(40),
        protocols: vec![protocol("range", "t"), protocol("sticky", "t")],
        fresh_id: 5,
        ..static_join("x")
    });
    let id = world.joined(token).member_id;
    let check = |world: &mut World| {
        let described = world.describe().expect("a group");
        assert_eq!(described.members.len(), 1);
        let member = &described.members[0];
        assert_eq!(member.member_id, id);
        assert_eq!(member.client_id, "new client");
        assert_eq!(member.client_host, "/10.0.0.1");
        assert_eq!(member.assignment, "p0");
        // The session is the new, longer one.
        world.pass_ms(19_999);
        assert_eq!(world.heartbeat(&id, 1), Ok(()));
    };
    check(&mut world);
    world.restart();
    check(&mut world);
    // The new protocol and rebalance time-out are in force: somebody who only has that protocol fits in, and a
    // rebalance waits for 40 seconds.
    let token = world.rejoin(Join {
        protocols: vec![protocol("sticky", "t")],
        member_id_required: false,
        ..join("other")
    });
    for _ in 0..4 {
        assert!(world.is_waiting(token));
        let _ = world.heartbeat(&id, 1);
        world.pass_ms(10_000);
    }
    assert_eq!(world.joined(token).protocol_name, "sticky");
}

#[test]
fn members_whose_id_was_given_out_but_who_never_join_expire() {
    let mut world = World::new();
    let ids = world.stable(&["a"]);
    let token = world.rejoin(Join {
        fresh_id: 77,
        ..join("ghost")
    });
    let Reply::Join(Err(JoinRefused { error, member_id })) = world.reply(token) else {
        panic!("an id is given out first");
    };
    assert_eq!(error, Error::MemberIdRequired);
    // A rebalance waits for the ghost as long as its session would have lasted, and no longer.
    let a_joins = world.rejoin(member("a", &ids[0]));
    world.pass_ms(9_999);
    assert!(world.is_waiting(a_joins));
    world.pass_ms(1);
    assert_eq!(world.joined(a_joins).members.len(), 1);
    let token = world.rejoin(member("ghost", &member_id));
    assert_eq!(world.join_refused(token), Error::UnknownMemberId);
}

#[test]
fn concurrent_joins_give_no_spurious_unknown_member_id() {
    for delay_ms in [0, 3_000] {
        let mut world = World::with(Settings {
            initial_rebalance_delay: Duration::from_millis(delay_ms),
            ..Settings::default()
        });
        // Everybody is given an id before anybody uses it, some use it before a rebalance is complete, some after.
        let mut waiting = Vec::new();
        for n in 0..30 {
            let fresh_id = world.fresh_id();
            let client = format!("c{n}");
            let token = world.rejoin(Join {
                fresh_id,
                ..join(&client)
            });
            let Reply::Join(Err(refused)) = world.reply(token) else {
                panic!("an id is given out first");
            };
            waiting.push((client, refused.member_id, None));
        }
        for step in 0..60 {
            let (client, id, token) = &mut waiting[(step * 7) % 30];
            let is_waiting = token.is_some_and(|token| world.is_waiting(token));
            if let Some(token) = token.take_if(|_| !is_waiting) {
                world.joined(token);
            }
            if !is_waiting {
                *token = Some(world.rejoin(member(client, id)));
            }
            world.pass_ms(97);
        }
        world.pass_ms(30_000);
        for (_, _, token) in waiting {
            let joined = world.joined(token.expect("everybody has joined"));
            assert_eq!(joined.generation, 1);
        }
    }
}

#[test]
fn no_group_stays_unstable_after_a_coordinator_moves() {
    let mut world = World::new();
    world.commit(0, 10);
    world.is_slow = true;
    world.commit(0, 20);
    let unanswered = world.commit(1, 20);
    world.fail();
    world.restart();
    // Whatever was under way, what is durable is shown at once.
    assert_eq!((world.fetch(0), world.fetch(1)), (Some(10), None));
    assert!(
        world.is_waiting(unanswered),
        "its client asks again elsewhere"
    );
    world.is_slow = false;
    let token = world.commit(0, 30);
    assert_eq!(world.committed(token), Ok(()));
    assert_eq!(world.fetch(0), Some(30));
}

#[test]
fn a_deleted_group_stays_deleted_after_a_restart() {
    // A commit may be under way, or have failed and be in the log all the same, when the group is deleted.
    for (is_in_flight, is_failed) in [(false, false), (true, false), (true, true)] {
        let mut world = World::new();
        let ids = world.stable(&["a"]);
        let token = world.leave(&[(&ids[0], None)]);
        world.left(token);
        world.commit(0, 10);
        world.is_slow = true;
        if is_in_flight {
            world.commit(1, 20);
        }
        if is_failed {
            world.log.extend(world.writes[0].1.clone());
            world.fail();
            assert_eq!(world.fetch(1), None);
        }
        let deletion = world.delete();
        world.succeed_all();
        assert_eq!(world.deleted(deletion), Ok(()));
        world.restart();
        assert_eq!(world.state(), State::Dead);
        assert_eq!(world.fetch_offsets(Wanted::All), []);
        assert_eq!(world.coordinator.group_count(), 0);
    }
}
