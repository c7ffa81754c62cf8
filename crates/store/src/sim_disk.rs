//! A disk in memory that loses, at a power loss, what was not synced: whole writes, single sectors
//! of them in any order, and names whose directory was not synced.
//!
//! One seed decides what a power loss spares, so a run can be repeated exactly.

mod file;

use crate::disk::{Disk, DiskFile, Entry};
use file::SimFile;
use std::collections::BTreeMap;
use std::io::{self, Error, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a disk writes in one piece, in bytes.
const SECTOR: usize = 512;

/// Faults that a test turns on and off while a disk is in use.
#[derive(Debug, Clone, Copy, Default)]
pub struct SimFaults {
    /// Every sync fails with EIO and, as on Linux, the bytes it was for are given up but stay readable.
    pub sync_fails: bool,
    /// No write may make the disk hold more bytes than this; one that would is done in part.
    pub capacity: Option<u64>,
    /// The machine stops in the middle of the change after so many more changes: it is done in part,
    /// and from then on every call fails and changes nothing.
    pub stops_after: Option<u64>,
}

#[derive(Debug, Clone)]
enum Change {
    Write { position: usize, bytes: Vec<u8> },
    Truncate(usize),
}

/// A file's content as the running system sees it and as the medium has it.
#[derive(Debug, Default)]
struct Inode {
    visible: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
}

#[derive(Debug, Default)]
struct State {
    visible: BTreeMap<String, Arc<Mutex<Inode>>>,
    durable: BTreeMap<String, Arc<Mutex<Inode>>>,
    faults: SimFaults,
    stopped: bool,
}

impl State {
    /// Fails once the machine has stopped.
    fn running(&self) -> io::Result<()> {
        if self.stopped {
            return Err(Error::other("the machine has stopped"));
        }
        Ok(())
    }

    /// Counts a change that is about to be made. False where the machine stops in the middle of it.
    fn begin_change(&mut self) -> io::Result<bool> {
        self.running()?;
        if let Some(left) = &mut self.faults.stops_after {
            self.stopped = *left == 0;
            *left = left.saturating_sub(1);
        }
        Ok(!self.stopped)
    }

    /// Counts a change that is made whole or not at all.
    fn begin_whole_change(&mut self) -> io::Result<()> {
        self.begin_change()?;
        self.running()
    }

    fn used_bytes(&self) -> u64 {
        let lens = self.visible.values().map(|inode| lock(inode).visible.len());
        lens.sum::<usize>() as u64
    }

    fn free_bytes(&self) -> u64 {
        let capacity = self.faults.capacity;
        capacity.map_or(u64::MAX, |capacity| {
            capacity.saturating_sub(self.used_bytes())
        })
    }
}

/// The simulated disk; clones share it.
#[derive(Debug, Clone, Default)]
pub struct SimDisk(Arc<Mutex<State>>);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A small generator (SplitMix64): what a power loss spares must follow from the seed alone.
struct Coin(u64);

impl Coin {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn heads(&mut self) -> bool {
        self.next() & 1 == 1
    }
}

fn apply(content: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write { position, bytes } => {
            let end = position + bytes.len();
            if content.len() < end {
                content.resize(end, 0);
            }
            content[*position..end].copy_from_slice(bytes);
        }
        Change::Truncate(len) => content.resize(*len, 0),
    }
}

/// What the medium has of a file after a power loss: every synced byte, and of each unsynced change
/// all, nothing, or single sectors.
fn survivor(inode: &Inode, coin: &mut Coin) -> Inode {
    let mut content = inode.durable.clone();
    for change in &inode.unsynced {
        match (coin.next() % 3, change) {
            (0, _) => {}
            (1, _) | (_, Change::Truncate(_)) => apply(&mut content, change),
            (_, Change::Write { position, bytes }) => {
                let mut at = 0;
                while at < bytes.len() {
                    let end = (at + SECTOR - (position + at) % SECTOR).min(bytes.len());
                    if coin.heads() {
                        apply(
                            &mut content,
                            &Change::Write {
                                position: position + at,
                                bytes: bytes[at..end].to_vec(),
                            },
                        );
                    }
                    at = end;
                }
            }
        }
    }
    Inode {
        visible: content.clone(),
        durable: content,
        unsynced: Vec::new(),
    }
}

impl SimDisk {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The disk as it is found after the power was lost now; the old one stays as it was.
    #[must_use]
    pub fn power_loss(&self, seed: u64) -> Self {
        let mut coin = Coin(seed);
        let state = lock(&self.0);
        let mut names = state.durable.clone();
        for (name, inode) in &state.visible {
            if !names.contains_key(name) && coin.heads() {
                names.insert(name.clone(), inode.clone());
            }
        }
        names.retain(|name, _| state.visible.contains_key(name) || coin.heads());
        let survivors: BTreeMap<_, _> = names
            .into_iter()
            .map(|(name, inode)| {
                (
                    name,
                    Arc::new(Mutex::new(survivor(&lock(&inode), &mut coin))),
                )
            })
            .collect();
        Self(Arc::new(Mutex::new(State {
            visible: survivors.clone(),
            durable: survivors,
            ..State::default()
        })))
    }

