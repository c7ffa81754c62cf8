//! What the scenarios ask, with everything that a scenario is not about filled in.

use std::time::Duration;

use super::super::*;

/// The group of most scenarios.
pub(super) const GROUP: &str = "g";

/// A join of a new dynamic member, protocol `range`, subscription to topic `t`, session of 10 s, rebalance of 30 s.
pub(super) fn join(client: &str) -> Join {
    Join {
        group: GROUP.to_owned(),
        member_id: String::new(),
        instance_id: None,
        client_id: client.to_owned(),
        client_host: "/127.0.0.1".to_owned(),
        session_timeout: Duration::from_secs(10),
        rebalance_timeout: Duration::from_secs(30),
        protocol_type: "consumer".to_owned(),
        protocols: vec![protocol("range", "t")],
        reason: None,
        fresh_id: 0,
        member_id_required: true,
        may_skip_assignment: true,
    }
}

/// A join of a member that has an id.
pub(super) fn member(client: &str, member_id: &str) -> Join {
    Join {
        member_id: member_id.to_owned(),
        ..join(client)
    }
}

/// A join of a new process of a static member.
pub(super) fn static_join(instance: &str) -> Join {
    Join {
        instance_id: Some(instance.to_owned()),
        ..join("client")
    }
}

/// A protocol with a subscription to one topic.
pub(super) fn protocol(name: &str, topic: &str) -> Protocol {
    let mut metadata = vec![
        0,
        1,
        0,
        0,
        0,
        1,
        0,
        u8::try_from(topic.len()).expect("short"),
    ];
    metadata.extend_from_slice(topic.as_bytes());
    Protocol {
        name: name.to_owned(),
        metadata: metadata.into(),
    }
}

pub(super) fn sync(member_id: &str, generation: i32) -> Sync {
    Sync {
        group: GROUP.to_owned(),
        member_id: member_id.to_owned(),
        instance_id: None,
        generation,
        protocol_type: Some("consumer".to_owned()),
        protocol_name: Some("range".to_owned()),
        assignments: Vec::new(),
    }
}

pub(super) fn topic() -> Topic {
    Topic {
        id: TopicId(7),
        name: "t".into(),
    }
}

pub(super) fn commit(
    member_id: &str,
    generation: i32,
    partition: i32,
    offset: i64,
) -> CommitOffsets {
    CommitOffsets {
        group: GROUP.to_owned(),
        member_id: member_id.to_owned(),
        instance_id: None,
        generation,
        names_unknown_group: true,
        retention: None,
        offsets: vec![CommitOffset {
            topic: topic(),
            partition,
            offset,
            leader_epoch: Some(3),
            metadata: "m".to_owned(),
            timestamp: None,
        }],
    }
}
