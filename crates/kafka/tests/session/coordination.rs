//! Groups through sessions: what the coordinator's own tests cannot see, because it takes connections, the catalog and
//! the log.

use crate::client::Client;
use crate::fixture::{Fixture, commit, create, join, join_alone, sync, world_with};
use crate::world::World;
use futures_util::future::join as both;
use kafka_wire::messages::create_topics::CreateTopicsRequest;
use kafka_wire::messages::delete_groups::DeleteGroupsRequest;
use kafka_wire::messages::delete_topics::DeleteTopicsRequest;
use kafka_wire::messages::describe_groups::{DescribeGroupsRequest, DescribedGroup};
use kafka_wire::messages::find_coordinator::FindCoordinatorRequest;
use kafka_wire::messages::heartbeat::HeartbeatRequest;
use kafka_wire::messages::init_producer_id::InitProducerIdRequest;
use kafka_wire::messages::join_group::{JoinGroupRequest, JoinGroupRequestProtocol};
use kafka_wire::messages::leave_group::{LeaveGroupRequest, MemberIdentity};
use kafka_wire::messages::list_groups::ListGroupsRequest;
use kafka_wire::messages::offset_commit::OffsetCommitRequest;
use kafka_wire::messages::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use kafka_wire::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestTopic, OffsetFetchResponsePartition,
};
use kafka_wire::{ErrorCode, Str};
use std::collections::BTreeSet;
use std::time::Duration;

async fn fetch_offset(
    client: &mut Client,
    version: i16,
    group: &str,
    topic: &str,
) -> OffsetFetchResponsePartition {
    let request = OffsetFetchRequest {
        group_id: Str::from(group),
        topics: Some(vec![OffsetFetchRequestTopic {
            name: Str::from(topic),
            partition_indexes: vec![0],
        }]),
        ..OffsetFetchRequest::default()
    };
    client.call(version, request).await.topics[0].partitions[0].clone()
}

async fn describe(client: &mut Client, group: &str) -> DescribedGroup {
    let request = DescribeGroupsRequest {
        groups: vec![Str::from(group)],
        ..DescribeGroupsRequest::default()
    };
    client.call(5, request).await.groups.remove(0)
}

fn beat(group: &str, member_id: &Str, generation_id: i32) -> HeartbeatRequest {
    HeartbeatRequest {
        group_id: Str::from(group),
        generation_id,
        member_id: member_id.clone(),
        ..HeartbeatRequest::default()
    }
}

fn error_of_commit(
    response: &kafka_wire::messages::offset_commit::OffsetCommitResponse,
) -> ErrorCode {
    response.topics[0].partitions[0].error_code
}

/// Item 3: what a client stores with an offset comes back with it, after a restart too.
#[test]
fn offsets_come_back_with_their_epoch_and_note() {
    let Fixture { world, .. } = Fixture::new();
    let check = |world: &World| {
        world.run(async {
            let found = fetch_offset(&mut world.client(), 7, "g", "t").await;
            assert_eq!(
                (found.committed_offset, found.committed_leader_epoch),
                (2, 1)
            );
            assert_eq!(found.metadata, Some(Str::from("note")));
        });
    };
    check(&world);
    let world = world.restarted();
    check(&world);
}

/// A member goes on after a restart of the broker without a rebalance.
#[test]
fn a_member_survives_a_restart_of_the_broker() {
    let Fixture {
        world, member_id, ..
    } = Fixture::new();
    let world = world.restarted();
    world.run(async {
        let mut client = world.client();
        let alive = client.call(4, beat("g", &member_id, 1)).await;
        assert_eq!(alive.error_code, ErrorCode::None);
        let committed = client.call(8, commit("g", &member_id, 1, "t", 0, 3)).await;
        assert_eq!(error_of_commit(&committed), ErrorCode::None);
    });
}

/// Version 0 has no word for nothing but -1.
#[test]
fn nothing_stored_is_minus_one_and_no_error() {
    let world = world_with("t", 1);
    world.run(async {
        let mut client = world.client();
        for version in 0..=7 {
            for topic in ["t", "unknown"] {
                let found = fetch_offset(&mut client, version, "g", topic).await;
                assert_eq!(
                    (found.committed_offset, found.error_code),
                    (-1, ErrorCode::None)
                );
            }
        }
    });
}

