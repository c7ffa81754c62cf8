//! Clients of random runs, and the numbers that drive them.

use super::super::*;
use super::checker::Asked;

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
