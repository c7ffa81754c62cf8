//! What a coordinator asks its driver to do: answer clients and write entries.

use std::sync::Arc;

use bytes::Bytes;

use super::{Error, Position, State, Ticket, Token, TopicId};

/// One thing to do, in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Answer a request.
    Reply {
        /// Of the request.
        token: Token,
        /// The answer.
        reply: Reply,
    },
    /// Append the entries to the log, in the order of tickets and of the list, and report the outcome. A crash may cut
    /// the list short.
    Persist {
        /// Comes back with the outcome.
        ticket: Ticket,
        /// Never empty.
        entries: Vec<Entry>,
    },
}

/// One durable key and its newest value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Equal keys replace each other.
    pub key: Bytes,
    /// None removes the key.
    pub value: Option<Bytes>,
}

/// The answer to a request, one kind for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// To a join.
    Join(Result<Joined, JoinRefused>),
    /// To a sync.
    Sync(Result<Synced, Error>),
    /// To a heartbeat.
    Heartbeat(Result<(), Error>),
    /// To a leave: one outcome for each member, in the request's order.
    Leave(Result<Vec<Left>, Error>),
    /// To a commit: one outcome for each position, in the request's order. An error of the whole request is to be
    /// shown at every partition.
    CommitOffsets(Result<Vec<PartitionOutcome>, Error>),
    /// To a fetch: the partitions that were asked for, in the request's order, or all, in the order of their ids.
    FetchOffsets(Vec<CommittedOffset>),
    /// To a describe. `GroupIdNotFound` is shown as state `Dead` without an error by versions below 6.
    Describe(Result<Described, Error>),
    /// To a list, in the order of names.
    List(Vec<Listed>),
    /// To the deletion of a group.
    Delete(Result<(), Error>),
    /// To the deletion of offsets: one outcome for each, in the request's order.
    DeleteOffsets(Result<Vec<PartitionOutcome>, Error>),
}

/// A member belongs to a generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// Its id.
    pub member_id: String,
    /// The generation.
    pub generation: i32,
    /// The type of all members.
    pub protocol_type: String,
    /// The protocol that the members chose.
    pub protocol_name: String,
    /// The id of the leader.
    pub leader: String,
    /// The leader is to keep the assignment that there is (KIP-814).
    pub skip_assignment: bool,
    /// All members, for the leader; empty for the others.
    pub members: Vec<JoinedMember>,
}

/// A member as its leader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinedMember {
    /// Its id.
    pub member_id: String,
    /// Its instance id, if static.
    pub instance_id: Option<String>,
    /// Its subscription under the chosen protocol.
    pub metadata: Bytes,
}

/// A member does not belong to the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinRefused {
    /// Why.
    pub error: Error,
    /// The id to come back with after [`Error::MemberIdRequired`], else the request's; often empty.
    pub member_id: String,
}

/// What a member is to consume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Synced {
    /// The type of all members.
    pub protocol_type: String,
    /// The protocol that the members chose.
    pub protocol_name: String,
    /// As the leader gave it; empty where it gave none.
    pub assignment: Bytes,
}

/// The outcome for one leaving member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// As in the request.
    pub member_id: String,
    /// As in the request.
    pub instance_id: Option<String>,
    /// None if it has left.
    pub error: Option<Error>,
}

/// The outcome for one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionOutcome {
    /// As in the request.
    pub topic: TopicId,
    /// As in the request.
    pub partition: i32,
    /// None if it went well.
    pub error: Option<Error>,
}

/// What is stored for one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommittedOffset {
    /// The topic.
    pub topic: TopicId,
    /// The partition.
    pub partition: i32,
    /// None where nothing is stored: Kafka's offset -1, epoch -1 and empty metadata.
    pub position: Option<Position>,
}

/// A group, for people and tools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Where it stands.
    pub state: State,
    /// Empty for a group that never had members.
    pub protocol_type: String,
    /// The protocol that the members chose; empty unless the group is stable.
    pub protocol_name: String,
    /// In the order of their ids.
    pub members: Vec<DescribedMember>,
}

/// A member, for people and tools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedMember {
    /// Its id.
    pub member_id: String,
    /// Its instance id, if static.
    pub instance_id: Option<String>,
    /// From its request's header.
    pub client_id: String,
    /// Its address.
    pub client_host: String,
    /// Its subscription; empty unless the group is stable.
    pub metadata: Bytes,
    /// What it consumes; empty while the group rebalances for the first time.
    pub assignment: Bytes,
}

/// A group in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub group: Arc<str>,
    /// Empty for a group that never had members.
    pub protocol_type: String,
    /// Where it stands.
    pub state: State,
    /// `classic`, the only type so far.
    pub group_type: &'static str,
}
