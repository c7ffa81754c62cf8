//! Describing, listing and deleting groups.

use super::super::*;
use super::requests::{GROUP, protocol};
use super::world::World;

#[test]
fn a_group_is_described_as_it_stands() {
    let mut world = World::new();
    assert_eq!(world.describe(), Err(Error::GroupIdNotFound));
    let ids = world.stable(&["a"]);
    let described = world.describe().expect("a group");
    let expected = Described {
        state: State::Stable,
        protocol_type: "consumer".to_owned(),
        protocol_name: "range".to_owned(),
        members: vec![DescribedMember {
            member_id: ids[0].clone(),
            instance_id: None,
            client_id: "a".to_owned(),
            client_host: "/127.0.0.1".to_owned(),
            metadata: protocol("range", "t").metadata,
            assignment: "a".into(),
        }],
    };
    assert_eq!(described, expected);
    // While it rebalances, what was agreed on holds no more.
    world.join("b");
    let described = world.describe().expect("a group");
    assert_eq!(described.state, State::PreparingRebalance);
    assert_eq!(described.protocol_name, "");
    assert_eq!(described.members.len(), 2);
    assert!(
        described
            .members
            .iter()
            .all(|member| member.metadata.is_empty())
    );
}

#[test]
fn groups_are_listed_by_state_and_type() {
    let mut world = World::new();
    world.stable(&["a"]);
    let mut simple = super::requests::commit("", -1, 0, 10);
    simple.group = "simple".to_owned();
    world.send(Request::CommitOffsets(simple));
    let mut check = |states: &[&str], types: &[&str], expected: &[&str]| {
        let strings = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let list = List {
            states: strings(states),
            types: strings(types),
        };
        let Reply::List(listed) = world.ask(Request::List(list)) else {
            panic!("a list");
        };
        let listed: Vec<String> = listed
            .iter()
            .map(|l| {
                format!(
                    "{} {} {} {}",
                    l.group, l.state, l.protocol_type, l.group_type
                )
            })
            .collect();
        assert_eq!(listed, expected, "{states:?} {types:?}");
    };
    let stable = "g Stable consumer classic";
    let simple = "simple Empty  classic";
    check(&[], &[], &[stable, simple]);
    check(&["Stable"], &[], &[stable]);
    check(&[" empty ", "DEAD"], &["Classic"], &[simple]);
    check(&["nonsense"], &[], &[]);
    check(&[], &["consumer"], &[]);
}

#[test]
fn only_groups_without_members_are_deleted() {
    let mut world = World::new();
    let token = world.delete();
    assert_eq!(world.deleted(token), Err(Error::GroupIdNotFound));
    let (id, joins) = world.join("a");
    let token = world.delete();
    assert_eq!(world.deleted(token), Err(Error::NonEmptyGroup));
    world.pass_ms(3_000);
    world.joined(joins);
    let token = world.delete();
    assert_eq!(world.deleted(token), Err(Error::NonEmptyGroup));
    let token = world.sync(&id, 1, &[]);
    world.synced(token).expect("an assignment");
    let token = world.delete();
    assert_eq!(world.deleted(token), Err(Error::NonEmptyGroup));
    let token = world.leave(&[(&id, None)]);
    world.left(token);
    let token = world.delete();
    assert_eq!(world.deleted(token), Ok(()));
    assert_eq!(world.state(), State::Dead);
    // The name is free, and the new group has nothing of the old one.
    let (_, joins) = world.join("a");
    world.pass_ms(3_000);
    assert_eq!(world.joined(joins).generation, 1);
}

#[test]
fn offsets_of_an_unknown_group_are_none() {
    let mut world = World::new();
    assert_eq!(world.fetch(0), None);
    let group = GROUP.to_owned();
    let wanted = Wanted::All;
    let reply = world.ask(Request::FetchOffsets(FetchOffsets { group, wanted }));
    assert_eq!(reply, Reply::FetchOffsets(vec![]));
    assert_eq!(world.coordinator.group_count(), 0);
}
