//! Fetch: limits, waiting, and the forms that versions know.

use crate::fixture::{bytes_of, create, fetch_request, only, produce, produce_request, world_with};
use crate::records::{batch, compressed, read_batches, read_set};
use bytes::{Buf, Bytes};
use futures_util::FutureExt;
use futures_util::future::join;
use kafka_wire::compression::Compression;
use kafka_wire::messages::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use kafka_wire::messages::delete_topics::DeleteTopicsRequest;
use kafka_wire::messages::fetch::{FetchRequest, FetchTopic};
use kafka_wire::{ErrorCode, Str, encode_request};

const NEWEST_BY_NAME: i16 = 12;

/// Item 7: a fetch inside of a batch gets all of it.
#[test]
fn a_fetch_inside_of_a_batch_gets_the_whole_batch() {
    let world = world_with("t", 1);
    world.run(async {
        let mut client = world.client();
        produce(&mut client, "t", 0, batch(&["a", "b", "c"])).await;
        for version in 4..=NEWEST_BY_NAME {
            let data = only(client.call(version, fetch_request("t", &[(0, 2)])).await);
            assert_eq!(read_batches(&bytes_of(&data)).len(), 3);
        }
    });
}

/// Item 8: less than `max_bytes` cannot be waited for, and the first batch is given however large it is.
#[test]
fn limits_never_keep_the_first_batch_away() {
    let world = world_with("t", 3);
    world.run(async {
        let mut client = world.client();
        for partition in 0..3 {
            for value in ["a", "b"] {
                produce(&mut client, "t", partition, batch(&[value])).await;
            }
        }
        let one = batch(&["a"]).len();
        let before = world.elapsed_ms();
        let cases = [
            // max_bytes, partition_max_bytes, min_bytes, batches of each partition
            (1, 1 << 20, 1000, [1, 0, 0]),
            (1 << 20, 1, 1, [1, 0, 0]),
            (one * 3, 1 << 20, 1 << 20, [2, 1, 0]),
            (one * 2, one, 1, [1, 1, 0]),
            (1 << 20, one, 1, [1, 1, 1]),
            (0, 0, 1, [1, 0, 0]),
        ];
        for (max_bytes, partition_max_bytes, min_bytes, expected) in cases {
            let mut request = fetch_request("t", &[(0, 0), (1, 0), (2, 0)]);
            request.max_bytes = i32::try_from(max_bytes).unwrap();
            request.min_bytes = min_bytes;
            request.max_wait_ms = 60_000;
            for partition in &mut request.topics[0].partitions {
                partition.partition_max_bytes = i32::try_from(partition_max_bytes).unwrap();
            }
            let response = client.call(NEWEST_BY_NAME, request).await;
            let counts = response.responses[0]
                .partitions
                .iter()
                .map(|data| read_batches(&bytes_of(data)).len());
            assert!(
                counts.eq(expected),
                "{max_bytes} {partition_max_bytes} {min_bytes}"
            );
        }
        assert_eq!(world.elapsed_ms(), before, "nothing was waited for");
    });
}

/// Before version 3 a message that does not fit is cut, and the client asks again with more room.
#[test]
fn old_clients_get_a_part_of_a_message_that_is_too_large() {
    let world = world_with("t", 1);
    world.run(async {
        let mut client = world.client();
        let value = "x".repeat(1000);
        produce(&mut client, "t", 0, batch(&[&value])).await;
        for version in [0, 1, 2] {
            let mut request = fetch_request("t", &[(0, 0)]);
            request.topics[0].partitions[0].partition_max_bytes = 100;
            let records = bytes_of(&only(client.call(version, request).await));
            assert_eq!((records.len(), read_set(&records)), (100, Vec::new()));
        }
        let mut request = fetch_request("t", &[(0, 0)]);
        request.topics[0].partitions[0].partition_max_bytes = 100;
        let records = bytes_of(&only(client.call(3, request).await));
        assert_eq!(read_set(&records), [(0, value)]);
    });
}

#[test]
fn zstd_is_kept_from_clients_that_do_not_know_it() {
    let world = world_with("t", 1);
    world.run(async {
        let mut client = world.client();
        produce(&mut client, "t", 0, batch(&["plain"])).await;
        produce(
            &mut client,
            "t",
            0,
            compressed(&["packed"], Compression::Zstd),
        )
        .await;
        for version in 0..10 {
            let data = only(client.call(version, fetch_request("t", &[(0, 1)])).await);
            assert_eq!(data.error_code, ErrorCode::UnsupportedCompressionType);
            let data = only(client.call(version, fetch_request("t", &[(0, 0)])).await);
            assert_eq!(
                data.error_code,
                ErrorCode::None,
                "up to there it can be read"
            );
        }
        let data = only(client.call(10, fetch_request("t", &[(0, 0)])).await);
        assert_eq!(read_batches(&bytes_of(&data)).len(), 2);
    });
}

