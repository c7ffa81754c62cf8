//! Requests and their answers, as RabbitMQ 3.10.8 gave them.

mod world;

use crate::{Answer, Head, Method};
use serde_json::{Value, json};
use world::{World, ask, ask_as, run};

/// Asks and compares the status; returns what came with it.
async fn check(world: &World, request: &str, body: Value, status: u16) -> Value {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let (found, value) = ask(world, request, &body).await;
    assert_eq!(found, status, "{request} {body}: {value}");
    value
}

fn names(list: &Value) -> Vec<&str> {
    let list = list.as_array().expect("a list");
    list.iter()
        .map(|item| item["name"].as_str().expect("a name"))
        .collect()
}

/// The definitions that RabbitMQ 3.10.8 exported.
const DEFINITIONS: &str = include_str!("tests/rabbitmq-3.10.8.json");

#[test]
fn users_and_what_they_may_do() {
    run(async |world| {
        let none = Value::Null;
        let body = json!({ "password": "pw", "tags": "management, x" });
        check(world, "PUT /api/users/kim", body.clone(), 201).await;
        check(world, "PUT /api/users/kim", body, 204).await;
        let kim = check(world, "GET /api/users/kim", none.clone(), 200).await;
        assert_eq!(kim["tags"], json!(["management", "x"]));
        assert_eq!(
            kim["hashing_algorithm"],
            "mainstay_password_hashing_argon2id"
        );
        let both = json!({ "password": "a", "password_hash": "b", "tags": "" });
        for (body, reason) in [
            (json!({ "password": "x" }), "tags_not_present"),
            (both, "both_password_and_password_hash_are_provided"),
        ] {
            let refused = check(world, "PUT /api/users/no", body, 400).await;
            assert_eq!(refused, json!({ "error": "bad_request", "reason": reason }));
        }
        let (status, refused) = ask(world, "PUT /api/users/no", "nojson").await;
        assert_eq!((status, &refused["reason"]), (400, &json!("not_json")));
        check(
            world,
            "PUT /api/users/hash",
            json!({
                "password_hash": "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR",
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": ["administrator"],
            }),
            201,
        )
        .await;
        let answer = ask_as(world, "hash:test12", "GET /api/whoami", "").await;
        assert_eq!(answer.body, r#"{"name":"hash","tags":["administrator"]}"#);

        let all = json!({ "configure": "^kim", "write": ".*", "read": "" });
        check(world, "PUT /api/permissions/%2F/kim", all.clone(), 201).await;
        check(world, "PUT /api/permissions/%2F/kim", all.clone(), 204).await;
        check(world, "PUT /api/permissions/nope/kim", all.clone(), 400).await;
        let bad = json!({ "configure": "(", "write": "", "read": "" });
        let refused = check(world, "PUT /api/permissions/%2F/kim", bad, 400).await;
        assert!(
            refused["reason"]
                .as_str()
                .expect("text")
                .contains("unclosed group"),
            "{refused}"
        );
        check(world, "GET /api/users/kim/permissions", none.clone(), 200).await;
        let as_kim = async |request| ask_as(world, "kim:pw", request, "{}").await.status;
        assert_eq!(as_kim("PUT /api/queues/%2F/kim-1").await, 201);
        assert_eq!(as_kim("PUT /api/queues/%2F/other").await, 401);
        assert_eq!(
            as_kim("DELETE /api/queues/%2F/kim-1/contents").await,
            401,
            "no read"
        );
        assert_eq!(as_kim("GET /api/users").await, 401);
        check(world, "DELETE /api/permissions/%2F/kim", none.clone(), 204).await;
        check(world, "DELETE /api/permissions/%2F/kim", none.clone(), 404).await;
        assert_eq!(
            as_kim("GET /api/queues/%2F").await,
            401,
            "not its vhost any more"
        );
        check(world, "DELETE /api/users/kim", none.clone(), 204).await;
        check(world, "DELETE /api/users/kim", none, 404).await;
    });
}

#[test]
fn who_has_not_shown_who_it_is_gets_nothing() {
    run(async |world| {
        let login = async |user: &str| ask_as(world, user, "GET /api/whoami", "").await;
        for user in ["guest:gast", "nobody:guest", "guest:", "guest", ""] {
            let refused = login(user).await;
            assert_eq!((refused.status, refused.challenge), (401, true), "{user}");
            assert_eq!(
                refused.body,
                r#"{"error":"not_authorized","reason":"Login failed"}"#
            );
        }
        assert_eq!(login("guest:guest").await.status, 200);
        let head = Head {
            method: Method::Get,
            path: "/api/whoami".to_owned(),
            query: None,
            authorization: Some("Basic Z3Vlc3Q6Z3Vlc3Q=".to_owned()),
            loopback: false,
        };
        let refused: Answer = world
            .api
            .login(&head)
            .await
            .err()
            .expect("guest from elsewhere");
        assert_eq!(refused.status, 401);
        let body = json!({ "password": "pw", "tags": "" });
        check(world, "PUT /api/users/plain", body, 201).await;
        let refused = login("plain:pw").await;
        assert_eq!(
            refused.body,
            r#"{"error":"not_authorised","reason":"Not management user"}"#
        );
    });
}

#[test]
fn queues_and_exchanges() {
    run(async |world| {
        let none = Value::Null;
        let queue = json!({ "durable": true, "arguments": { "x-max-priority": 5 } });
        check(world, "PUT /api/vhosts/v%2F1", none.clone(), 201).await;
        check(world, "PUT /api/queues/v%2F1/a%20b", queue, 201).await;
        let shown = check(world, "GET /api/queues/v%2F1/a%20b", none.clone(), 200).await;
        assert_eq!(shown["arguments"], json!({ "x-max-priority": 5 }));
        let counts = [
            "messages",
            "messages_ready",
            "messages_unacknowledged",
            "consumers",
        ];
        assert_eq!(
            counts.map(|field| shown[field].as_u64()),
            [Some(3), Some(2), Some(1), Some(4)]
        );
        check(world, "PUT /api/queues/nope/q", json!({}), 404).await;
        check(world, "PUT /api/queues/%2F/amq.q", json!({}), 401).await;
        check(world, "PUT /api/queues/%2F/q", json!({ "durable": 1 }), 400).await;
        let exchange = json!({ "type": "topic", "durable": true });
        check(world, "PUT /api/exchanges/v%2F1/e", exchange, 201).await;
        check(world, "PUT /api/exchanges/v%2F1/amq.e", json!({}), 401).await;

        check(
            world,
            "DELETE /api/exchanges/v%2F1/amq.topic",
            none.clone(),
            401,
        )
        .await;
        check(world, "DELETE /api/exchanges/v%2F1/e", none.clone(), 204).await;
        check(
            world,
            "DELETE /api/queues/v%2F1/a%20b?if-empty=true",
            none.clone(),
            400,
        )
        .await;
        check(world, "DELETE /api/queues/v%2F1/a%20b", none.clone(), 204).await;
        check(world, "DELETE /api/vhosts/v%2F1", none.clone(), 204).await;
        check(world, "DELETE /api/vhosts/v%2F1", none.clone(), 404).await;
        check(world, "POST /api/vhosts", none.clone(), 405).await;
        check(world, "GET /api/nope", none, 404).await;
    });
}

#[test]
fn bindings() {
    run(async |world| {
        let none = Value::Null;
        check(world, "PUT /api/queues/%2F/a%20b", json!({}), 201).await;
        check(world, "PUT /api/exchanges/%2F/e", json!({}), 201).await;
        let bind = |key: &str| json!({ "routing_key": key });
        let between = "/api/bindings/%2F/e/e/q/a%20b";
        let post = format!("POST {between}");
        check(world, &post, bind("x y/%"), 201).await;
        check(world, &post, json!({ "arguments": { "n": 1 } }), 201).await;
        let answer = ask_as(world, "guest:guest", &post, r#"{"routing_key":"x y/%"}"#).await;
        assert_eq!(answer.location.as_deref(), Some("a%20b/x%2By%252F%2525"));
        check(world, "POST /api/bindings/%2F/e/e/q/nope", bind(""), 404).await;
        check(
            world,
            "POST /api/bindings/%2F/e/amq.default/q/a%20b",
            bind(""),
            401,
        )
        .await;
        let listed = check(world, &format!("GET {between}"), none.clone(), 200).await;
        let keys: Vec<_> = listed.as_array().expect("a list").iter().collect();
        assert_eq!(keys.len(), 2);
        for binding in keys {
            let key = binding["properties_key"]
                .as_str()
                .expect("text")
                .replace('%', "%25");
            let one = check(world, &format!("GET {between}/{key}"), none.clone(), 200).await;
            assert_eq!(&one, binding);
            check(world, &format!("DELETE {between}/{key}"), none.clone(), 204).await;
            check(world, &format!("DELETE {between}/{key}"), none.clone(), 404).await;
        }
    });
}

#[test]
fn lists_are_narrowed_as_asked() {
    run(async |world| {
        for name in ["work", "word", "other"] {
            check(
                world,
                &format!("PUT /api/queues/%2F/{name}"),
                json!({}),
                201,
            )
            .await;
        }
        let get = async |query: &str, status| {
            check(
                world,
                &format!("GET /api/queues?{query}"),
                Value::Null,
                status,
            )
            .await
        };
        let page = get(
            "page=1&page_size=1&name=%5Ewor&use_regex=true&columns=name",
            200,
        )
        .await;
        assert_eq!(
            page,
            json!({
                "filtered_count": 2, "item_count": 1, "items": [{ "name": "word" }],
                "page": 1, "page_count": 2, "page_size": 1, "total_count": 3,
            })
        );
        let sorted = get("columns=name&sort=name&sort_reverse=true", 200).await;
        assert_eq!(names(&sorted), ["work", "word", "other"]);
        for (query, error) in [
            ("page=9&page_size=2", "page_out_of_range"),
            ("page=0", "invalid_pagination_parameters"),
            ("page=1&page_size=501", "invalid_pagination_parameters"),
            ("page=x", "bad_request"),
            ("page=1&name=(&use_regex=true", "bad_request"),
        ] {
            assert_eq!(get(query, 400).await["error"], error, "{query}");
        }
    });
}

#[test]
fn rabbitmqs_definitions_are_imported_and_come_out_again() {
    run(async |world| {
        let (status, refused) = ask(world, "POST /api/definitions", DEFINITIONS).await;
        let reason = refused["reason"].as_str().expect("text");
        assert_eq!(
            (status, &refused["error"]),
            (400, &json!("unsupported_definitions"))
        );
        assert!(reason.contains("policies ('ttl' in vhost '/')"), "{reason}");
        assert!(
            reason.contains("topic_permissions ('kim' in vhost '/')"),
            "{reason}"
        );
        let vhosts = check(world, "GET /api/vhosts", Value::Null, 200).await;
        assert_eq!(names(&vhosts), ["/"], "nothing was imported");

        for _ in 0..2 {
            let request = "POST /api/definitions?unsupported=leave-out";
            let (status, done) = ask(world, request, DEFINITIONS).await;
            assert_eq!(status, 200, "{done}");
            assert_eq!(done["left_out"].as_array().map(Vec::len), Some(2), "{done}");
        }
        let theirs: Value = serde_json::from_str(DEFINITIONS).expect("JSON");
        let (_, ours) = ask(world, "GET /api/definitions", "").await;
        for part in [
            "users",
            "vhosts",
            "permissions",
            "queues",
            "exchanges",
            "bindings",
        ] {
            let sorted = |all: &Value| {
                let mut list = all[part].as_array().expect("a list").clone();
                list.sort_by_key(Value::to_string);
                list
            };
            assert_eq!(sorted(&ours), sorted(&theirs), "{part}");
        }
    });
}

#[test]
fn what_cannot_be_imported_is_named() {
    run(async |world| {
        for (body, error) in [
            (
                json!({ "queues": [{ "name": "x" }] }),
                "queues[0]: [{key_missing,vhost}]",
            ),
            (json!({ "queues": 1 }), "queues: expected a list"),
            (
                json!({ "queues": [1] }),
                "queues: expected a list of objects",
            ),
            (json!({ "nonsense": [1] }), "not supported: nonsense"),
            (
                json!({ "vhosts": [{ "name": "v", "tracing": true }] }),
                "tracing of vhost 'v'",
            ),
            (
                json!({ "users": [{ "name": "u", "limits": { "max-connections": 1 } }] }),
                "limits of user 'u'",
            ),
            (
                json!({ "users": [{ "name": "u", "password_hash": "x" }] }),
                "users[0]: user 'u': the password hash",
            ),
            (
                json!({ "global_parameters": [{ "name": "mine" }] }),
                "global_parameters (mine)",
            ),
        ] {
            let refused = check(world, "POST /api/definitions", body, 400).await;
            assert!(
                refused["reason"].as_str().expect("text").contains(error),
                "{refused}"
            );
        }
        let body = json!({
            "queues": [{ "name": "kept", "durable": true }],
            "exchanges": [{ "name": "e", "type": "x-unknown" }],
            "bindings": [{ "source": "e", "destination": "kept", "destination_type": "queue" }],
        });
        let refused = check(world, "POST /api/definitions/%2F", body, 400).await;
        assert_eq!(
            refused["reason"],
            "not imported: exchange 'e' in vhost '/': unknown exchange type; \
             binding of 'kept' to 'e' in vhost '/': the exchange does not exist; the rest was"
        );
        check(world, "GET /api/queues/%2F/kept", Value::Null, 200).await;
        check(world, "POST /api/definitions/nope", json!({}), 404).await;
        let one = check(world, "GET /api/definitions/%2F", Value::Null, 200).await;
        assert_eq!(one["queues"][0]["vhost"], Value::Null);
    });
}

#[test]
fn topics_are_shown_as_the_stream_queues_that_they_are() {
    run(async |world| {
        check(world, "PUT /api/vhosts/v", Value::Null, 201).await;
        for (topic, partitions) in [("orders", 1), ("many", 2), ("v.own", 1)] {
            let made = world
                .catalog
                .create_topic(topic, partitions, Default::default());
            made.await.expect("made");
        }
        let get = async |path: &str| check(world, &format!("GET {path}"), Value::Null, 200).await;
        let all = get("/api/queues/%2F").await;
        assert_eq!(names(&all), ["many-0", "many-1", "orders", "v.own"]);
        assert_eq!(names(&get("/api/queues/v").await), ["own"]);
        let own = get("/api/queues/v/own").await;
        assert_eq!(
            (&own["type"], &own["messages"]),
            (&json!("stream"), &json!(3))
        );
        for queue in ["orders", "many-1"] {
            let post = format!("POST /api/bindings/%2F/e/amq.topic/q/{queue}");
            check(world, &post, json!({ "routing_key": "#" }), 201).await;
        }
        let definitions = get("/api/definitions").await;
        assert_eq!(names(&definitions["queues"]), ["orders", "v.own", "own"]);
        let stream = json!({ "x-queue-type": "stream" });
        assert_eq!(definitions["queues"][0]["arguments"], stream);
        assert_eq!(definitions["bindings"].as_array().map(Vec::len), Some(1));
    });
}
