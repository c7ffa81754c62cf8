//! ListOffsets and OffsetForLeaderEpoch.

use crate::client::Client;
use crate::fixture::{fetch_request, only, produce, world_with};
use crate::records::{batch, timed};
use crate::world::START;
use kafka_wire::compression::Compression;
use kafka_wire::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsTopic,
};
use kafka_wire::messages::offset_for_leader_epoch::{
    OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_wire::{ErrorCode, Str};

const NEWEST_BY_NAME: i16 = 12;

async fn list(client: &mut Client, version: i16, timestamp: i64) -> ListOffsetsPartitionResponse {
    list_in_epoch(client, version, timestamp, -1).await
}

async fn list_in_epoch(
    client: &mut Client,
    version: i16,
    timestamp: i64,
    current_leader_epoch: i32,
) -> ListOffsetsPartitionResponse {
    let request = ListOffsetsRequest {
        replica_id: -1,
        topics: vec![ListOffsetsTopic {
            name: Str::from("t"),
            partitions: vec![ListOffsetsPartition {
                timestamp,
                current_leader_epoch,
                ..ListOffsetsPartition::default()
            }],
        }],
        ..ListOffsetsRequest::default()
    };
    client.call(version, request).await.topics[0].partitions[0].clone()
}

fn place(found: &ListOffsetsPartitionResponse) -> (ErrorCode, i64, i64, i32) {
    (
        found.error_code,
        found.offset,
        found.timestamp,
        found.leader_epoch,
    )
}

/// Item 1: the epoch is the record's, and -1 where there is no record.
#[test]
fn list_offsets_gives_the_epoch_of_the_record() {
    let world = world_with("t", 1);
    world.run(async {
        let mut client = world.client();
        for timestamp in [-1, -2, -4] {
            let found = list(&mut client, 11, timestamp).await;
            assert_eq!(
                place(&found),
                (ErrorCode::None, 0, -1, -1),
                "an empty partition"
            );
        }
        let nothing = (ErrorCode::None, -1, -1, -1);
        for timestamp in [-3, -5, -6, START] {
            assert_eq!(place(&list(&mut client, 11, timestamp).await), nothing);
        }
        let records = timed(&[START + 30, START + 10], Compression::None);
        produce(&mut client, "t", 0, records).await;
    });
    let world = world.restarted();
    world.run(async {
        let mut client = world.client();
        let records = timed(&[START + 20, START + 40], Compression::Gzip);
        produce(&mut client, "t", 0, records).await;
        for (timestamp, offset, at, epoch) in [
            (-1, 4, -1, 1),
            (-2, 0, -1, 0),
            (-3, 3, START + 40, 1),
            (-4, 0, -1, 0),
            (-5, -1, -1, -1),
            (-6, -1, -1, -1),
            (START, 0, START + 30, 0),
            (START + 31, 3, START + 40, 1),
            (START + 41, -1, -1, -1),
        ] {
            let found = list(&mut client, 11, timestamp).await;
            assert_eq!(
                place(&found),
                (ErrorCode::None, offset, at, epoch),
                "{timestamp}"
            );
        }
    });
}

#[test]
fn special_timestamps_exist_from_their_versions_on() {
    let world = world_with("t", 1);
    world.run(async {
        let mut client = world.client();
        for (timestamp, since) in [(-3, 7), (-4, 8), (-5, 9), (-6, 11)] {
            let found = list(&mut client, since, timestamp).await;
            assert_eq!(found.error_code, ErrorCode::None);
            let found = list(&mut client, since - 1, timestamp).await;
            assert_eq!(found.error_code, ErrorCode::UnsupportedVersion);
        }
        let found = list(&mut client, 11, -7).await;
        assert_eq!(found.error_code, ErrorCode::UnsupportedVersion);
    });
}

/// Item 2, and the fencing of clients with another idea of the leader's epoch.
#[test]
fn leader_epochs_end_where_the_next_begins() {
    let mut world = world_with("t", 1);
    for _ in 0..3 {
        world.run(async {
            produce(&mut world.client(), "t", 0, batch(&["a", "b"])).await;
        });
        world = world.restarted();
    }
    world.run(async {
        let mut client = world.client();
        let ask = |leader_epoch, current_leader_epoch| OffsetForLeaderEpochRequest {
            topics: vec![OffsetForLeaderTopic {
                topic: Str::from("t"),
                partitions: vec![OffsetForLeaderPartition {
                    leader_epoch,
                    current_leader_epoch,
                    ..OffsetForLeaderPartition::default()
                }],
            }],
            ..OffsetForLeaderEpochRequest::default()
        };
        // Records were written under the epochs 0 to 2; now it is 3.
        for (epoch, known, end) in [
            (0, 0, 2),
            (1, 1, 4),
            (2, 2, 6),
            (3, 3, 6),
            (4, -1, -1),
            (-1, -1, -1),
        ] {
            let answer = client.call(4, ask(epoch, -1)).await;
            let found = &answer.topics[0].partitions[0];
            assert_eq!(
                (found.leader_epoch, found.end_offset),
                (known, end),
                "{epoch}"
            );
        }
        for (current, error) in [
            (2, ErrorCode::FencedLeaderEpoch),
            (3, ErrorCode::None),
            (4, ErrorCode::UnknownLeaderEpoch),
        ] {
            let answer = client.call(4, ask(1, current)).await;
            assert_eq!(answer.topics[0].partitions[0].error_code, error);
            let found = list_in_epoch(&mut client, 11, -1, current).await;
            assert_eq!(found.error_code, error);
            let mut fetch = fetch_request("t", &[(0, 0)]);
            fetch.topics[0].partitions[0].current_leader_epoch = current;
            let answer = client.call(NEWEST_BY_NAME, fetch).await;
            let data = only(answer);
            assert_eq!(data.error_code, error);
            let named = (error == ErrorCode::FencedLeaderEpoch).then_some((1, 3));
            let leader = (
                data.current_leader.leader_id,
                data.current_leader.leader_epoch,
            );
            assert_eq!(leader, named.unwrap_or((-1, -1)));
        }
    });
}
