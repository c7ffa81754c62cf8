//! Settings of topics and of the broker: described, changed, and obeyed.

use crate::client::Client;
use crate::fixture::{creatable, create, create_request, produce, world_with};
use crate::records::batch;
use crate::world::{START, World};
use base::Timestamp;
use kafka::Settings;
use kafka_wire::messages::alter_configs::{
    AlterConfigsRequest, AlterConfigsResource, AlterableConfig as ReplacedConfig,
};
use kafka_wire::messages::create_topics::{CreatableTopicConfig, CreateTopicsRequest};
use kafka_wire::messages::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult,
    DescribeConfigsResult,
};
use kafka_wire::messages::incremental_alter_configs::{
    AlterConfigsResource as ChangedResource, AlterableConfig, IncrementalAlterConfigsRequest,
};
use kafka_wire::{ErrorCode, Str};
use std::collections::BTreeSet;
use std::time::Duration;

async fn configs(client: &mut Client, kind: i8, name: &str) -> DescribeConfigsResult {
    let request = DescribeConfigsRequest {
        resources: vec![DescribeConfigsResource {
            resource_type: kind,
            resource_name: Str::from(name),
            configuration_keys: None,
        }],
        include_synonyms: true,
        include_documentation: true,
    };
    client.call(4, request).await.results.remove(0)
}

/// Item 25: every setting, with default, source, synonyms, type and documentation.
#[test]
fn every_setting_is_described() {
    let world = World::with(Settings {
        message_max_bytes: 5000,
        given: BTreeSet::from(["message.max.bytes"]),
        ..Settings::default()
    });
    world.run(async {
        let mut client = world.client();
        create(&mut client, "t", 1, &[("retention.ms", "1000")]).await;
        let topic = configs(&mut client, 2, "t").await;
        for config in &topic.configs {
            assert!(!config.synonyms.is_empty(), "{}", config.name);
            assert!(config.config_type > 0);
            assert!(
                config
                    .documentation
                    .as_ref()
                    .is_some_and(|text| !text.is_empty())
            );
        }
        let find = |name: &str| {
            let config = topic.configs.iter().find(|config| config.name == *name);
            let config = config.unwrap_or_else(|| panic!("{name} is missing"));
            let synonyms = config.synonyms.iter().map(|of| {
                (
                    of.name.to_string(),
                    of.value.clone().unwrap().to_string(),
                    of.source,
                )
            });
            let value = config.value.clone().unwrap().to_string();
            (value, config.config_source, synonyms.collect::<Vec<_>>())
        };
        let row = |name: &str, value: &str, source| (name.to_owned(), value.to_owned(), source);
        assert_eq!(
            find("retention.ms"),
            (
                "1000".to_owned(),
                1,
                vec![
                    row("retention.ms", "1000", 1),
                    row("log.retention.ms", "604800000", 5)
                ]
            )
        );
        assert_eq!(
            find("max.message.bytes"),
            (
                "5000".to_owned(),
                4,
                vec![
                    row("message.max.bytes", "5000", 4),
                    row("message.max.bytes", "1048588", 5)
                ]
            )
        );
        assert_eq!(find("cleanup.policy").1, 5);
        let broker = configs(&mut client, 4, "1").await;
        let max = broker
            .configs
            .iter()
            .find(|config| config.name == "message.max.bytes");
        let max = max.expect("described");
        assert_eq!((max.config_source, max.read_only), (4, true));
    });
}

#[test]
fn settings_of_what_does_not_exist_are_errors() {
    let world = world_with("t", 1);
    world.run(async {
        let mut client = world.client();
        for (kind, name, error) in [
            (2, "u", ErrorCode::UnknownTopicOrPartition),
            (2, "in valid", ErrorCode::InvalidTopicException),
            (4, "7", ErrorCode::InvalidRequest),
            (4, "", ErrorCode::None),
            (9, "x", ErrorCode::InvalidRequest),
        ] {
            let result = configs(&mut client, kind, name).await;
            assert_eq!(result.error_code, error, "{kind} {name:?}");
        }
        let one = DescribeConfigsRequest {
            resources: vec![DescribeConfigsResource {
                resource_type: 2,
                resource_name: Str::from("t"),
                configuration_keys: Some(vec![Str::from("retention.ms")]),
            }],
            ..DescribeConfigsRequest::default()
        };
        assert_eq!(client.call(4, one).await.results[0].configs.len(), 1);
    });
}

fn replacing(name: &str, value: Option<&str>) -> AlterConfigsRequest {
    AlterConfigsRequest {
        resources: vec![AlterConfigsResource {
            resource_type: 2,
            resource_name: Str::from("t"),
            configs: vec![ReplacedConfig {
                name: Str::from(name),
                value: value.map(Str::from),
            }],
        }],
        ..AlterConfigsRequest::default()
    }
}

fn changing(changes: &[(&str, i8, Option<&str>)]) -> IncrementalAlterConfigsRequest {
    let change = |(name, config_operation, value): &(&str, i8, Option<&str>)| AlterableConfig {
        name: Str::from(*name),
        config_operation: *config_operation,
        value: value.map(Str::from),
    };
    IncrementalAlterConfigsRequest {
        resources: vec![ChangedResource {
            resource_type: 2,
            resource_name: Str::from("t"),
            configs: changes.iter().map(change).collect(),
        }],
        ..IncrementalAlterConfigsRequest::default()
    }
}