#[test]
fn all_offsets_of_a_group_are_listed_by_topic() {
    let world = world_with("t", 2);
    world.run(async {
        let mut client = world.client();
        create(&mut client, "u", 1, &[]).await;
        for (topic, partition, offset) in [("t", 1, 7), ("u", 0, 8), ("t", 0, 9)] {
            let commit = commit("g", &Str::default(), -1, topic, partition, offset);
            let committed = client.call(8, commit).await;
            assert_eq!(error_of_commit(&committed), ErrorCode::None);
        }
        let all = OffsetFetchRequest {
            group_id: Str::from("g"),
            topics: None,
            ..OffsetFetchRequest::default()
        };
        let response = client.call(7, all).await;
        let found: BTreeSet<_> = response
            .topics
            .iter()
            .flat_map(|topic| {
                let offsets = topic.partitions.iter();
                offsets.map(|at| {
                    (
                        topic.name.to_string(),
                        at.partition_index,
                        at.committed_offset,
                    )
                })
            })
            .collect();
        let expected = [("t", 0, 9), ("t", 1, 7), ("u", 0, 8)];
        assert_eq!(found, expected.map(|(t, p, o)| (t.to_owned(), p, o)).into());
    });
}

#[test]
fn offsets_of_partitions_that_do_not_exist_are_refused() {
    let world = world_with("t", 1);
    world.run(async {
        let mut client = world.client();
        for (topic, partition) in [("t", 1), ("u", 0)] {
            let request = commit("g", &Str::default(), -1, topic, partition, 1);
            let error = error_of_commit(&client.call(8, request).await);
            assert_eq!(error, ErrorCode::UnknownTopicOrPartition);
        }
        let by_id = commit("g", &Str::default(), -1, "", 0, 1);
        let error = error_of_commit(&client.call(10, by_id).await);
        assert_eq!(error, ErrorCode::UnknownTopicId);
    });
}

/// Item 10: a topic that is made again has no positions, whether it was deleted by this start or the one before.
#[test]
fn positions_do_not_pass_to_a_topic_of_the_same_name() {
    let Fixture { world, .. } = Fixture::new();
    let again = async |world: &World| {
        let mut client = world.client();
        let deletion = DeleteTopicsRequest {
            topic_names: vec![Str::from("t")],
            ..DeleteTopicsRequest::default()
        };
        client.call(5, deletion).await;
        create(&mut client, "t", 1, &[]).await;
        let found = fetch_offset(&mut client, 7, "g", "t").await;
        assert_eq!(found.committed_offset, -1);
    };
    world.run(again(&world));
    let world = world.restarted();
    world.run(async {
        let found = fetch_offset(&mut world.client(), 7, "g", "t").await;
        assert_eq!(found.committed_offset, -1);
    });
}

/// A group that knew nothing but a deleted topic is forgotten, also where the broker was killed in between.
#[test]
fn groups_forget_deleted_topics() {
    let commit_and_delete = async |world: &World, through_the_broker: bool| {
        let mut client = world.client();
        create(&mut client, "gone", 1, &[]).await;
        client
            .call(8, commit("s", &Str::default(), -1, "gone", 0, 5))
            .await;
        let groups = client.call(5, ListGroupsRequest::default()).await.groups;
        assert_eq!(groups.len(), 1);
        if through_the_broker {
            let deletion = DeleteTopicsRequest {
                topic_names: vec![Str::from("gone")],
                ..DeleteTopicsRequest::default()
            };
            client.call(5, deletion).await;
        } else {
            world.catalog.delete_topic("gone").await.unwrap();
        }
    };
    let count = async |world: &World| {
        let groups = world.client().call(5, ListGroupsRequest::default()).await;
        groups.groups.len()
    };
    let world = world_with("t", 1);
    world.run(commit_and_delete(&world, true));
    assert_eq!(world.run(count(&world)), 0);
    world.run(commit_and_delete(&world, false));
    assert_eq!(world.run(count(&world)), 1);
    let world = world.restarted();
    assert_eq!(world.run(count(&world)), 0);
}

fn static_join(member_id: &Str, metadata: &'static str) -> JoinGroupRequest {
    JoinGroupRequest {
        group_instance_id: Some(Str::from("instance")),
        protocols: vec![JoinGroupRequestProtocol {
            name: Str::from("range"),
            metadata: bytes::Bytes::from_static(metadata.as_bytes()),
        }],
        ..join("g", member_id)
    }
}

