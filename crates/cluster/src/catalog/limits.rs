//! Bounds of the topology. Everything in it is in memory, in every checkpoint, and read on every start.

use super::error::TopologyError;
use bytes::Bytes;

/// Longest name, kind, routing key and tag in bytes: AMQP's short string.
const NAME_BYTES_MAX: usize = 255;
/// Longest arguments of a declaration or binding in bytes: real ones have some hundred.
const ARGUMENTS_BYTES_MAX: usize = 64 << 10;
/// Longest pattern of a permission in bytes.
pub(super) const PATTERN_BYTES_MAX: usize = 4 << 10;
/// Vhosts; each begins with seven exchanges.
pub(super) const VHOSTS_MAX: usize = 10_000;
/// Users.
pub(super) const USERS_MAX: usize = 100_000;
/// Tags of a user.
pub(super) const TAGS_MAX: usize = 64;
/// Exchanges in all vhosts, the predeclared ones among them.
pub(super) const EXCHANGES_MAX: usize = 200_000;
/// Queues in all vhosts, written or not.
pub(super) const QUEUES_MAX: usize = 200_000;
/// Bindings in all vhosts: some hundred bytes each.
pub(super) const BINDINGS_MAX: usize = 1_000_000;
/// Levels of a queue: `x-max-priority` is at most 255.
pub(super) const LEVELS_MAX: usize = 256;

pub(super) fn name(name: &str) -> Result<(), TopologyError> {
    len("name", name.len(), NAME_BYTES_MAX)
}

pub(super) fn arguments(arguments: &Bytes) -> Result<(), TopologyError> {
    len("table of arguments", arguments.len(), ARGUMENTS_BYTES_MAX)
}

pub(super) fn len(what: &'static str, len: usize, max: usize) -> Result<(), TopologyError> {
    if len > max {
        Err(TopologyError::TooLong(what, max))
    } else {
        Ok(())
    }
}

/// Whether there may be one more.
pub(super) fn count(what: &'static str, present: usize, max: usize) -> Result<(), TopologyError> {
    if present >= max {
        Err(TopologyError::TooMany(what, max))
    } else {
        Ok(())
    }
}