    /// The disk as the next process finds it after this one was killed: nothing is lost, and what was
    /// not synced still is not.
    #[must_use]
    pub fn process_kill(&self) -> Self {
        let state = lock(&self.0);
        let mut copies: BTreeMap<*const Mutex<Inode>, Arc<Mutex<Inode>>> = BTreeMap::new();
        let mut copy = |inode: &Arc<Mutex<Inode>>| {
            let twin = copies.entry(Arc::as_ptr(inode)).or_insert_with(|| {
                let inode = lock(inode);
                Arc::new(Mutex::new(Inode {
                    visible: inode.visible.clone(),
                    durable: inode.durable.clone(),
                    unsynced: inode.unsynced.clone(),
                }))
            });
            twin.clone()
        };
        let visible = state
            .visible
            .iter()
            .map(|(name, inode)| (name.clone(), copy(inode)))
            .collect();
        let durable = state
            .durable
            .iter()
            .map(|(name, inode)| (name.clone(), copy(inode)))
            .collect();
        Self(Arc::new(Mutex::new(State {
            visible,
            durable,
            ..State::default()
        })))
    }

    /// Turns faults on or off.
    pub fn set_faults(&self, faults: SimFaults) {
        lock(&self.0).faults = faults;
    }

    /// The faults that are on.
    #[must_use]
    pub fn faults(&self) -> SimFaults {
        lock(&self.0).faults
    }

    /// Whether the machine has stopped, as [`SimFaults::stops_after`] asked for.
    #[must_use]
    pub fn has_stopped(&self) -> bool {
        lock(&self.0).stopped
    }

    /// Bytes of all files.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        lock(&self.0).used_bytes()
    }

    /// Flips one bit of a file at rest; false where the file is shorter.
    #[must_use]
    pub fn flip_bit(&self, path: &str, byte: usize, bit: u8) -> bool {
        let Some(inode) = lock(&self.0).visible.get(path).cloned() else {
            return false;
        };
        let mut inode = lock(&inode);
        let inode = &mut *inode;
        for content in [&mut inode.visible, &mut inode.durable] {
            if let Some(value) = content.get_mut(byte) {
                *value ^= 1 << (bit % 8);
            }
        }
        byte < inode.visible.len()
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

impl Disk for SimDisk {
    fn create_dir(&self, _dir: &str) -> io::Result<()> {
        Ok(())
    }

    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = lock(&self.0);
        state.begin_whole_change()?;
        if state.visible.contains_key(path) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let inode = Arc::<Mutex<Inode>>::default();
        state.visible.insert(path.to_owned(), inode.clone());
        Ok(Arc::new(SimFile {
            disk: self.clone(),
            inode,
        }))
    }

    fn open(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        let state = lock(&self.0);
        state.running()?;
        let inode = state
            .visible
            .get(path)
            .cloned()
            .ok_or(ErrorKind::NotFound)?;
        Ok(Arc::new(SimFile {
            disk: self.clone(),
            inode,
        }))
    }

    fn list(&self, dir: &str) -> io::Result<Vec<Entry>> {
        let state = lock(&self.0);
        state.running()?;
        let entries = state.visible.iter().filter(|(path, _)| parent(path) == dir);
        Ok(entries
            .map(|(path, inode)| Entry {
                name: path[path.rfind('/').map_or(0, |slash| slash + 1)..].to_owned(),
                len: lock(inode).visible.len() as u64,
            })
            .collect())
    }

    fn link(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = lock(&self.0);
        state.begin_whole_change()?;
        if state.visible.contains_key(to) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let inode = state
            .visible
            .get(from)
            .cloned()
            .ok_or(ErrorKind::NotFound)?;
        state.visible.insert(to.to_owned(), inode);
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let mut state = lock(&self.0);
        state.begin_whole_change()?;
        state
            .visible
            .remove(path)
            .map(|_| ())
            .ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        let mut state = lock(&self.0);
        state.begin_whole_change()?;
        if state.faults.sync_fails {
            return Err(Error::other("injected EIO"));
        }
        let state = &mut *state;
        state
            .durable
            .retain(|path, _| parent(path) != dir || state.visible.contains_key(path));
        for (path, inode) in state.visible.iter().filter(|(path, _)| parent(path) == dir) {
            state.durable.insert(path.clone(), inode.clone());
        }
        Ok(())
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let state = lock(&self.0);
        state.running()?;
        Ok(state.free_bytes())
    }
}

#[cfg(test)]
mod tests;