/// Item 12: a static member that comes back brings all its properties, and its predecessor is fenced.
#[test]
fn a_static_member_comes_back_with_new_properties() {
    let world = world_with("t", 1);
    world.run(async {
        let mut client = world.client();
        let first = client.call(9, static_join(&Str::default(), "old")).await;
        assert_eq!(first.error_code, ErrorCode::None);
        let assign = [(&first.member_id, "everything")];
        let request = sync("g", &first.member_id, first.generation_id, &assign);
        client.call(5, request).await;
        let second = client.call(9, static_join(&Str::default(), "new")).await;
        assert_eq!(second.error_code, ErrorCode::None);
        assert_ne!(second.member_id, first.member_id);
        let request = sync(
            "g",
            &second.member_id,
            second.generation_id,
            &[(&second.member_id, "all")],
        );
        client.call(5, request).await;
        let group = describe(&mut client, "g").await;
        assert_eq!(group.members.len(), 1);
        assert_eq!(group.members[0].member_id, second.member_id);
        assert_eq!(group.members[0].member_metadata, "new");
        let old = HeartbeatRequest {
            group_instance_id: Some(Str::from("instance")),
            ..beat("g", &first.member_id, second.generation_id)
        };
        let fenced = client.call(4, old).await;
        assert_eq!(fenced.error_code, ErrorCode::FencedInstanceId);
    });
}

/// Item 13: an id that was given out and never used expires.
#[test]
fn an_id_that_is_never_used_expires() {
    let world = world_with("t", 1);
    world.run(async {
        let mut client = world.client();
        let given = client.call(9, join("g", &Str::default())).await;
        assert_eq!(given.error_code, ErrorCode::MemberIdRequired);
        use base::Clock;
        let late = world.clock.now() + Duration::from_secs(11);
        world.clock.sleep_until(late).await;
        let joined = client.call(9, join("g", &given.member_id)).await;
        assert_eq!(joined.error_code, ErrorCode::UnknownMemberId);
    });
}

/// Item 14: members that join at the same moment all get in.
#[test]
fn concurrent_joins_all_succeed() {
    let world = world_with("t", 1);
    world.run(async {
        let join_fully = async |mut client: Client| {
            let given = client.call(9, join("g", &Str::default())).await;
            assert_eq!(given.error_code, ErrorCode::MemberIdRequired);
            // A member that is told to join again does, as clients do.
            loop {
                let joined = client.call(9, join("g", &given.member_id)).await;
                assert_eq!(joined.error_code, ErrorCode::None);
                let assign: Vec<_> = joined
                    .members
                    .iter()
                    .map(|m| (&m.member_id, "part"))
                    .collect();
                let request = sync("g", &given.member_id, joined.generation_id, &assign);
                let synced = client.call(5, request).await;
                match synced.error_code {
                    ErrorCode::RebalanceInProgress => {}
                    ErrorCode::None => {
                        let alive = client
                            .call(4, beat("g", &given.member_id, joined.generation_id))
                            .await;
                        if alive.error_code == ErrorCode::None {
                            return joined.generation_id;
                        }
                        assert_eq!(alive.error_code, ErrorCode::RebalanceInProgress);
                    }
                    other => panic!("{other}"),
                }
            }
        };
        let members = (0..8).map(|_| join_fully(world.client()));
        futures_util::future::join_all(members).await;
        assert_eq!(describe(&mut world.client(), "g").await.members.len(), 8);
    });
}

/// A group that waits for one of its members holds nobody else up.
#[test]
fn groups_do_not_wait_for_each_other() {
    let Fixture {
        world, member_id, ..
    } = Fixture::new();
    world.run(async {
        let (mut waiting, mut others) = (world.client(), world.client());
        let given = waiting.call(9, join("g", &Str::default())).await;
        // The first member does not come along, so that this join takes as long as a rebalance may.
        let join = waiting.call(9, join("g", &given.member_id));
        let meanwhile = async {
            let before = world.elapsed_ms();
            for group in ["a", "b", "c", "d", "e", "f", "h", "i", "j"] {
                join_alone(&mut others, group).await;
            }
            let alive = others.call(4, beat("g", &member_id, 1)).await;
            assert_eq!(alive.error_code, ErrorCode::RebalanceInProgress);
            assert_eq!(world.elapsed_ms(), before);
        };
        let (joined, ()) = both(join, meanwhile).await;
        assert_eq!(joined.error_code, ErrorCode::None);
    });
}

