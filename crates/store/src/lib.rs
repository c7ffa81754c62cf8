//! The one storage seam: everything durable passes through a [`Disk`] or through [`Objects`].
//!
//! A `Disk` is a directory of mutable files (the embedded WAL); `Objects` are immutable named blobs
//! with create-if-absent (checkpoints, claims, indexes; later the object store). Each has a real
//! back end and a simulated one that forgets what was not synced.
//!
//! Blocking calls never run on the caller's thread: they go through an [`Offload`], which a driver
//! backs with its pool of blocking threads and a test runs in place.

mod disk;
mod objects;
mod offload;
mod os_disk;
mod sim_disk;

pub use disk::{Disk, DiskFile, Entry};
pub use objects::{Creation, LocalObjects, Objects};
pub use offload::{InPlace, Offload, offload};
pub use os_disk::{LockError, OsDisk};
pub use sim_disk::{SimDisk, SimFaults};
