//! The APIs of groups.

use super::Tour;
use crate::fixture::{commit, join, sync};
use crate::world::NODE;
use kafka_wire::messages::delete_groups::DeleteGroupsRequest;
use kafka_wire::messages::describe_groups::DescribeGroupsRequest;
use kafka_wire::messages::find_coordinator::FindCoordinatorRequest;
use kafka_wire::messages::heartbeat::HeartbeatRequest;
use kafka_wire::messages::leave_group::{LeaveGroupRequest, MemberIdentity};
use kafka_wire::messages::list_groups::ListGroupsRequest;
use kafka_wire::messages::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use kafka_wire::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_wire::{ErrorCode, Str};

pub(super) fn join_group(tour: &mut Tour) {
    tour.every(
        |_, _| join("another", &Str::default()),
        |_, version, response| {
            if version >= 4 {
                assert_eq!(response.error_code, ErrorCode::MemberIdRequired);
            } else {
                assert_eq!(response.error_code, ErrorCode::None);
                assert_eq!((response.generation_id, response.members.len()), (1, 1));
                assert_eq!(response.leader, response.member_id);
            }
            assert!(!response.member_id.is_empty());
        },
    );
}

pub(super) fn sync_group(tour: &mut Tour) {
    tour.every(
        |fixture, _| sync("g", &fixture.member_id, 1, &[]),
        |_, version, response| {
            assert_eq!(response.error_code, ErrorCode::None);
            assert_eq!(response.assignment, "everything");
            let name = (version >= 5).then(|| Str::from("range"));
            assert_eq!(response.protocol_name, name);
        },
    );
}

pub(super) fn heartbeat(tour: &mut Tour) {
    tour.every(
        |fixture, _| HeartbeatRequest {
            group_id: Str::from("g"),
            generation_id: 1,
            member_id: fixture.member_id.clone(),
            ..HeartbeatRequest::default()
        },
        |_, _, response| assert_eq!(response.error_code, ErrorCode::None),
    );
}

pub(super) fn leave_group(tour: &mut Tour) {
    tour.every(
        |fixture, _| LeaveGroupRequest {
            group_id: Str::from("g"),
            member_id: fixture.member_id.clone(),
            members: vec![MemberIdentity {
                member_id: fixture.member_id.clone(),
                ..MemberIdentity::default()
            }],
        },
        |fixture, version, response| {
            assert_eq!(response.error_code, ErrorCode::None);
            if version >= 3 {
                assert_eq!(response.members[0].error_code, ErrorCode::None);
                assert_eq!(response.members[0].member_id, fixture.member_id);
            }
        },
    );
}

pub(super) fn describe_groups(tour: &mut Tour) {
    tour.every(
        |_, version| DescribeGroupsRequest {
            groups: vec![Str::from("g"), Str::from("nobody")],
            include_authorized_operations: version >= 3,
        },
        |_, version, response| {
            let [group, nobody] = &response.groups[..] else {
                panic!("two groups");
            };
            assert_eq!(group.error_code, ErrorCode::None);
            assert_eq!(
                (&*group.group_state, &*group.protocol_data),
                ("Stable", "range")
            );
            let member = &group.members[0];
            assert_eq!(
                (&*member.client_id, &*member.client_host),
                ("test", "/192.0.2.7")
            );
            assert_eq!(group.authorized_operations == i32::MIN, version < 3);
            assert_eq!(nobody.group_state, "Dead");
            assert_eq!(nobody.error_code.is_error(), version >= 6);
        },
    );
}

pub(super) fn list_groups(tour: &mut Tour) {
    tour.every(
        |_, _| ListGroupsRequest::default(),
        |_, version, response| {
            let group = &response.groups[0];
            assert_eq!((&*group.group_id, &*group.protocol_type), ("g", "consumer"));
            assert_eq!(
                &*group.group_state,
                if version >= 4 { "Stable" } else { "" }
            );
            assert_eq!(
                &*group.group_type,
                if version >= 5 { "classic" } else { "" }
            );
        },
    );
}

