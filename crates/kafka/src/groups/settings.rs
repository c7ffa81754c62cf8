//! What an operator can set about groups, and the limits that nobody can.

use std::time::Duration;

/// Broker settings under Kafka's names; the defaults are Kafka's, except where said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `group.min.session.timeout.ms`.
    pub session_timeout_min: Duration,
    /// `group.max.session.timeout.ms`.
    pub session_timeout_max: Duration,
    /// `group.initial.rebalance.delay.ms`: how long the first rebalance of an empty group waits for more members,
    /// again and again while they come, up to the rebalance time-out.
    pub initial_rebalance_delay: Duration,
    /// `group.max.size`, in members. Kafka's default is no limit; here 10,000.
    pub group_size_max: usize,
    /// `offset.metadata.max.bytes`.
    pub offset_metadata_bytes_max: usize,
    /// `offsets.retention.minutes`.
    pub offsets_retention: Duration,
    /// `offsets.retention.check.interval.ms`.
    pub offsets_retention_check_interval: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            session_timeout_min: Duration::from_secs(6),
            session_timeout_max: Duration::from_mins(30),
            initial_rebalance_delay: Duration::from_secs(3),
            group_size_max: GROUP_SIZE_MAX_DEFAULT,
            offset_metadata_bytes_max: 4096,
            offsets_retention: Duration::from_hours(7 * 24),
            offsets_retention_check_interval: Duration::from_mins(10),
        }
    }
}

/// Members of one group unless `group.max.size` says otherwise, and as many ids that were given out and not used yet.
/// The answer to the leader lists every member, so a group without a bound would make one answer without a bound;
/// 10,000 is several times the largest groups that are known to work with this protocol.
pub(super) const GROUP_SIZE_MAX_DEFAULT: usize = 10_000;

/// Bytes of all subscriptions of a group, and of all its assignments. Both are written as one entry of the log, which
/// carries entries of this size for AMQP messages as well; Kafka's own bound is 1 MiB by default.
pub(super) const GROUP_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Groups of one coordinator. A group costs memory as soon as somebody names it, so a client that invents names must
/// hit a bound; 100,000 small groups take about 100 MB.
pub(super) const GROUPS_MAX: usize = 100_000;

/// Bytes of all members, assignments and positions of one coordinator. Whoever would exceed it is refused until
/// something goes away. It is there for clients that send the largest requests under ever new names; 256 MiB hold the
/// state of a million ordinary members.
pub(super) const COORDINATOR_BYTES_MAX: usize = 256 * 1024 * 1024;

/// How long a new member that does not know its id yet may wait in a rebalance. It cannot send heartbeats, and whether
/// its client is still there shows only when it asks again (Kafka's constant).
pub(super) const NEW_MEMBER_JOIN_TIMEOUT: Duration = Duration::from_mins(5);

/// The pause before a rebalance in which nobody has joined is tried again. Static members with a rebalance time-out of
/// zero would otherwise make the driver spin until their sessions end.
pub(super) const EMPTY_REBALANCE_RETRY_MIN: Duration = Duration::from_secs(1);

/// Groups that one tick checks for expired offsets, so that the shard's other work waits for microseconds at a time.
pub(super) const RETENTION_GROUPS_PER_TICK: usize = 256;

/// Bytes of a client's reason for joining or leaving that are logged (KIP-800); the rest is noise.
pub(super) const REASON_BYTES_MAX: usize = 256;