#[test]
fn offsets_outside_of_the_log_are_errors_at_once() {
    let world = world_with("t", 1);
    world.run(async {
        let mut client = world.client();
        for value in ["a", "b", "c"] {
            produce(&mut client, "t", 0, batch(&[value])).await;
        }
        let trim = DeleteRecordsRequest {
            topics: vec![DeleteRecordsTopic {
                name: Str::from("t"),
                partitions: vec![DeleteRecordsPartition {
                    partition_index: 0,
                    offset: 1,
                }],
            }],
            ..DeleteRecordsRequest::default()
        };
        client.call(2, trim).await;
        let before = world.elapsed_ms();
        for (offset, error) in [
            (0, ErrorCode::OffsetOutOfRange),
            (1, ErrorCode::None),
            (4, ErrorCode::OffsetOutOfRange),
            (-1, ErrorCode::OffsetOutOfRange),
        ] {
            let mut request = fetch_request("t", &[(0, offset)]);
            request.max_wait_ms = 1000;
            let data = only(client.call(NEWEST_BY_NAME, request).await);
            assert_eq!(data.error_code, error, "{offset}");
            let start = if error.is_error() { -1 } else { 1 };
            assert_eq!(data.log_start_offset, start);
        }
        assert_eq!(world.elapsed_ms(), before);
    });
}

fn waiting(min_bytes: i32, max_wait_ms: i32) -> FetchRequest {
    FetchRequest {
        min_bytes,
        max_wait_ms,
        ..fetch_request("t", &[(0, 0), (1, 0)])
    }
}

#[test]
fn a_long_poll_ends_with_the_first_record_or_with_its_time() {
    let world = world_with("t", 2);
    world.run(async {
        let before = world.elapsed_ms();
        let response = world.client().call(NEWEST_BY_NAME, waiting(1, 500)).await;
        assert_eq!(world.elapsed_ms() - before, 500);
        assert!(
            response.responses[0]
                .partitions
                .iter()
                .all(|data| bytes_of(data).is_empty())
        );
    });
    world.run(async {
        let before = world.elapsed_ms();
        let (mut consumer, mut producer) = (world.client(), world.client());
        let fetch = consumer.call(NEWEST_BY_NAME, waiting(1, 500));
        let (response, _) = join(fetch, produce(&mut producer, "t", 1, batch(&["a"]))).await;
        assert_eq!(world.elapsed_ms(), before);
        assert_eq!(
            bytes_of(&response.responses[0].partitions[1]).len(),
            batch(&["a"]).len()
        );
    });
}

#[test]
fn a_long_poll_waits_for_as_much_as_it_asks_for() {
    let world = world_with("t", 2);
    let one = i32::try_from(batch(&["a"]).len()).unwrap();
    world.run(async {
        let before = world.elapsed_ms();
        let (mut consumer, mut producer) = (world.client(), world.client());
        let fetch = consumer.call(NEWEST_BY_NAME, waiting(one * 3, 10_000));
        let clock = world.clock.clone();
        let produce_three = async {
            use base::Clock;
            for partition in [0, 1, 0] {
                clock
                    .sleep_until(clock.now() + std::time::Duration::from_millis(100))
                    .await;
                produce(&mut producer, "t", partition, batch(&["a"])).await;
            }
        };
        let (response, ()) = join(fetch, produce_three).await;
        assert_eq!(world.elapsed_ms() - before, 300);
        let partitions = &response.responses[0].partitions;
        let bytes: usize = partitions.iter().map(|data| bytes_of(data).len()).sum();
        assert_eq!(bytes, usize::try_from(one * 3).unwrap());
    });
}

/// A topic that is deleted ends the polls of those who wait for it; so does a client that goes away.
#[test]
fn a_long_poll_ends_with_its_topic() {
    let world = world_with("t", 2);
    world.run(async {
        let before = world.elapsed_ms();
        let (mut consumer, mut admin) = (world.client(), world.client());
        let deletion = DeleteTopicsRequest {
            topic_names: vec![Str::from("t")],
            ..DeleteTopicsRequest::default()
        };
        let fetch = consumer.call(NEWEST_BY_NAME, waiting(1, 10_000));
        let (response, _) = join(fetch, admin.call(5, deletion)).await;
        let error = response.responses[0].partitions[0].error_code;
        assert_eq!(error, ErrorCode::UnknownTopicOrPartition);
        assert_eq!(world.elapsed_ms(), before);
    });
}