pub(super) fn delete_groups(tour: &mut Tour) {
    tour.every(
        |_, _| DeleteGroupsRequest {
            groups_names: vec![Str::from("g"), Str::from("nobody")],
        },
        |_, _, response| {
            let errors = response.results.iter().map(|result| result.error_code);
            assert!(errors.eq([ErrorCode::NonEmptyGroup, ErrorCode::GroupIdNotFound]));
        },
    );
}

pub(super) fn find_coordinator(tour: &mut Tour) {
    tour.every(
        |_, version| FindCoordinatorRequest {
            key: Str::from("g"),
            coordinator_keys: if version >= 4 {
                vec![Str::from("g"), Str::from("h")]
            } else {
                Vec::new()
            },
            ..FindCoordinatorRequest::default()
        },
        |_, version, response| {
            let found = if version < 4 {
                assert_eq!(response.error_code, ErrorCode::None);
                vec![(response.node_id, response.host, response.port)]
            } else {
                let found = response.coordinators.into_iter();
                found.map(|at| (at.node_id, at.host, at.port)).collect()
            };
            let here = (NODE, Str::from("127.0.0.1"), 9092);
            assert_eq!(found, vec![here; if version < 4 { 1 } else { 2 }]);
        },
    );
}

pub(super) fn offset_commit(tour: &mut Tour) {
    tour.every(
        |fixture, version| {
            let mut request = commit("g", &fixture.member_id, 1, "t", 0, 3);
            request.topics[0].topic_id = fixture.topic_id;
            if version == 0 {
                // Without a member, as old clients that keep their offsets by themselves commit.
                request.group_id = Str::from("simple");
            }
            request
        },
        |_, version, response| {
            let partition = &response.topics[0].partitions[0];
            assert_eq!(partition.error_code, ErrorCode::None, "version {version}");
        },
    );
}

pub(super) fn offset_fetch(tour: &mut Tour) {
    tour.every(
        |fixture, version| OffsetFetchRequest {
            group_id: Str::from("g"),
            topics: Some(vec![OffsetFetchRequestTopic {
                name: Str::from("t"),
                partition_indexes: vec![0, 1],
            }]),
            groups: if version >= 8 {
                vec![OffsetFetchRequestGroup {
                    group_id: Str::from("g"),
                    topics: Some(vec![OffsetFetchRequestTopics {
                        name: Str::from("t"),
                        topic_id: fixture.topic_id,
                        partition_indexes: vec![0, 1],
                    }]),
                    ..OffsetFetchRequestGroup::default()
                }]
            } else {
                Vec::new()
            },
            require_stable: version >= 7,
        },
        |_, version, response| {
            let note = |offset: i64| if offset < 0 { "" } else { "note" };
            let found: Vec<_> = if version < 8 {
                let partitions = response.topics[0].partitions.iter();
                partitions
                    .map(|at| (at.error_code, at.committed_offset, at.metadata.clone()))
                    .collect()
            } else {
                assert_eq!(response.groups[0].error_code, ErrorCode::None);
                let partitions = response.groups[0].topics[0].partitions.iter();
                partitions
                    .map(|at| (at.error_code, at.committed_offset, at.metadata.clone()))
                    .collect()
            };
            let expected = [2, -1].map(|at| (ErrorCode::None, at, Some(Str::from(note(at)))));
            assert_eq!(found, expected, "version {version}");
        },
    );
}

pub(super) fn offset_delete(tour: &mut Tour) {
    tour.every(
        |_, _| OffsetDeleteRequest {
            group_id: Str::from("g"),
            topics: vec![OffsetDeleteRequestTopic {
                name: Str::from("t"),
                partitions: vec![OffsetDeleteRequestPartition { partition_index: 0 }],
            }],
        },
        |_, _, response| {
            assert_eq!(response.error_code, ErrorCode::None);
            // The group has a member, and what that subscribes to cannot be told from its metadata.
            let partition = &response.topics[0].partitions[0];
            assert_eq!(partition.error_code, ErrorCode::GroupSubscribedToTopic);
        },
    );
}