#[test]
fn a_member_that_is_silent_is_thrown_out() {
    let Fixture {
        world, member_id, ..
    } = Fixture::new();
    world.pass(Duration::from_secs(11));
    world.run(async {
        let mut client = world.client();
        let dead = client.call(4, beat("g", &member_id, 1)).await;
        assert_eq!(dead.error_code, ErrorCode::UnknownMemberId);
        assert_eq!(describe(&mut client, "g").await.group_state, "Empty");
    });
}

/// Item 28: a deleted group stays deleted.
#[test]
fn a_deleted_group_stays_deleted() {
    let Fixture {
        world, member_id, ..
    } = Fixture::new();
    world.run(async {
        let mut client = world.client();
        let leave = LeaveGroupRequest {
            group_id: Str::from("g"),
            members: vec![MemberIdentity {
                member_id: member_id.clone(),
                ..MemberIdentity::default()
            }],
            ..LeaveGroupRequest::default()
        };
        client.call(5, leave).await;
        let deletion = DeleteGroupsRequest {
            groups_names: vec![Str::from("g")],
        };
        let deleted = client.call(2, deletion).await;
        assert_eq!(deleted.results[0].error_code, ErrorCode::None);
    });
    let world = world.restarted();
    world.run(async {
        let mut client = world.client();
        assert_eq!(
            client.call(5, ListGroupsRequest::default()).await.groups,
            []
        );
        let found = fetch_offset(&mut client, 7, "g", "t").await;
        assert_eq!(found.committed_offset, -1);
    });
}

#[test]
fn offsets_of_a_simple_group_can_be_deleted() {
    let world = world_with("t", 1);
    world.run(async {
        let mut client = world.client();
        client
            .call(8, commit("s", &Str::default(), -1, "t", 0, 5))
            .await;
        let deletion = OffsetDeleteRequest {
            group_id: Str::from("s"),
            topics: vec![OffsetDeleteRequestTopic {
                name: Str::from("t"),
                partitions: vec![OffsetDeleteRequestPartition { partition_index: 0 }],
            }],
        };
        let deleted = client.call(0, deletion).await;
        assert_eq!(deleted.topics[0].partitions[0].error_code, ErrorCode::None);
        let found = fetch_offset(&mut client, 7, "s", "t").await;
        assert_eq!(found.committed_offset, -1);
    });
}

/// There are no transactions yet, and clients that want some are told so at once.
#[test]
fn transactional_ids_are_refused() {
    let world = world_with("t", 1);
    world.run(async {
        let mut client = world.client();
        let find = FindCoordinatorRequest {
            key_type: 1,
            coordinator_keys: vec![Str::from("id")],
            ..FindCoordinatorRequest::default()
        };
        let found = client.call(6, find).await;
        let refused = ErrorCode::TransactionalIdAuthorizationFailed;
        assert_eq!(found.coordinators[0].error_code, refused);
        let init = InitProducerIdRequest {
            transactional_id: Some(Str::from("id")),
            ..InitProducerIdRequest::default()
        };
        assert_eq!(client.call(5, init).await.error_code, refused);
    });
}

/// Producer ids are never given out twice, whatever happens in between.
#[test]
fn producer_ids_are_never_given_out_twice() {
    let mut world = world_with("t", 1);
    let mut seen = BTreeSet::new();
    for _ in 0..3 {
        for _ in 0..5 {
            let request = InitProducerIdRequest::default();
            let response = world.run(world.client().call(5, request));
            assert!(seen.insert(response.producer_id));
        }
        world = world.restarted();
    }
}

/// A commit whose write fails is not acknowledged.
#[test]
fn nothing_is_committed_after_a_failed_sync() {
    let world = world_with("t", 1);
    world.run(async {
        let mut client = world.client();
        world.disk.set_faults(store::SimFaults {
            sync_fails: true,
            ..store::SimFaults::default()
        });
        let request: OffsetCommitRequest = commit("s", &Str::default(), -1, "t", 0, 5);
        let error = error_of_commit(&client.call(8, request).await);
        assert!(error.is_retriable(), "{error}");
        let creation = CreateTopicsRequest {
            topics: vec![crate::fixture::creatable("u", 1, 1, &[])],
            ..CreateTopicsRequest::default()
        };
        let created = client.call(7, creation).await;
        assert_eq!(created.topics[0].error_code, ErrorCode::KafkaStorageError);
    });
}
