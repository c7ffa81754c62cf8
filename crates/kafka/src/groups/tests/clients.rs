//! Clients of random runs, and the numbers that drive them.

use std::time::Duration;

use super::super::*;
use super::checker::Asked;
use super::requests::protocol;

/// SplitMix64: small, and the same everywhere.
pub(super) struct Rng(pub(super) u64);

impl Rng {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub(super) fn percent(&mut self, n: u64) -> bool {
        self.below(100) < n
    }

    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).expect("small")]
    }
}

/// What a client believes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Out,
    Joining,
    Joined,
    Syncing,
    In,
}

#[derive(Debug)]
pub(super) struct Client {
    pub(super) group: &'static str,
    pub(super) instance_id: Option<String>,
    pub(super) member_id: String,
    pub(super) generation: i32,
    pub(super) phase: Phase,
    /// Whom to assign to, if it leads: member ids, and the name that stays over restarts of static members.
    pub(super) members: Vec<(String, String)>,
    /// What it waits for.
    pub(super) token: Option<Token>,
}

impl Client {
    /// Client `n` joins; what it says about itself is always the same, but for what it offers and reads.
    pub(super) fn join(&self, n: usize, offer: &[&str], topic: &str, fresh_id: u128) -> Join {
        Join {
            group: self.group.to_owned(),
            member_id: self.member_id.clone(),
            instance_id: self.instance_id.clone(),
            client_id: format!("c{n}"),
            client_host: "/::1".to_owned(),
            session_timeout: Duration::from_secs(6 + (n as u64) % 5),
            rebalance_timeout: Duration::from_secs(1 + (n as u64) % 5),
            protocol_type: "consumer".to_owned(),
            protocols: offer.iter().map(|name| protocol(name, topic)).collect(),
            reason: None,
            fresh_id,
            member_id_required: !n.is_multiple_of(3),
            may_skip_assignment: n < 2,
        }
    }

    /// It syncs. If it leads it assigns `tag/owner` to everybody, or to all but one.
    pub(super) fn sync(&self, tag: i64, forgets_one: bool) -> Sync {
        let of = self.members.iter().skip(usize::from(forgets_one));
        let assign = |(id, owner): &(String, String)| (id.clone(), format!("{tag}/{owner}").into());
        Sync {
            group: self.group.to_owned(),
            member_id: self.member_id.clone(),
            instance_id: self.instance_id.clone(),
            generation: self.generation,
            protocol_type: None,
            protocol_name: None,
            assignments: of.map(assign).collect(),
        }
    }

    pub(super) fn heartbeat(&self) -> Heartbeat {
        Heartbeat {
            group: self.group.to_owned(),
            member_id: self.member_id.clone(),
            instance_id: self.instance_id.clone(),
            generation: self.generation,
        }
    }

    /// It leaves, under its own id or by its instance id, and reads no answers any more.
    pub(super) fn leave(&mut self, is_by_instance: bool) -> Leave {
        let member_id = std::mem::take(&mut self.member_id);
        self.phase = Phase::Out;
        self.token = None;
        let leaver = Leaver {
            member_id: if is_by_instance {
                String::new()
            } else {
                member_id
            },
            instance_id: self.instance_id.clone(),
            reason: None,
        };
        Leave {
            group: self.group.to_owned(),
            members: vec![leaver],
        }
    }

    /// It commits, as a member or as a simple consumer.
    pub(super) fn commit(&self, is_simple: bool, offsets: Vec<CommitOffset>) -> CommitOffsets {
        let is_member = !is_simple;
        CommitOffsets {
            group: self.group.to_owned(),
            member_id: if is_member {
                self.member_id.clone()
            } else {
                String::new()
            },
            instance_id: self.instance_id.clone().filter(|_| is_member),
            generation: if is_member { self.generation } else { -1 },
            names_unknown_group: true,
            retention: None,
            offsets,
        }
    }

    /// Believes an answer, as a real client would.
    pub(super) fn learn(&mut self, asked: &Asked, reply: Reply) {
        let outcome = match reply {
            Reply::Join(Ok(joined)) => {
                self.member_id = joined.member_id;
                self.generation = joined.generation;
                self.phase = Phase::Joined;
                let is_to_assign = !joined.skip_assignment;
                let members = joined.members.into_iter().filter(|_| is_to_assign);
                let names = members.map(|member| {
                    let owner = member.instance_id.unwrap_or(member.member_id.clone());
                    (member.member_id, owner)
                });
                self.members = names.collect();
                Ok(())
            }
            Reply::Join(Err(refused)) if refused.error == Error::MemberIdRequired => {
                self.member_id = refused.member_id;
                self.phase = Phase::Out;
                Ok(())
            }
            Reply::Join(Err(refused)) => Err(refused.error),
            Reply::Sync(Ok(_)) => {
                self.phase = Phase::In;
                Ok(())
            }
            Reply::Sync(Err(error)) | Reply::Heartbeat(Err(error)) => Err(error),
            Reply::Heartbeat(Ok(())) => Ok(()),
            other => panic!("{asked:?} is answered with {other:?}"),
        };
        match outcome {
            Ok(()) => {}
            Err(Error::UnknownMemberId | Error::FencedInstanceId | Error::GroupMaxSizeReached) => {
                self.member_id.clear();
                self.phase = Phase::Out;
            }
            Err(_) => self.phase = Phase::Out,
        }
    }
}
