//! Incremental fetch sessions (KIP-227): what a consumer fetches again and again is remembered here, so that its
//! requests name only what changes, and its responses only what is new.
//!
//! It promises that a client never has to believe anything about a partition that it was not told: a
//! session whose requests come in another order than ours is refused, and the client starts a full one.
//! It reads nothing and waits for nothing.

mod session;

use base::{Entropy, Monotonic};
use kafka_wire::messages::fetch::{FetchPartition, FetchRequest, FetchTopic};
use kafka_wire::{ErrorCode, Str, Uuid};
use session::FetchSession;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a session must have been idle before another may take its place (Kafka's constant).
const IDLE_MIN: Duration = Duration::from_mins(2);

/// Partitions of all sessions together: some 200 bytes each. A fetch that would go above it is answered without a
/// session, which is correct and costs the client longer requests.
const PARTITIONS_MAX: usize = 250_000;

/// The epoch of a request that opens a session.
const EPOCH_OPEN: i32 = 0;
/// The epoch of a request that wants no session, or closes one.
const EPOCH_FINAL: i32 = -1;

/// A partition that a fetch asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Its topic's name, up to version 12.
    pub(crate) topic: Str,
    /// Its topic's id, from version 13 on.
    pub(crate) topic_id: Uuid,
    /// What is asked.
    pub(crate) partition: FetchPartition,
}

/// What names a partition within a session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    topic: Str,
    topic_id: Uuid,
    partition: i32,
}

impl Wanted {
    fn key(&self) -> Key {
        Key {
            topic: self.topic.clone(),
            topic_id: self.topic_id,
            partition: self.partition.partition,
        }
    }
}

/// What a response says of a partition, as far as it matters to the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) failed: bool,
    pub(crate) has_records: bool,
    pub(crate) high_watermark: i64,
    pub(crate) log_start_offset: i64,
}

/// What a request's response has to be.
#[derive(Debug)]
pub(crate) enum Mode {
    /// All partitions, and no session.
    Sessionless,
    /// All partitions, and a session from now on if there is room.
    Full(FetchSession),
    /// What is new in a session.
    Incremental(i32, Arc<Mutex<FetchSession>>),
}

impl Mode {
    /// Takes note of what there is to tell of a partition; returns whether it belongs into the response.
    pub(crate) fn tell(&mut self, wanted: &Wanted, told: Told) -> bool {
        match self {
            Self::Sessionless => true,
            Self::Full(session) => {
                session.put(wanted);
                session.tell(&wanted.key(), told);
                true
            }
            Self::Incremental(_, session) => lock(session).tell(&wanted.key(), told),
        }
    }
}

/// All sessions of a broker.
#[derive(Debug)]
pub(crate) struct FetchSessions {
    slots: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    sessions: HashMap<i32, Slot>,
    /// Of all sessions together.
    partitions: usize,
}

#[derive(Debug)]
struct Slot {
    session: Arc<Mutex<FetchSession>>,
    last_used: Monotonic,
    partitions: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FetchSessions {
    /// None yet, and never more than `slots`.
    pub(crate) fn new(slots: usize) -> Self {
        Self {
            slots,
            state: Mutex::default(),
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        lock(&self.state).sessions.len()
    }

    /// What a request asks for, together with what its session remembers, and how to answer it.
    pub(crate) fn begin(
        &self,
        now: Monotonic,
        version: i16,
        request: FetchRequest,
    ) -> Result<(Vec<Wanted>, Mode), ErrorCode> {
        let (id, epoch, by_id) = (request.session_id, request.session_epoch, version >= 13);
        if [EPOCH_OPEN, EPOCH_FINAL].contains(&epoch) {
            if id != 0 {
                lock(&self.state).remove(id);
            }
            let mode = if epoch == EPOCH_OPEN && version >= 7 && self.slots > 0 {
                Mode::Full(FetchSession::new(by_id))
            } else {
                Mode::Sessionless
            };
            return Ok((wanted(request.topics).collect(), mode));
        }
        let session = lock(&self.state)
            .sessions
            .get(&id)
            .map(|slot| slot.session.clone())
            .ok_or(ErrorCode::FetchSessionIdNotFound)?;
        let (everything, count) = {
            let mut session = lock(&session);
            session.advance(epoch, by_id)?;
            session.update(wanted(request.topics), &request.forgotten_topics_data);
            (session.wanted(), session.len())
        };
        let mut state = lock(&self.state);
        if count == 0 || !state.resize(id, count, now) {
            // As in Kafka, a session without partitions ends; one that has grown too large does too.
            state.remove(id);
            return Ok((everything, Mode::Sessionless));
        }
        Ok((everything, Mode::Incremental(id, session)))
    }

    /// The id that the response carries, when everything was told.
    pub(crate) fn finish(&self, now: Monotonic, entropy: &dyn Entropy, mode: Mode) -> i32 {
        match mode {
            Mode::Sessionless => 0,
            Mode::Full(session) => self.keep(now, entropy, session).unwrap_or(0),
            Mode::Incremental(id, _) => id,
        }
    }

    fn keep(&self, now: Monotonic, entropy: &dyn Entropy, session: FetchSession) -> Option<i32> {
        let mut state = lock(&self.state);
        let partitions = session.len();
        if partitions == 0 || state.partitions + partitions > PARTITIONS_MAX {
            return None;
        }
        if state.sessions.len() >= self.slots && !state.evict(now) {
            return None;
        }
        let id = loop {
            let bits = entropy.random() & 0x7fff_ffff;
            let id = i32::try_from(bits).unwrap_or(0);
            if id != 0 && !state.sessions.contains_key(&id) {
                break id;
            }
        };
        state.partitions += partitions;
        let slot = Slot {
            session: Arc::new(Mutex::new(session)),
            last_used: now,
            partitions,
        };
        state.sessions.insert(id, slot);
        Some(id)
    }
}

impl State {
    fn remove(&mut self, id: i32) {
        if let Some(slot) = self.sessions.remove(&id) {
            self.partitions -= slot.partitions;
        }
    }

    /// Notes that a session was used and how many partitions it has now; `false` where there is no room for them.
    fn resize(&mut self, id: i32, partitions: usize, now: Monotonic) -> bool {
        let Some(slot) = self.sessions.get_mut(&id) else {
            return false;
        };
        let total = self.partitions - slot.partitions + partitions;
        if partitions > slot.partitions && total > PARTITIONS_MAX {
            return false;
        }
        slot.last_used = now;
        slot.partitions = partitions;
        self.partitions = total;
        true
    }

    /// Makes room by ending the session that has been idle longest, if that is long enough.
    fn evict(&mut self, now: Monotonic) -> bool {
        let oldest = self
            .sessions
            .iter()
            .min_by_key(|(_, slot)| slot.last_used)
            .map(|(id, slot)| (*id, slot.last_used));
        match oldest {
            Some((id, last_used)) if now - last_used > IDLE_MIN => {
                self.remove(id);
                true
            }
            _ => false,
        }
    }
}

/// The partitions that a request names.
fn wanted(topics: Vec<FetchTopic>) -> impl Iterator<Item = Wanted> {
    topics.into_iter().flat_map(|topic| {
        let (name, topic_id) = (topic.topic, topic.topic_id);
        topic.partitions.into_iter().map(move |partition| Wanted {
            topic: name.clone(),
            topic_id,
            partition,
        })
    })
}
