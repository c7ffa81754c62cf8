//! What is under way to the log, and what happens when its outcome is known.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::member::Profile;
use super::offsets::Change;
use super::{Left, PartitionOutcome, Reply, Ticket, Token, WriteFailed};

/// A write without an outcome.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) group: Arc<str>,
    /// The positions that it changes.
    pub(super) changes: Vec<Change>,
    pub(super) then: Then,
}

/// What follows a write.
#[derive(Debug)]
pub(super) enum Then {
    /// Nobody waits.
    Nothing,
    /// The members get what the leader gave them, and the group is stable.
    Assign {
        generation: i32,
        assignments: BTreeMap<String, Bytes>,
    },
    /// The group is empty. If somebody left and made it so, the answer waits.
    Emptied { leave: Option<(Token, Vec<Left>)> },
    /// A static member that came back goes on without a rebalance.
    Resume(Box<Resumption>),
    /// Offsets are committed.
    Committed {
        token: Token,
        outcomes: Vec<PartitionOutcome>,
    },
    /// Offsets are deleted.
    OffsetsDeleted {
        token: Token,
        outcomes: Vec<PartitionOutcome>,
    },
    /// The group is gone. Without a token it was its age, not a client.
    GroupDeleted { token: Option<Token> },
}

impl Then {
    /// The answer that waited for the write. Members wait in their group for assignments and resumptions.
    pub(super) fn answer(self, outcome: Result<(), WriteFailed>) -> Option<(Token, Reply)> {
        let of_group = outcome.map_err(WriteFailed::of_group);
        let of_offsets = outcome.map_err(WriteFailed::of_offsets);
        match self {
            Self::Nothing | Self::Assign { .. } | Self::Resume(_) => None,
            Self::Emptied { leave } => {
                leave.map(|(token, left)| (token, Reply::Leave(of_group.map(|()| left))))
            }
            Self::Committed { token, outcomes } => {
                let outcomes = of_offsets.map(|()| outcomes);
                Some((token, Reply::CommitOffsets(outcomes)))
            }
            Self::OffsetsDeleted { token, outcomes } => {
                let outcomes = of_offsets.map(|()| outcomes);
                Some((token, Reply::DeleteOffsets(outcomes)))
            }
            Self::GroupDeleted { token } => Some((token?, Reply::Delete(of_group))),
        }
    }
}

/// A static member that took over from an earlier process of the same instance id.
#[derive(Debug)]
pub(super) struct Resumption {
    pub(super) token: Token,
    pub(super) member_id: String,
    /// What to go back to if the write fails.
    pub(super) old_member_id: String,
    pub(super) old_profile: Profile,
    /// Who led before; old versions of a leader that comes back are told this name, so that they do not assign.
    pub(super) old_leader: String,
    pub(super) may_skip_assignment: bool,
}

/// The writes without an outcome. As many as requests that wait and groups that change: each of them stands for one.
#[derive(Debug)]
pub(super) struct Writes {
    last: Ticket,
    waiting: BTreeMap<Ticket, Write>,
}

impl Writes {
    pub(super) fn new() -> Self {
        Self {
            last: Ticket(0),
            waiting: BTreeMap::new(),
        }
    }

    /// The newest ticket that was given out.
    pub(super) fn last(&self) -> Ticket {
        self.last
    }

    pub(super) fn begin(&mut self, write: Write) -> Ticket {
        self.last = Ticket(self.last.0 + 1);
        self.waiting.insert(self.last, write);
        self.last
    }

    /// Lets the answer to a leave wait for the write that its last member caused.
    pub(super) fn answer_leave(&mut self, ticket: Ticket, token: Token, left: Vec<Left>) {
        if let Some(Write {
            then: Then::Emptied { leave },
            ..
        }) = self.waiting.get_mut(&ticket)
        {
            *leave = Some((token, left));
        }
    }

    pub(super) fn finish(&mut self, ticket: Ticket) -> Option<Write> {
        self.waiting.remove(&ticket)
    }

    /// Gives up waiting, for a coordinator that resigns.
    pub(super) fn abandon(&mut self) -> impl Iterator<Item = Write> + use<> {
        std::mem::take(&mut self.waiting).into_values()
    }
}
