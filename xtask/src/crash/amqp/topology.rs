//! The queues of the crash run: work that may be dead-lettered, and a fan-out.

use anyhow::Result;

use super::label::{DEAD_QUEUES, FAN_QUEUES, Label, WORK_QUEUES};
use crate::amqp_client::{Connection, Value};

pub(super) const WORK: &str = "crash-work";
const DEAD: &str = "crash-dead";
pub(super) const FAN: &str = "crash-fan";

/// A queue of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Queue {
    Work(u64),
    Dead(u64),
    Fan(u64),
}

/// What a publisher publishes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    Work,
    Fan,
}

impl Lane {
    pub(super) fn exchange(self) -> &'static str {
        match self {
            Lane::Work => WORK,
            Lane::Fan => FAN,
        }
    }

    pub(super) fn key(self, label: Label) -> String {
        match self {
            Lane::Work => label.work_key(),
            Lane::Fan => "all".to_owned(),
        }
    }

    /// Every queue that a message is in once it is confirmed.
    pub(super) fn targets(self, label: Label) -> Vec<Queue> {
        match self {
            Lane::Work => vec![Queue::Work(label.work_queue())],
            Lane::Fan => (0..FAN_QUEUES).map(Queue::Fan).collect(),
        }
    }
}

impl Queue {
    pub(super) fn all() -> impl Iterator<Item = Queue> {
        let work = (0..WORK_QUEUES).map(Queue::Work);
        work.chain((0..DEAD_QUEUES).map(Queue::Dead))
            .chain((0..FAN_QUEUES).map(Queue::Fan))
    }

    pub(super) fn name(self) -> String {
        match self {
            Queue::Work(number) => format!("work-{number}"),
            Queue::Dead(number) => format!("dead-{number}"),
            Queue::Fan(number) => format!("fan-{number}"),
        }
    }

    /// Whether what is rejected here goes on to another queue.
    pub(super) fn dead_letters(self) -> bool {
        matches!(self, Queue::Work(_))
    }

    /// Whether a message of this lane may be here at all.
    pub(super) fn is_target(self, lane: Lane, label: Label) -> bool {
        match self {
            Queue::Dead(number) => lane == Lane::Work && label.dead_queue() == number,
            other => lane.targets(label).contains(&other),
        }
    }
}

/// Declares everything.
pub(super) fn declare(address: &str) -> Result<()> {
    let mut connection = Connection::open(address)?;
    connection.declare_exchange(WORK, "topic")?;
    connection.declare_exchange(DEAD, "topic")?;
    connection.declare_exchange(FAN, "fanout")?;
    for queue in Queue::all() {
        let name = queue.name();
        match queue {
            Queue::Work(number) => {
                connection
                    .declare_queue(&name, &[("x-dead-letter-exchange", Value::Text(DEAD))])?;
                connection.bind(&name, WORK, &format!("w{number}.*"))?;
            }
            Queue::Dead(number) => {
                connection.declare_queue(&name, &[])?;
                connection.bind(&name, DEAD, &format!("*.d{number}"))?;
            }
            Queue::Fan(_) => {
                connection.declare_queue(&name, &[])?;
                connection.bind(&name, FAN, "")?;
            }
        }
    }
    Ok(())
}
