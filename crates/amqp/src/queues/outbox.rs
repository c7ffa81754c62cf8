//! Dead letters on their way to other shards, and which of theirs have arrived here (decision 0013).
//!
//! A letter is in the outbox from the commit that takes its messages out of their queue until the receiver
//! says that it has them. Letters to one shard carry ordinals that only grow; the receiver takes each ordinal
//! once. Cells of [`Kind::Queue`], by the first byte of their key:
//!
//! | key | value |
//! | --- | --- |
//! | `0`, shard, ordinal | version, queues, record batch: a letter |
//! | `1`, shard | version, ordinal: the last one that was used towards that shard |
//! | `2`, shard | version, ordinal: the last one that was taken from that shard |

use super::io::{Effect, HostMail};
use crate::mail::QueueId;
use crate::run::Run;
use base::{Packer, ShardId, StreamId, Truncated, Unpacker};
use bytes::Bytes;
use commitlog::{Cell, Kind};
use std::collections::{BTreeMap, VecDeque};

/// Letters to one shard that were sent and not answered. The receiver is never overrun, so that hosts need
/// not wait for each other.
const SENT_MAX: usize = 64;
/// Bytes of letters to all shards. While there are more, dead messages stay in their queues.
const BYTES_MAX: usize = 16 << 20;
/// The version of the cells' values.
const VERSION: u8 = 1;

const LETTER: u8 = 0;
const USED: u8 = 1;
const TAKEN: u8 = 2;

#[derive(Debug)]
struct Letter {
    ordinal: u64,
    targets: Vec<QueueId>,
    run: Run,
    /// It is durable here.
    landed: bool,
}

/// Letters to one shard.
#[derive(Debug, Default)]
struct Lane {
    used: u64,
    letters: VecDeque<Letter>,
    /// How many of them, from the first on, were sent.
    sent: usize,
}

/// Letters to all shards.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    lanes: BTreeMap<ShardId, Lane>,
    bytes: usize,
    /// Answers to letters of others.
    answers: Vec<(ShardId, HostMail)>,
}

/// Ordinals that were taken from each shard.
pub(crate) type Inbox = BTreeMap<ShardId, u64>;

/// What a shard's cells of [`Kind::Queue`] tell, in the order of their keys. A cell that cannot be read is
/// reported and left out.
pub(crate) fn restore<'a>(cells: impl Iterator<Item = (&'a Bytes, &'a Bytes)>) -> (Outbox, Inbox) {
    let (mut outbox, mut inbox) = (Outbox::default(), Inbox::new());
    for (key, value) in cells {
        if read_cell(key, value, &mut outbox, &mut inbox).is_err() {
            tracing::error!(
                ?key,
                "a dead letter on its way cannot be read and is left out"
            );
        }
    }
    (outbox, inbox)
}

fn read_cell(
    key: &Bytes,
    value: &Bytes,
    outbox: &mut Outbox,
    inbox: &mut Inbox,
) -> Result<(), Truncated> {
    let (mut key, mut value) = (Unpacker::new(key.clone()), Unpacker::new(value.clone()));
    let (tag, shard) = (key.u8()?, ShardId(key.u16()?));
    if value.u8()? != VERSION {
        return Err(Truncated);
    }
    match tag {
        LETTER => {
            let ordinal = u64::from_be_bytes(key.rest()[..].try_into().map_err(|_| Truncated)?);
            let mut targets = Vec::new();
            for _ in 0..value.count(8)? {
                targets.push(StreamId(value.u64()?));
            }
            let run = Run::open(value.bytes()?).map_err(|_| Truncated)?;
            outbox.bytes += run.batch().len();
            let lane = outbox.lanes.entry(shard).or_default();
            lane.used = lane.used.max(ordinal);
            lane.letters.push_back(Letter {
                ordinal,
                targets,
                run,
                landed: true,
            });
        }
        USED => {
            let lane = outbox.lanes.entry(shard).or_default();
            lane.used = lane.used.max(value.u64()?);
        }
        TAKEN => drop(inbox.insert(shard, value.u64()?)),
        _ => return Err(Truncated),
    }
    Ok(())
}

fn key(tag: u8, shard: ShardId) -> Packer {
    let mut key = Packer::new();
    key.u8(tag).u16(shard.0);
    key
}

fn letter_key(shard: ShardId, ordinal: u64) -> Bytes {
    let key = key(LETTER, shard).finish();
    // Big-endian, so that the order of keys is the order of letters.
    [&key[..], &ordinal.to_be_bytes()].concat().into()
}

fn cell(key: Bytes, value: Option<Bytes>) -> Cell {
    Cell {
        kind: Kind::Queue,
        key,
        value,
    }
}

/// The cell that says that everything up to `ordinal` was taken from a shard.
pub(crate) fn taken_cell(from: ShardId, ordinal: u64) -> Cell {
    let mut value = Packer::new();
    value.u8(VERSION).u64(ordinal);
    cell(taken_key(from), Some(value.finish()))
}

