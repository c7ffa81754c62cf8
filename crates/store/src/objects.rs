//! Immutable named blobs that are created once and never overwritten.

use crate::disk::Disk;
use crate::offload::{Offload, offload};
use base::BoxFuture;
use bytes::Bytes;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What came of a create-if-absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Creation {
    /// The object is now there, durably, with these bytes.
    Created,
    /// The name was taken. Whose bytes are there must be read.
    Exists,
}

/// A store of immutable objects; *create-if-absent* is the only write that safety rests on.
///
/// Names have `/` between their parts. `NotFound` means that the store said so; every other error
/// says nothing about whether the object exists.
pub trait Objects: Send + Sync + 'static {
    /// Creates an object unless the name is taken; durable on return.
    fn create<'a>(&'a self, name: &'a str, body: Bytes) -> BoxFuture<'a, io::Result<Creation>>;

    /// Reads `len` bytes at `position`; fewer only at the object's end.
    fn get_range<'a>(
        &'a self,
        name: &'a str,
        position: u64,
        len: usize,
    ) -> BoxFuture<'a, io::Result<Bytes>>;

    /// Reads an object whole.
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Bytes>> {
        self.get_range(name, 0, usize::MAX)
    }

    /// The names directly below `prefix`, sorted.
    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, io::Result<Vec<String>>>;

    /// Removes an object; it may be gone already.
    fn delete<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<()>>;
}

/// Objects as files of a [`Disk`].
///
/// The bytes are written and synced under a temporary name and then linked to the real one, so that
/// an object is either absent or whole, whatever fails in between.
#[derive(Clone)]
pub struct LocalObjects {
    disk: Arc<dyn Disk>,
    pool: Arc<dyn Offload>,
    temporary: Arc<AtomicU64>,
}

const TEMPORARY: &str = "tmp";

impl LocalObjects {
    /// Keeps objects on `disk`. What an earlier process left half-written is removed.
    pub fn open(disk: Arc<dyn Disk>, pool: Arc<dyn Offload>) -> io::Result<Self> {
        disk.create_dir(TEMPORARY)?;
        for entry in disk.list(TEMPORARY)? {
            disk.remove(&format!("{TEMPORARY}/{}", entry.name))?;
        }
        Ok(Self {
            disk,
            pool,
            temporary: Arc::default(),
        })
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Disk) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let disk = self.disk.clone();
        let done = offload(&*self.pool, move || work(&*disk)).await;
        done.unwrap_or_else(|| Err(io::Error::other("the process is stopping")))
    }
}

fn directory(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(dir, _)| dir)
}

fn create(disk: &dyn Disk, temporary: &str, name: &str, body: &[u8]) -> io::Result<Creation> {
    let file = disk.create(temporary)?;
    let written = file.write_at(0, body).and_then(|()| file.sync_data());
    let linked = written.and_then(|()| {
        disk.create_dir(directory(name))?;
        disk.link(temporary, name)
    });
    let removed = disk.remove(temporary);
    match linked {
        Ok(()) => {}
        // An earlier try may have linked the name without living to sync it.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            disk.sync_dir(directory(name))?;
            return Ok(Creation::Exists);
        }
        Err(error) => return Err(error),
    }
    disk.sync_dir(directory(name))?;
    removed?;
    Ok(Creation::Created)
}

impl Objects for LocalObjects {
    fn create<'a>(&'a self, name: &'a str, body: Bytes) -> BoxFuture<'a, io::Result<Creation>> {
        let name = name.to_owned();
        let temporary = format!(
            "{TEMPORARY}/{}",
            self.temporary.fetch_add(1, Ordering::Relaxed)
        );
        Box::pin(self.run(move |disk| create(disk, &temporary, &name, &body)))
    }

    fn get_range<'a>(
        &'a self,
        name: &'a str,
        position: u64,
        len: usize,
    ) -> BoxFuture<'a, io::Result<Bytes>> {
        let name = name.to_owned();
        Box::pin(self.run(move |disk| disk.open(&name)?.read_at(position, len)))
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, io::Result<Vec<String>>> {
        let prefix = prefix.to_owned();
        Box::pin(self.run(move |disk| {
            Ok(disk
                .list(&prefix)?
                .into_iter()
                .map(|entry| entry.name)
                .collect())
        }))
    }

    fn delete<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<()>> {
        let name = name.to_owned();
        Box::pin(self.run(move |disk| match disk.remove(&name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => disk.sync_dir(directory(&name)),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::{Creation, LocalObjects, Objects};
    use crate::offload::InPlace;
    use crate::sim_disk::SimDisk;
    use bytes::Bytes;
    use futures_util::FutureExt;
    use std::sync::Arc;

    fn now<T>(future: impl Future<Output = T>) -> T {
        future.now_or_never().expect("work in place never waits")
    }

    #[test]
    fn a_created_object_survives_a_power_loss_whole_and_is_never_overwritten() {
        let disk = SimDisk::new();
        let objects =
            LocalObjects::open(Arc::new(disk.clone()), Arc::new(InPlace)).expect("opened");
        assert_eq!(
            now(objects.create("checkpoint/1", Bytes::from_static(b"one"))).expect("made"),
            Creation::Created
        );
        assert_eq!(
            now(objects.create("checkpoint/1", Bytes::from_static(b"two"))).expect("asked"),
            Creation::Exists
        );
        for seed in 0..50 {
            let after = LocalObjects::open(Arc::new(disk.power_loss(seed)), Arc::new(InPlace))
                .expect("opened");
            assert_eq!(&now(after.get("checkpoint/1")).expect("there")[..], b"one");
            assert_eq!(now(after.list("checkpoint")).expect("listed"), ["1"]);
        }
        now(objects.delete("checkpoint/1")).expect("gone");
        now(objects.delete("checkpoint/1")).expect("gone already");
        assert_eq!(
            now(objects.get("checkpoint/1")).expect_err("gone").kind(),
            std::io::ErrorKind::NotFound
        );
    }
}