/// Item 24: what cannot be created cannot be altered to either.
#[test]
fn create_alter_and_incremental_alter_validate_alike() {
    let world = world_with("t", 1);
    world.run(async {
        let mut client = world.client();
        for (name, value, error) in [
            ("retention.ms", Some("1000"), ErrorCode::None),
            ("retention.ms", Some("-2"), ErrorCode::InvalidConfig),
            ("retention.ms", None, ErrorCode::InvalidConfig),
            ("no.such", Some("1"), ErrorCode::InvalidConfig),
            ("cleanup.policy", Some("delete,compact"), ErrorCode::None),
            ("cleanup.policy", Some("burn"), ErrorCode::InvalidConfig),
        ] {
            let mut topic = creatable(
                &format!("{name}{}", value.unwrap_or_default().len()),
                1,
                1,
                &[],
            );
            topic.configs = vec![CreatableTopicConfig {
                name: Str::from(name),
                value: value.map(Str::from),
            }];
            let request = CreateTopicsRequest {
                validate_only: true,
                ..create_request(vec![topic])
            };
            let created = client.call(7, request).await.topics[0].error_code;
            let replaced = client.call(2, replacing(name, value)).await;
            let changed = client.call(1, changing(&[(name, 0, value)])).await;
            let errors = [
                created,
                replaced.responses[0].error_code,
                changed.responses[0].error_code,
            ];
            assert_eq!(errors, [error; 3], "{name} {value:?}");
        }
    });
}

/// Settings change one by one, all at once, and for good.
#[test]
fn settings_are_changed() {
    let world = world_with("t", 1);
    let own = |world: &World| {
        world.run(async {
            let described = configs(&mut world.client(), 2, "t").await;
            let own = described
                .configs
                .iter()
                .filter(|config| config.config_source == 1);
            let pair = |config: &DescribeConfigsResourceResult| {
                (
                    config.name.to_string(),
                    config.value.clone().unwrap().to_string(),
                )
            };
            own.map(pair).collect::<Vec<_>>()
        })
    };
    let pairs = |pairs: &[(&str, &str)]| {
        let owned = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        owned.collect::<Vec<_>>()
    };
    let change = |changes: &[(&str, i8, Option<&str>)]| {
        let request = changing(changes);
        world.run(async { world.client().call(1, request).await.responses[0].error_code })
    };
    let (set, delete, append, subtract) = (0, 1, 2, 3);
    let two = [
        ("retention.ms", set, Some("5")),
        ("cleanup.policy", append, Some("compact")),
    ];
    assert_eq!(change(&two), ErrorCode::None);
    let expected = [("cleanup.policy", "delete,compact"), ("retention.ms", "5")];
    assert_eq!(own(&world), pairs(&expected));
    let two = [
        ("retention.ms", delete, None),
        ("cleanup.policy", subtract, Some("delete")),
    ];
    assert_eq!(change(&two), ErrorCode::None);
    assert_eq!(own(&world), pairs(&[("cleanup.policy", "compact")]));
    let twice = [
        ("retention.ms", set, Some("5")),
        ("retention.ms", delete, None),
    ];
    assert_eq!(change(&twice), ErrorCode::InvalidRequest);
    let no_list = [("retention.ms", append, Some("5"))];
    assert_eq!(change(&no_list), ErrorCode::InvalidConfig);
    world.run(async {
        let request = replacing("max.message.bytes", Some("80"));
        let replaced = world.client().call(2, request).await;
        assert_eq!(replaced.responses[0].error_code, ErrorCode::None);
        let answer = produce(&mut world.client(), "t", 0, batch(&["too large for this"])).await;
        assert_eq!(answer.error_code, ErrorCode::MessageTooLarge);
    });
    let world = world.restarted();
    assert_eq!(own(&world), pairs(&[("max.message.bytes", "80")]));
}

#[test]
fn only_topics_have_settings_that_can_be_changed() {
    let world = world_with("t", 1);
    world.run(async {
        let mut client = world.client();
        for (kind, name, error) in [
            (2, "u", ErrorCode::UnknownTopicOrPartition),
            (4, "1", ErrorCode::InvalidRequest),
            (32, "g", ErrorCode::InvalidRequest),
        ] {
            let mut request = replacing("retention.ms", Some("1"));
            request.resources[0].resource_type = kind;
            request.resources[0].resource_name = Str::from(name);
            let response = client.call(2, request).await;
            assert_eq!(response.responses[0].error_code, error);
        }
        let mut twice = replacing("retention.ms", Some("1"));
        twice.resources.push(twice.resources[0].clone());
        let response = client.call(2, twice).await;
        let errors: Vec<_> = response.responses.iter().map(|of| of.error_code).collect();
        assert_eq!(errors, [ErrorCode::InvalidRequest]);
    });
}

/// Retention does what a topic's settings say, from the start of the broker on.
#[test]
fn retention_follows_the_topics_settings() {
    let world = World::new();
    world.run(async {
        let mut client = world.client();
        create(&mut client, "short", 1, &[("retention.ms", "1000")]).await;
        create(&mut client, "long", 1, &[]).await;
        let compacted = [("retention.ms", "1000"), ("cleanup.policy", "compact")];
        create(&mut client, "compacted", 1, &compacted).await;
        for topic in ["short", "long", "compacted"] {
            produce(&mut client, topic, 0, batch(&["a"])).await;
        }
    });
    let world = world.restarted();
    world.pass(Duration::from_secs(5));
    world.run(async {
        world.log.retain(Timestamp(START + 5_000)).await.unwrap();
        let starts: Vec<_> = world
            .log
            .streams()
            .iter()
            .map(|stream| stream.bounds().log_start)
            .collect();
        assert_eq!(starts, [1, 0, 0]);
    });
}
