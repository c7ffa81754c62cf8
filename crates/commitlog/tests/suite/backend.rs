//! The back ends that every test runs on.

use base::Incarnation;
use commitlog::{FileWal, Wal};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use store::{Disk, InPlace, LocalObjects, Objects, OsDisk, SimDisk};

/// Somewhere to keep a log.
pub(crate) trait Backend {
    fn name(&self) -> &'static str;

    /// What a process gets that starts now; the one before has ended.
    fn open(
        &self,
        incarnation: Incarnation,
        file_bytes_max: u32,
    ) -> (Arc<dyn Wal>, Arc<dyn Objects>);

    /// The files below, for those who damage them; `None` where there are none.
    fn disk(&self) -> Option<Arc<dyn Disk>>;
}

/// All of them, empty.
pub(crate) fn all() -> Vec<Box<dyn Backend>> {
    vec![Box::new(Simulated::default()), Box::new(Directory::new())]
}

/// Runs a test on every back end.
pub(crate) fn check(test: impl Fn(&dyn Backend)) {
    for backend in all() {
        let outcome = catch_unwind(AssertUnwindSafe(|| test(&*backend)));
        assert!(outcome.is_ok(), "on {}", backend.name());
    }
}

fn open(
    disk: Arc<dyn Disk>,
    incarnation: Incarnation,
    file_bytes_max: u32,
) -> (Arc<dyn Wal>, Arc<dyn Objects>) {
    let pool = Arc::new(InPlace);
    let wal = FileWal::open(disk.clone(), pool.clone(), incarnation, file_bytes_max);
    let objects = LocalObjects::open(disk, pool);
    (
        Arc::new(wal.expect("a WAL")),
        Arc::new(objects.expect("a place for objects")),
    )
}

/// WAL files on a simulated disk, which forgets nothing between processes unless told to.
#[derive(Default)]
pub(crate) struct Simulated(pub(crate) SimDisk);

impl Backend for Simulated {
    fn name(&self) -> &'static str {
        "WAL files on a simulated disk"
    }

    fn open(
        &self,
        incarnation: Incarnation,
        file_bytes_max: u32,
    ) -> (Arc<dyn Wal>, Arc<dyn Objects>) {
        open(Arc::new(self.0.clone()), incarnation, file_bytes_max)
    }

    fn disk(&self) -> Option<Arc<dyn Disk>> {
        Some(Arc::new(self.0.clone()))
    }
}

/// WAL files in a real directory.
pub(crate) struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "mainstay-commitlog-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // A test that failed may have left nothing.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Backend for Directory {
    fn name(&self) -> &'static str {
        "WAL files in a directory"
    }

    fn open(
        &self,
        incarnation: Incarnation,
        file_bytes_max: u32,
    ) -> (Arc<dyn Wal>, Arc<dyn Objects>) {
        let disk = OsDisk::lock(&self.0).expect("the process before has ended");
        open(Arc::new(disk), incarnation, file_bytes_max)
    }

    fn disk(&self) -> Option<Arc<dyn Disk>> {
        Some(Arc::new(OsDisk::lock(&self.0).expect("nobody has it")))
    }
}