/// Raises what a shard has used of its ordinals to what others have taken of them: where its own cells were
/// damaged, none of them is used twice and passed over as one that was taken before.
pub(crate) fn raise_used<'a>(
    cells: &mut BTreeMap<Bytes, Bytes>,
    shard: ShardId,
    others: impl Iterator<Item = (ShardId, Option<&'a Bytes>)>,
) {
    let read = |value: &Bytes| {
        let mut value = Unpacker::new(value.clone());
        let known = value.u8().ok()? == VERSION;
        known.then(|| value.u64().ok())?
    };
    for (other, taken) in others.filter(|(other, _)| *other != shard) {
        let (key, taken) = (key(USED, other).finish(), taken.and_then(read));
        let used = cells.get(&key).and_then(read);
        if let Some(taken) = taken.filter(|taken| used.is_none_or(|used| used < *taken)) {
            let mut value = Packer::new();
            value.u8(VERSION).u64(taken);
            cells.insert(key, value.finish());
        }
    }
}

/// The key of the cell that says what was taken from a shard.
pub(crate) fn taken_key(from: ShardId) -> Bytes {
    key(TAKEN, from).finish()
}

impl Outbox {
    /// Whether it takes more letters.
    pub(crate) fn has_room(&self) -> bool {
        self.bytes < BYTES_MAX
    }

    /// Takes a letter in; returns its ordinal and the cells that make it durable.
    pub(crate) fn push(
        &mut self,
        to: ShardId,
        targets: Vec<QueueId>,
        run: Run,
    ) -> (u64, [Cell; 2]) {
        let lane = self.lanes.entry(to).or_default();
        lane.used += 1;
        let ordinal = lane.used;
        let mut letter = Packer::new();
        letter.u8(VERSION).count(targets.len());
        for target in &targets {
            letter.u64(target.0);
        }
        letter.bytes(run.batch());
        let mut used = Packer::new();
        used.u8(VERSION).u64(ordinal);
        let cells = [
            cell(letter_key(to, ordinal), Some(letter.finish())),
            cell(key(USED, to).finish(), Some(used.finish())),
        ];
        self.bytes += run.batch().len();
        lane.letters.push_back(Letter {
            ordinal,
            targets,
            run,
            landed: false,
        });
        (ordinal, cells)
    }

    /// Letters to a shard up to this ordinal are durable.
    pub(crate) fn landed(&mut self, to: ShardId, ordinal: u64) {
        if let Some(lane) = self.lanes.get_mut(&to) {
            let landed = lane
                .letters
                .iter_mut()
                .rev()
                .skip_while(|letter| letter.ordinal > ordinal);
            landed
                .take_while(|letter| !letter.landed)
                .for_each(|letter| letter.landed = true);
        }
    }

    /// A letter has arrived; returns the cells to remove.
    pub(crate) fn arrived(&mut self, at: ShardId, ordinal: u64) -> Vec<Cell> {
        let Some(lane) = self.lanes.get_mut(&at) else {
            return Vec::new();
        };
        let mut cells = Vec::new();
        while let Some(letter) = lane
            .letters
            .pop_front_if(|letter| letter.ordinal <= ordinal)
        {
            self.bytes -= letter.run.batch().len();
            lane.sent = lane.sent.saturating_sub(1);
            cells.push(cell(letter_key(at, letter.ordinal), None));
        }
        cells
    }

    /// Letters of others are durable here: they are told.
    pub(crate) fn answer(&mut self, by: ShardId, taken: impl Iterator<Item = (ShardId, u64)>) {
        let taken = taken.map(|(to, ordinal)| (to, HostMail::Taken { by, ordinal }));
        self.answers.extend(taken);
    }

    /// Says that letters of another shard are missing.
    pub(crate) fn ask_again(&mut self, of: ShardId, mail: HostMail) {
        self.answers.push((of, mail));
    }

    /// Letters to a shard were lost on their way: they are sent again.
    pub(crate) fn rewind(&mut self, to: ShardId) {
        if let Some(lane) = self.lanes.get_mut(&to) {
            lane.sent = 0;
        }
    }

    /// Sends what may be sent.
    pub(crate) fn send(&mut self, from: ShardId, effects: &mut Vec<Effect>) {
        let answers = self.answers.drain(..);
        effects.extend(answers.map(|(to, mail)| Effect::Send(to, mail)));
        for (to, lane) in &mut self.lanes {
            while lane.sent < SENT_MAX
                && let Some(letter) = lane.letters.get(lane.sent).filter(|letter| letter.landed)
            {
                let before = lane.sent.checked_sub(1).and_then(|at| lane.letters.get(at));
                let mail = HostMail::Letters {
                    from,
                    ordinal: letter.ordinal,
                    previous: before.map_or(0, |letter| letter.ordinal),
                    targets: letter.targets.clone(),
                    run: letter.run.clone(),
                };
                effects.push(Effect::Send(*to, mail));
                lane.sent += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests;
