//! The log's suite, written against its public face and the trait `Wal`: every back end passes it.

mod append;
mod backend;
mod batch;
mod cells;
mod cold;
mod damage;
mod faults;
mod fixtures;
mod process;
mod queue_files;
mod queues;
mod recovery;
mod retention;
mod wal;
