//! Produce: what is checked, what is acknowledged, and how retries are recognised.

use crate::fixture::{
    bytes_of, create, fetch_request, only, produce, produce_at, produce_request, world_with,
};
use crate::records::{
    batch, compressed, filled, message_set, read_batches, read_set, sequenced, timed,
};
use crate::world::{START, World};
use bytes::{Bytes, BytesMut};
use futures_util::future::join;
use kafka::{Close, Settings};
use kafka_wire::compression::Compression;
use kafka_wire::messages::init_producer_id::InitProducerIdRequest;
use kafka_wire::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use kafka_wire::messages::produce::{PartitionProduceData, ProduceRequest};
use kafka_wire::records::{BatchBuilder, HeadersView};
use kafka_wire::{ErrorCode, Str};
use std::time::Duration;
use store::SimFaults;

fn changed(batch: &Bytes, change: impl FnOnce(&mut BytesMut)) -> Bytes {
    let mut copy = BytesMut::from(&batch[..]);
    change(&mut copy);
    copy.freeze()
}

fn with_new_crc(batch: &Bytes, change: impl FnOnce(&mut BytesMut)) -> Bytes {
    changed(batch, |bytes| {
        change(bytes);
        let crc = crc32c::crc32c(&bytes[21..]);
        bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    })
}

