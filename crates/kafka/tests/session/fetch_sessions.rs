//! Incremental fetch sessions (KIP-227).

use crate::client::Client;
use crate::fixture::{create, fetch_request, produce, world_with};
use crate::records::batch;
use crate::world::World;
use kafka::Settings;
use kafka_wire::messages::fetch::{FetchRequest, FetchResponse, ForgottenTopic};
use kafka_wire::{ErrorCode, Str};

const NEWEST_BY_NAME: i16 = 12;

struct Incremental<'a> {
    client: &'a mut Client,
    session_id: i32,
    session_epoch: i32,
}

impl Incremental<'_> {
    async fn open<'a>(
        client: &'a mut Client,
        wanted: &[(i32, i64)],
    ) -> (Incremental<'a>, FetchResponse) {
        let request = FetchRequest {
            session_epoch: 0,
            ..fetch_request("t", wanted)
        };
        let response = client.call(NEWEST_BY_NAME, request).await;
        assert_ne!(response.session_id, 0);
        let session = Incremental {
            client,
            session_id: response.session_id,
            session_epoch: 1,
        };
        (session, response)
    }

    async fn next(&mut self, request: FetchRequest) -> FetchResponse {
        let request = FetchRequest {
            session_id: self.session_id,
            session_epoch: self.session_epoch,
            ..request
        };
        self.session_epoch += 1;
        self.client.call(NEWEST_BY_NAME, request).await
    }
}

fn nothing_new() -> FetchRequest {
    FetchRequest {
        topics: Vec::new(),
        ..fetch_request("t", &[])
    }
}

fn indexes(response: &FetchResponse) -> Vec<i32> {
    let partitions = response
        .responses
        .iter()
        .flat_map(|topic| &topic.partitions);
    partitions.map(|data| data.partition_index).collect()
}

#[test]
fn an_incremental_fetch_tells_only_what_is_new() {
    let world = world_with("t", 4);
    world.run(async {
        let (mut client, mut producer) = (world.client(), world.client());
        let (mut session, first) =
            Incremental::open(&mut client, &[(0, 0), (1, 0), (2, 0), (3, 0)]).await;
        assert_eq!(indexes(&first), [0, 1, 2, 3]);
        assert_eq!(indexes(&session.next(nothing_new()).await), []);
        produce(&mut producer, "t", 2, batch(&["a"])).await;
        produce(&mut producer, "t", 1, batch(&["b"])).await;
        // Told until the client says that it has read on, in turns.
        assert_eq!(indexes(&session.next(nothing_new()).await), [1, 2]);
        assert_eq!(indexes(&session.next(nothing_new()).await), [1, 2]);
        let response = session.next(fetch_request("t", &[(1, 1)])).await;
        assert_eq!(
            indexes(&response),
            [2],
            "1 was told before and has nothing new"
        );
        let forget = FetchRequest {
            forgotten_topics_data: vec![ForgottenTopic {
                topic: Str::from("t"),
                partitions: vec![2],
                ..ForgottenTopic::default()
            }],
            ..nothing_new()
        };
        assert_eq!(indexes(&session.next(forget).await), []);
        produce(&mut producer, "t", 3, batch(&["c"])).await;
        assert_eq!(indexes(&session.next(nothing_new()).await), [3]);
        let close = FetchRequest {
            session_epoch: -1,
            session_id: session.session_id,
            max_wait_ms: 10_000,
            ..nothing_new()
        };
        let before = world.elapsed_ms();
        let closed = client.call(NEWEST_BY_NAME, close).await;
        assert_eq!((closed.session_id, closed.error_code), (0, ErrorCode::None));
        assert_eq!(world.elapsed_ms(), before, "there is nothing to wait for");
        assert_eq!(world.broker.fetch_session_count(), 0);
    });
}

/// A partition that gave records lets the others go first next time.
#[test]
fn partitions_of_a_session_take_turns() {
    let world = world_with("t", 2);
    world.run(async {
        let (mut client, mut producer) = (world.client(), world.client());
        for partition in [0, 1] {
            produce(&mut producer, "t", partition, batch(&["a"])).await;
        }
        let (mut session, _) = Incremental::open(&mut client, &[(0, 0), (1, 0)]).await;
        let one_batch = || FetchRequest {
            max_bytes: 1,
            ..nothing_new()
        };
        let mut turns = Vec::new();
        for _ in 0..4 {
            turns.extend(indexes(&session.next(one_batch()).await));
        }
        assert_eq!(turns, [0, 1, 0, 1]);
    });
}

/// Item 9: also with nothing to tell, the time is waited for.
#[test]
fn an_empty_incremental_fetch_waits() {
    let world = world_with("t", 2);
    world.run(async {
        let mut client = world.client();
        let (mut session, _) = Incremental::open(&mut client, &[(0, 0), (1, 0)]).await;
        let poll = || FetchRequest {
            max_wait_ms: 700,
            ..nothing_new()
        };
        let before = world.elapsed_ms();
        assert_eq!(indexes(&session.next(poll()).await), []);
        assert_eq!(world.elapsed_ms() - before, 700);
        let forget = FetchRequest {
            forgotten_topics_data: vec![ForgottenTopic {
                topic: Str::from("t"),
                partitions: vec![0, 1],
                ..ForgottenTopic::default()
            }],
            ..poll()
        };
        let response = session.next(forget).await;
        assert_eq!(
            (response.session_id, response.error_code),
            (0, ErrorCode::None)
        );
        assert_eq!(world.elapsed_ms() - before, 1400);
    });
}

#[test]
fn sessions_that_are_not_what_the_client_thinks_are_refused() {
    let world = world_with("t", 1);
    world.run(async {
        let mut client = world.client();
        let (mut session, _) = Incremental::open(&mut client, &[(0, 0)]).await;
        session.session_epoch = 7;
        let response = session.next(nothing_new()).await;
        assert_eq!(response.error_code, ErrorCode::InvalidFetchSessionEpoch);
        session.session_epoch = 1;
        assert_eq!(
            session.next(nothing_new()).await.error_code,
            ErrorCode::None
        );
        let by_id = FetchRequest {
            session_id: session.session_id,
            session_epoch: 2,
            ..nothing_new()
        };
        let response = client.call(13, by_id).await;
        assert_eq!(response.error_code, ErrorCode::FetchSessionTopicIdError);
        let unknown = FetchRequest {
            session_id: 12345,
            session_epoch: 1,
            ..nothing_new()
        };
        let response = client.call(NEWEST_BY_NAME, unknown).await;
        assert_eq!(response.error_code, ErrorCode::FetchSessionIdNotFound);
    });
}

#[test]
fn sessions_are_bounded_and_idle_ones_make_room() {
    let world = World::with(Settings {
        max_incremental_fetch_session_cache_slots: 2,
        ..Settings::default()
    });
    let open = async || {
        let request = FetchRequest {
            session_epoch: 0,
            ..fetch_request("t", &[(0, 0)])
        };
        world
            .client()
            .call(NEWEST_BY_NAME, request)
            .await
            .session_id
    };
    world.run(async {
        create(&mut world.client(), "t", 1, &[]).await;
        assert_ne!(open().await, 0);
        assert_ne!(open().await, 0);
        assert_eq!(open().await, 0, "there is no room, so there is no session");
    });
    world.pass(std::time::Duration::from_secs(121));
    assert_ne!(world.run(open()), 0);
    assert_eq!(world.broker.fetch_session_count(), 2);
}