/// Clients that go away while they wait leave no bell behind at the partitions that they waited for.
#[test]
fn a_long_poll_that_is_dropped_leaves_nothing_behind() {
    let world = world_with("t", 2);
    let mut consumer = world.client();
    let mut give_up = || {
        world.run(async {
            let fetch = consumer.call(NEWEST_BY_NAME, waiting(1, 10_000));
            assert!(fetch.now_or_never().is_none(), "it waits");
        });
    };
    give_up();
    let left = allocation_counter::measure(|| (0..1000).for_each(|_| give_up()));
    assert_eq!(left.count_current, 0, "{left:?}");
    world.run(async {
        let mut producer = world.client();
        produce(&mut producer, "t", 0, batch(&["a"])).await;
        let response = consumer.call(NEWEST_BY_NAME, waiting(1, 10_000)).await;
        assert_eq!(
            read_batches(&bytes_of(&response.responses[0].partitions[0])).len(),
            1
        );
    });
}

/// Record bytes are those of the log, not copies.
#[test]
fn fetched_records_are_not_copied() {
    let world = world_with("t", 1);
    world.run(async {
        let mut client = world.client();
        let value = "x".repeat(2000);
        for _ in 0..3 {
            produce(&mut client, "t", 0, batch(&[&value])).await;
        }
        let mut pieces = Vec::new();
        for _ in 0..2 {
            let request = fetch_request("t", &[(0, 0)]);
            let reply = client.begin(NEWEST_BY_NAME, &request).await.unwrap();
            let response = reply.finish().await.unwrap().expect("a response");
            let large = response.chunks().filter(|chunk| chunk.len() > 2000);
            pieces.push(large.cloned().collect::<Vec<Bytes>>());
        }
        assert_eq!(pieces[0].len(), 3);
        for (first, second) in pieces[0].iter().zip(&pieces[1]) {
            assert_eq!(
                first.as_ptr(),
                second.as_ptr(),
                "both are slices of the log"
            );
        }
    });
}

/// Item 10: a topic that is made again under its old name is another topic.
#[test]
fn a_topic_made_again_has_another_id_and_no_records() {
    let world = world_with("t", 1);
    world.run(async {
        let mut client = world.client();
        let old = create(&mut client, "again", 1, &[]).await;
        produce(&mut client, "again", 0, batch(&["old"])).await;
        let deletion = DeleteTopicsRequest {
            topic_names: vec![Str::from("again")],
            ..DeleteTopicsRequest::default()
        };
        client.call(5, deletion).await;
        let new = create(&mut client, "again", 1, &[]).await;
        assert_ne!(old, new);
        for (id, error) in [(old, ErrorCode::UnknownTopicId), (new, ErrorCode::None)] {
            let mut request = fetch_request("", &[(0, 0)]);
            request.topics[0].topic_id = id;
            let data = only(client.call(18, request).await);
            assert_eq!((data.error_code, bytes_of(&data).len()), (error, 0));
        }
        let answer = produce(&mut client, "again", 0, batch(&["new"])).await;
        assert_eq!(answer.base_offset, 0);
    });
}

/// What was acknowledged is there after a kill, and a consumer goes on where it was.
#[test]
fn records_survive_a_kill() {
    let mut world = world_with("t", 1);
    for round in 0..3 {
        world.run(async {
            let mut client = world.client();
            let value = round.to_string();
            let answer = produce(&mut client, "t", 0, batch(&[&value])).await;
            assert_eq!(answer.base_offset, round);
        });
        world = world.restarted();
        world.run(async {
            let data = only(
                world
                    .client()
                    .call(NEWEST_BY_NAME, fetch_request("t", &[(0, 0)]))
                    .await,
            );
            let expected: Vec<_> = (0..=round).map(|at| (at, at.to_string())).collect();
            assert_eq!(read_batches(&bytes_of(&data)), expected);
        });
    }
}

#[test]
fn many_partitions_are_grouped_by_topic() {
    let world = world_with("t", 2);
    world.run(async {
        let mut client = world.client();
        create(&mut client, "u", 1, &[]).await;
        let mut request = fetch_request("t", &[(0, 0), (1, 0)]);
        let other = FetchTopic {
            topic: Str::from("u"),
            ..request.topics[0].clone()
        };
        request.topics.push(other);
        let response = client.call(NEWEST_BY_NAME, request).await;
        let shape: Vec<_> = response
            .responses
            .iter()
            .map(|topic| (topic.topic.to_string(), topic.partitions.len()))
            .collect();
        assert_eq!(shape, [("t".to_owned(), 2), ("u".to_owned(), 2)]);
        let missing = response.responses[1].partitions[1].error_code;
        assert_eq!(missing, ErrorCode::UnknownTopicOrPartition);
    });
}

/// A response that holds nothing large is one buffer, with its length in front.
#[test]
fn frames_carry_their_length() {
    let world = world_with("t", 1);
    world.run(async {
        let mut client = world.client();
        let request = produce_request("t", 0, -1, batch(&["a"]));
        let encoded = encode_request(9, 1, None, &request).unwrap().into_bytes();
        let reply = client.raw(encoded.slice(4..)).await.unwrap();
        let mut bytes = reply.expect("a response");
        assert_eq!(bytes.get_i32(), 1, "the correlation id");
    });
}
