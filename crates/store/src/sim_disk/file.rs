//! An open file of a simulated disk.

use super::{Change, Inode, SimDisk, apply, lock};
use crate::disk::DiskFile;
use bytes::Bytes;
use std::io::{self, Error, ErrorKind};
use std::sync::{Arc, Mutex};

/// An open file.
pub(super) struct SimFile {
    pub(super) disk: SimDisk,
    pub(super) inode: Arc<Mutex<Inode>>,
}

impl DiskFile for SimFile {
    fn write_at(&self, position: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = lock(&self.disk.0);
        let whole = state.begin_change()?;
        let free = usize::try_from(state.free_bytes()).unwrap_or(usize::MAX);
        drop(state);
        let position = usize::try_from(position).map_err(|_| ErrorKind::InvalidInput)?;
        let mut inode = lock(&self.inode);
        let room = (inode.visible.len() - position.min(inode.visible.len())).saturating_add(free);
        let done = if whole {
            room
        } else {
            room.min(bytes.len() / 2)
        };
        let part = &bytes[..done.min(bytes.len())];
        let change = Change::Write {
            position,
            bytes: part.to_vec(),
        };
        apply(&mut inode.visible, &change);
        inode.unsynced.push(change);
        drop(inode);
        lock(&self.disk.0).running()?;
        if part.len() < bytes.len() {
            return Err(ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn read_at(&self, position: u64, len: usize) -> io::Result<Bytes> {
        lock(&self.disk.0).running()?;
        let inode = lock(&self.inode);
        let start = usize::try_from(position)
            .unwrap_or(usize::MAX)
            .min(inode.visible.len());
        let end = start.saturating_add(len).min(inode.visible.len());
        Ok(Bytes::copy_from_slice(&inode.visible[start..end]))
    }

    fn len(&self) -> io::Result<u64> {
        lock(&self.disk.0).running()?;
        Ok(lock(&self.inode).visible.len() as u64)
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        lock(&self.disk.0).begin_whole_change()?;
        let len = usize::try_from(len).map_err(|_| ErrorKind::InvalidInput)?;
        let mut inode = lock(&self.inode);
        inode.visible.resize(len, 0);
        inode.unsynced.push(Change::Truncate(len));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = lock(&self.disk.0);
        state.begin_whole_change()?;
        let failing = state.faults.sync_fails;
        drop(state);
        let mut inode = lock(&self.inode);
        let inode = &mut *inode;
        let unsynced = std::mem::take(&mut inode.unsynced);
        if failing {
            return Err(Error::other("injected EIO"));
        }
        for change in &unsynced {
            apply(&mut inode.durable, change);
        }
        Ok(())
    }
}