type BadRecords = (&'static str, i16, Bytes, ErrorCode);

fn bad_bytes() -> Vec<BadRecords> {
    let good = batch(&["a", "b"]);
    let two = [good.clone(), good.clone()].concat();
    let attributes = |bits: u8| with_new_crc(&good, |bytes| bytes[22] |= bits);
    vec![
        (
            "a flipped bit",
            12,
            changed(&good, |b| b[70] ^= 1),
            ErrorCode::CorruptMessage,
        ),
        (
            "half a batch",
            12,
            good.slice(..40),
            ErrorCode::CorruptMessage,
        ),
        ("nothing", 12, Bytes::new(), ErrorCode::InvalidRecord),
        ("two batches", 12, two.into(), ErrorCode::InvalidRecord),
        (
            "magic 1 in version 3",
            3,
            message_set(1, &["a"]),
            ErrorCode::InvalidRecord,
        ),
        (
            "magic 7",
            12,
            changed(&good, |b| b[16] = 7),
            ErrorCode::InvalidRecord,
        ),
        (
            "a control batch",
            12,
            attributes(1 << 5),
            ErrorCode::InvalidRecord,
        ),
        (
            "LogAppendTime",
            12,
            attributes(1 << 3),
            ErrorCode::InvalidTimestamp,
        ),
    ]
}

fn bad_contents() -> Vec<BadRecords> {
    let hour = 3_600_000;
    let good = batch(&["a", "b"]);
    let attributes = |bits: u8| with_new_crc(&good, |bytes| bytes[22] |= bits);
    vec![
        (
            "a transaction",
            12,
            filled(
                BatchBuilder::new(Compression::None)
                    .producer(7, 0, 0)
                    .transactional(),
                &["a"],
            ),
            ErrorCode::InvalidTxnState,
        ),
        (
            "compression 6",
            12,
            attributes(6),
            ErrorCode::UnsupportedCompressionType,
        ),
        (
            "zstd before version 7",
            6,
            compressed(&["a"], Compression::Zstd),
            ErrorCode::UnsupportedCompressionType,
        ),
        (
            "a record of tomorrow",
            12,
            timed(&[START + hour + 60_000], Compression::None),
            ErrorCode::InvalidTimestamp,
        ),
        (
            "a wrong number of records",
            12,
            with_new_crc(&good, |b| b[60] = 9),
            ErrorCode::InvalidRecord,
        ),
        (
            "a message with a bad checksum",
            2,
            changed(&message_set(1, &["abc"]), |b| b[30] ^= 1),
            ErrorCode::CorruptMessage,
        ),
    ]
}

/// Each kind of bad records has its error, and leaves no record.
#[test]
fn bad_records_are_refused_and_nothing_is_written() {
    let world = world_with("t", 1);
    let cases = bad_bytes().into_iter().chain(bad_contents());
    world.run(async {
        let mut client = world.client();
        for (what, version, records, expected) in cases {
            let answer = produce_at(&mut client, version, "t", 0, records).await;
            assert_eq!(
                (answer.error_code, answer.base_offset),
                (expected, -1),
                "{what}"
            );
        }
        let answer = produce(&mut client, "t", 0, batch(&["a", "b"])).await;
        assert_eq!(
            (answer.error_code, answer.base_offset),
            (ErrorCode::None, 0)
        );
    });
}

#[test]
fn partitions_that_do_not_exist_and_wrong_acks_have_their_errors() {
    let world = world_with("t", 1);
    world.run(async {
        let mut client = world.client();
        for (topic, partition) in [("t", 1), ("t", -1), ("u", 0)] {
            let answer = produce(&mut client, topic, partition, batch(&["a"])).await;
            assert_eq!(answer.error_code, ErrorCode::UnknownTopicOrPartition);
        }
        let unknown = produce_request("t", 0, -1, batch(&["a"]));
        let answer = client.call(13, unknown).await;
        let partition = &answer.responses[0].partition_responses[0];
        assert_eq!(partition.error_code, ErrorCode::UnknownTopicId);
        let request = produce_request("t", 0, 2, batch(&["a"]));
        let answer = client.call(12, request).await;
        let partition = &answer.responses[0].partition_responses[0];
        assert_eq!(partition.error_code, ErrorCode::InvalidRequiredAcks);
    });
}

#[test]
fn one_bad_partition_does_not_keep_the_others_from_being_written() {
    let world = world_with("t", 3);
    world.run(async {
        let mut client = world.client();
        let mut request = produce_request("t", 0, -1, batch(&["a"]));
        let more = [(1, batch(&["b"]).slice(..50)), (2, batch(&["c"]))];
        let partitions = more.map(|(index, records)| PartitionProduceData {
            index,
            records: Some(records),
        });
        request.topic_data[0].partition_data.extend(partitions);
        let answer = client.call(9, request).await;
        let outcomes: Vec<_> = answer.responses[0]
            .partition_responses
            .iter()
            .map(|partition| (partition.index, partition.error_code, partition.base_offset))
            .collect();
        let expected = [
            (0, ErrorCode::None, 0),
            (1, ErrorCode::CorruptMessage, -1),
            (2, ErrorCode::None, 0),
        ];
        assert_eq!(outcomes, expected);
    });
}

#[test]
fn sizes_are_bounded_by_the_topics_settings() {
    let world = World::new();
    world.run(async {
        let mut client = world.client();
        let small = [("max.message.bytes", "100"), ("segment.bytes", "150")];
        create(&mut client, "small", 1, &small).await;
        let value = "x".repeat(60);
        let answer = produce(&mut client, "small", 0, batch(&[&value])).await;
        assert_eq!(answer.error_code, ErrorCode::MessageTooLarge);
        let answer = produce(&mut client, "small", 0, batch(&[&value, &value])).await;
        assert_eq!(answer.error_code, ErrorCode::RecordListTooLarge);
        let answer = produce(&mut client, "small", 0, batch(&["x"])).await;
        assert_eq!(answer.error_code, ErrorCode::None);
    });
}

/// Item 23: a compacted topic refuses records without a key, and says which.
#[test]
fn a_compacted_topic_refuses_records_without_keys() {
    let world = World::new();
    world.run(async {
        let mut client = world.client();
        create(&mut client, "t", 1, &[("cleanup.policy", "compact,delete")]).await;
        for compression in [Compression::None, Compression::Zstd] {
            let mut builder = BatchBuilder::new(compression);
            for key in [Some(&b"key"[..]), None, Some(b"key"), None] {
                builder
                    .push(START, key, Some(b"value"), HeadersView::default())
                    .unwrap();
            }
            let answer = produce(&mut client, "t", 0, builder.build().unwrap()).await;
            assert_eq!(answer.error_code, ErrorCode::InvalidRecord);
            let blamed = answer.record_errors.iter().map(|error| error.batch_index);
            assert!(blamed.eq([1, 3]));
        }
        let mut keyed = BatchBuilder::new(Compression::None);
        keyed
            .push(START, Some(b"key"), None, HeadersView::default())
            .unwrap();
        let answer = produce(&mut client, "t", 0, keyed.build().unwrap()).await;
        assert_eq!(
            (answer.error_code, answer.base_offset),
            (ErrorCode::None, 0)
        );
    });
}

/// Kafka's magic 0 and 1 become batches of magic 2 and come back in every form.
#[test]
fn message_sets_of_old_clients_are_converted_both_ways() {
    for (magic, version) in [(0, 0), (0, 1), (1, 2)] {
        let world = world_with("t", 1);
        world.run(async {
            let mut client = world.client();
            let set = message_set(magic, &["one", "two"]);
            let answer = produce_at(&mut client, version, "t", 0, set).await;
            assert_eq!(
                (answer.error_code, answer.base_offset),
                (ErrorCode::None, 0)
            );
            let expected = [(0, "one".to_owned()), (1, "two".to_owned())];
            for fetch in [0, 2, 3, 4, 12] {
                let data = only(client.call(fetch, fetch_request("t", &[(0, 0)])).await);
                let records = bytes_of(&data);
                let read = if fetch < 4 {
                    read_set(&records)
                } else {
                    read_batches(&records)
                };
                assert_eq!(read, expected, "produced in {version}, fetched in {fetch}");
            }
        });
        let counters = world.broker.counters();
        assert_eq!(counters.up_converted_batches.get(), 1);
        assert_eq!(counters.down_converted_fetches.get(), 3);
    }
}

/// Records without a timestamp are as old as their append, and not older than everything.
#[test]
fn records_without_timestamps_get_the_time_of_their_append() {
    let world = world_with("t", 1);
    world.pass(Duration::from_secs(60));
    world.run(async {
        let mut client = world.client();
        produce_at(&mut client, 0, "t", 0, message_set(0, &["a"])).await;
        let none = timed(&[-1], Compression::Gzip);
        produce(&mut client, "t", 0, none).await;
        world
            .log
            .retain(base::Timestamp(START + 60_000))
            .await
            .unwrap();
        let streams = world.log.streams();
        assert_eq!(streams[0].bounds().log_start, 0);
        assert_eq!(streams[0].max_timestamp(), Some(START + 60_000));
        let data = only(client.call(12, fetch_request("t", &[(0, 0)])).await);
        assert_eq!(read_batches(&bytes_of(&data)).len(), 2);
    });
}

#[test]
fn a_topic_of_log_append_time_is_stamped_by_the_broker() {
    let world = World::new();
    world.run(async {
        let mut client = world.client();
        let configs = [("message.timestamp.type", "LogAppendTime")];
        create(&mut client, "t", 1, &configs).await;
        // Any timestamp will do, because it does not count.
        let records = timed(&[START + 1_000_000_000], Compression::None);
        let answer = produce(&mut client, "t", 0, records).await;
        let now = START + i64::try_from(world.elapsed_ms()).unwrap();
        assert_eq!(
            (answer.error_code, answer.log_append_time_ms),
            (ErrorCode::None, now)
        );
    });
}

/// Item 4 of what foreign brokers got wrong: a retry of any of the last five batches gets the original offset.
#[test]
fn retries_of_the_last_five_batches_get_their_original_offsets() {
    let world = world_with("t", 1);
    world.run(async {
        let mut client = world.client();
        let response = client.call(5, InitProducerIdRequest::default()).await;
        let producer = (response.producer_id, response.producer_epoch);
        let numbered = |sequence| sequenced(&["x", "y"], producer, sequence);
        for (at, sequence) in [0, 2, 4, 6, 8, 10].into_iter().enumerate() {
            let answer = produce(&mut client, "t", 0, numbered(sequence)).await;
            assert_eq!(answer.error_code, ErrorCode::None);
            assert_eq!(answer.base_offset, 2 * i64::try_from(at).unwrap());
        }
        for sequence in [2, 4, 6, 8, 10] {
            let answer = produce(&mut client, "t", 0, numbered(sequence)).await;
            assert_eq!(answer.error_code, ErrorCode::None);
            assert_eq!(answer.base_offset, i64::from(sequence));
        }
        let gap = produce(&mut client, "t", 0, numbered(14)).await;
        assert_eq!(gap.error_code, ErrorCode::OutOfOrderSequenceNumber);
        let newer = sequenced(&["z"], (producer.0, 1), 0);
        let answer = produce(&mut client, "t", 0, newer).await;
        assert_eq!(
            (answer.error_code, answer.base_offset),
            (ErrorCode::None, 12)
        );
        let fenced = produce(&mut client, "t", 0, numbered(12)).await;
        assert_eq!(fenced.error_code, ErrorCode::InvalidProducerEpoch);
    });
}

/// The same, where the broker was killed between the write and its retry.
#[test]
fn a_retry_after_a_restart_is_recognised() {
    let world = world_with("t", 1);
    let records = sequenced(&["x"], (7, 0), 0);
    let original = world.run(async {
        let mut client = world.client();
        produce(&mut client, "t", 0, batch(&["before"])).await;
        produce(&mut client, "t", 0, records.clone()).await
    });
    let world = world.restarted();
    world.run(async {
        let mut client = world.client();
        let retry = produce(&mut client, "t", 0, records).await;
        assert_eq!(retry.error_code, ErrorCode::None);
        assert_eq!(retry.base_offset, original.base_offset);
        let next = produce(&mut client, "t", 0, sequenced(&["y"], (7, 0), 1)).await;
        assert_eq!(next.base_offset, 2);
    });
}

/// Item 5: sequences wrap from 2^31-1 to 0.
#[test]
fn sequences_wrap() {
    let world = world_with("t", 1);
    world.run(async {
        let mut client = world.client();
        for (sequence, expected) in [(i32::MAX - 1, 0), (0, 2), (2, 4)] {
            let records = sequenced(&["x", "y"], (7, 0), sequence);
            let answer = produce(&mut client, "t", 0, records).await;
            assert_eq!(
                (answer.error_code, answer.base_offset),
                (ErrorCode::None, expected)
            );
        }
    });
}

/// Item 6: a producer that was forgotten while it was idle goes on where it was.
#[test]
fn an_idle_producer_goes_on_after_its_state_has_expired() {
    let world = world_with("t", 1);
    world.run(async {
        let mut client = world.client();
        for sequence in [0, 1] {
            let records = sequenced(&["x"], (7, 0), sequence);
            let answer = produce(&mut client, "t", 0, records).await;
            assert_eq!(answer.error_code, ErrorCode::None);
        }
    });
    world.pass(Settings::default().producer_id_expiration + Duration::from_secs(1));
    world.run(async {
        use base::Clock;
        world.log.retain(world.clock.wall()).await.unwrap();
        let records = sequenced(&["x"], (7, 0), 2);
        let answer = produce(&mut world.client(), "t", 0, records).await;
        assert_eq!(
            (answer.error_code, answer.base_offset),
            (ErrorCode::None, 2)
        );
    });
}

/// Requests of one connection overlap until they are durable, and keep their order.
#[test]
fn pipelined_requests_keep_their_order() {
    let world = world_with("t", 1);
    world.run(async {
        let mut client = world.client();
        let mut replies = Vec::new();
        for number in 0..100 {
            let value = number.to_string();
            let request = produce_request("t", 0, -1, batch(&[&value]));
            replies.push(client.begin(9, &request).await.unwrap());
        }
        for reply in replies {
            reply.finish().await.unwrap().expect("a response");
        }
        let data = only(client.call(12, fetch_request("t", &[(0, 0)])).await);
        let expected: Vec<_> = (0..100).map(|at| (at, at.to_string())).collect();
        assert_eq!(read_batches(&bytes_of(&data)), expected);
    });
}

/// A client sees what it has written on the same connection, even if it wants no acknowledgement.
#[test]
fn a_request_behind_a_produce_sees_its_records() {
    let world = world_with("t", 1);
    world.run(async {
        let mut client = world.client();
        let request = produce_request("t", 0, 0, batch(&["a", "b"]));
        let reply = client.begin(9, &request).await.unwrap();
        let latest = ListOffsetsRequest {
            topics: vec![ListOffsetsTopic {
                name: Str::from("t"),
                partitions: vec![ListOffsetsPartition {
                    timestamp: -1,
                    ..ListOffsetsPartition::default()
                }],
            }],
            ..ListOffsetsRequest::default()
        };
        let (none, found) = join(reply.finish(), client.call(7, latest)).await;
        assert!(none.unwrap().is_none(), "acks=0 has no response");
        assert_eq!(found.topics[0].partitions[0].offset, 2);
    });
}

#[test]
fn records_without_acknowledgement_that_fail_end_the_connection() {
    let world = world_with("t", 1);
    world.run(async {
        let request = produce_request("t", 0, 0, batch(&["a"]).slice(..50));
        let reply = world.client().begin(9, &request).await.unwrap();
        let expected = Close::Unacknowledged {
            topic: "t".to_owned(),
            partition: 0,
            error: ErrorCode::CorruptMessage,
        };
        assert_eq!(reply.finish().await.unwrap_err(), expected);
    });
}

/// A full disk is a retriable error; reads go on, and so do writes once there is space.
#[test]
fn a_full_disk_is_a_retriable_error_and_heals() {
    let world = world_with("t", 1);
    world.run(async {
        let mut client = world.client();
        produce(&mut client, "t", 0, batch(&["a"])).await;
        world.disk.set_faults(SimFaults {
            capacity: Some(1 << 20),
            ..SimFaults::default()
        });
        world.log.look_after().await.unwrap();
        let refused = produce(&mut client, "t", 0, batch(&["b"])).await;
        assert_eq!(refused.error_code, ErrorCode::KafkaStorageError);
        assert!(refused.error_code.is_retriable());
        let data = only(client.call(12, fetch_request("t", &[(0, 0)])).await);
        assert_eq!(read_batches(&bytes_of(&data)).len(), 1);
        world.disk.set_faults(SimFaults::default());
        world.log.look_after().await.unwrap();
        let answer = produce(&mut client, "t", 0, batch(&["b"])).await;
        assert_eq!(
            (answer.error_code, answer.base_offset),
            (ErrorCode::None, 1)
        );
    });
}

#[test]
fn nothing_is_acknowledged_after_a_failed_sync() {
    let world = world_with("t", 1);
    world.run(async {
        world.disk.set_faults(SimFaults {
            sync_fails: true,
            ..SimFaults::default()
        });
        let mut client = world.client();
        for _ in 0..3 {
            let answer = produce(&mut client, "t", 0, batch(&["a"])).await;
            assert_eq!(answer.error_code, ErrorCode::KafkaStorageError);
        }
    });
}

/// A disk that hangs (here: one that filled up under way) is answered in the time that the producer gives.
#[test]
fn a_produce_that_takes_too_long_is_answered_in_time() {
    let world = world_with("t", 1);
    world.run(async {
        let before = world.elapsed_ms();
        world.disk.set_faults(SimFaults {
            capacity: Some(0),
            ..SimFaults::default()
        });
        let request = ProduceRequest {
            timeout_ms: 3_000,
            ..produce_request("t", 0, -1, batch(&["a"]))
        };
        let answer = world.client().call(9, request).await;
        let partition = &answer.responses[0].partition_responses[0];
        assert_eq!(partition.error_code, ErrorCode::RequestTimedOut);
        assert_eq!(world.elapsed_ms() - before, 3_000);
    });
}
