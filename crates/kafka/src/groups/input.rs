//! What a coordinator is told: requests, outcomes of writes, and the passing of time.

use std::sync::Arc;
use std::time::Duration;

use base::{Offset, Timestamp};
use bytes::Bytes;

use super::WriteFailed;

/// Names a request until it is answered; chosen by the caller, never interpreted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// Names a write until its outcome is known; chosen by the coordinator, in the order in which the entries must stand
/// in the log. The first one is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ticket(pub u64);

/// The 16 bytes that Kafka calls a topic id. A topic that is made again under its old name has another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicId(pub u128);

/// A topic as the handler resolved it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic {
    /// What offsets are kept under.
    pub id: TopicId,
    /// What subscriptions speak of.
    pub name: Arc<str>,
}

/// Everything that can happen to a coordinator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A client asks; the answer comes as a reply with the same token, now or later.
    Request {
        /// Comes back with the answer.
        token: Token,
        /// What is asked.
        request: Request,
    },
    /// The outcome of a write, exactly once for each.
    Persisted {
        /// As it stood in the effect.
        ticket: Ticket,
        /// Whether the entries are durable.
        outcome: Result<(), WriteFailed>,
    },
    /// The topics are gone from the catalog: all groups forget their positions in them.
    TopicsDeleted(Vec<TopicId>),
    /// The coordinator's deadline has passed. Coming too early or twice does no harm.
    Tick,
    /// The shard moves away: whoever waits is sent to another coordinator, and all groups are forgotten.
    Resign,
}

/// What clients ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// JoinGroup.
    Join(Box<Join>),
    /// SyncGroup.
    Sync(Sync),
    /// Heartbeat.
    Heartbeat(Heartbeat),
    /// LeaveGroup.
    Leave(Leave),
    /// OffsetCommit.
    CommitOffsets(CommitOffsets),
    /// OffsetFetch of one group.
    FetchOffsets(FetchOffsets),
    /// DescribeGroups, of one group.
    Describe(Describe),
    /// ListGroups.
    List(List),
    /// DeleteGroups, of one group.
    Delete(DeleteGroup),
    /// OffsetDelete.
    DeleteOffsets(DeleteOffsets),
}

/// One way of assigning partitions that a member offers, in the order of its preference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protocol {
    /// The assignor's name, for example `range`.
    pub name: String,
    /// The member's subscription, opaque to the coordinator except for its topics.
    pub metadata: Bytes,
}

/// A member joins, or joins again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Join {
    /// The group's name.
    pub group: String,
    /// Empty for a member that has no id yet.
    pub member_id: String,
    /// `group.instance.id` of a static member (v5).
    pub instance_id: Option<String>,
    /// From the request's header.
    pub client_id: String,
    /// The peer's address, for people.
    pub client_host: String,
    /// How long the member may be silent.
    pub session_timeout: Duration,
    /// How long a rebalance waits for the member; versions below 1 send none and mean the session time-out.
    pub rebalance_timeout: Duration,
    /// `consumer`, `connect`, ….
    pub protocol_type: String,
    /// What the member offers, its favourite first.
    pub protocols: Vec<Protocol>,
    /// Why, for the log (v8).
    pub reason: Option<String>,
    /// 128 random bits: the end of the member's id, if it gets a new one.
    pub fresh_id: u128,
    /// From v4 on a dynamic member is first given an id and joins with it (KIP-394).
    pub member_id_required: bool,
    /// From v9 on a static leader that comes back can be told to skip the assignment (KIP-814).
    pub may_skip_assignment: bool,
}

/// A member asks for its assignment; the leader brings everybody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sync {
    /// The group's name.
    pub group: String,
    /// Who asks.
    pub member_id: String,
    /// Who asks, if static.
    pub instance_id: Option<String>,
    /// Which generation it joined.
    pub generation: i32,
    /// What it believes the group's protocol type to be (v5).
    pub protocol_type: Option<String>,
    /// What it believes the group's protocol to be (v5).
    pub protocol_name: Option<String>,
    /// Member ids and what each is to consume; empty unless the leader asks.
    pub assignments: Vec<(String, Bytes)>,
}

/// A member says that it lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// The group's name.
    pub group: String,
    /// Who lives.
    pub member_id: String,
    /// Who lives, if static.
    pub instance_id: Option<String>,
    /// Which generation it belongs to.
    pub generation: i32,
}

/// Members leave, or an operator removes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leave {
    /// The group's name.
    pub group: String,
    /// Who leaves; one for versions below 3.
    pub members: Vec<Leaver>,
}

/// One of the members that leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaver {
    /// Empty where the instance id says who.
    pub member_id: String,
    /// A static member.
    pub instance_id: Option<String>,
    /// Why, for the log (v5).
    pub reason: Option<String>,
}

/// A group's positions are to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitOffsets {
    /// The group's name; it may be empty.
    pub group: String,
    /// Empty for a simple consumer.
    pub member_id: String,
    /// Who commits, if static.
    pub instance_id: Option<String>,
    /// Negative for a simple consumer.
    pub generation: i32,
    /// From v9 on an unknown group is GROUP_ID_NOT_FOUND, before it is ILLEGAL_GENERATION.
    pub names_unknown_group: bool,
    /// How long to keep the offsets, instead of the broker's setting (v2 to v4).
    pub retention: Option<Duration>,
    /// The positions; for a partition that stands here twice the later one holds.
    pub offsets: Vec<CommitOffset>,
}

/// One position to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitOffset {
    /// The topic.
    pub topic: Topic,
    /// The partition.
    pub partition: i32,
    /// The next record to consume.
    pub offset: Offset,
    /// The epoch of the last consumed record, where the client knows it (v6).
    pub leader_epoch: Option<i32>,
    /// Whatever the client wants to remember with it.
    pub metadata: String,
    /// The client's time of the commit, instead of the broker's (v1).
    pub timestamp: Option<Timestamp>,
}

/// A group's positions are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchOffsets {
    /// The group's name.
    pub group: String,
    /// Which of them.
    pub wanted: Wanted,
}

/// Which positions are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// All that are stored.
    All,
    /// These; where nothing is stored the answer says so.
    Partitions(Vec<(TopicId, i32)>),
}

/// A group is to be described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Describe {
    /// The group's name.
    pub group: String,
}

/// Groups are to be listed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct List {
    /// Only groups in these states, without regard to case; empty means all (v4, KIP-518).
    pub states: Vec<String>,
    /// Only groups of these types, without regard to case; empty means all (v5, KIP-848).
    pub types: Vec<String>,
}

/// A group without members is to be deleted, with its offsets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteGroup {
    /// The group's name.
    pub group: String,
}

/// Positions are to be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteOffsets {
    /// The group's name.
    pub group: String,
    /// Which of them.
    pub offsets: Vec<DeleteOffset>,
}

/// One position to be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteOffset {
    /// The topic.
    pub topic: Topic,
    /// The partition.
    pub partition: i32,
}
