//! Logs of both faces: files that can be reopened, lines with variables, errors with levels.
//!
//! A worker collects access lines and writes what it has when its event loop has nothing else to do, so one write may carry
//! the lines of several requests; `buffer=` lets more of them wait. Error lines are written at once. A log never blocks a
//! request for another worker and never fails one: what cannot be written is dropped.

mod access;
mod error;
mod file;
mod format;
pub(crate) mod rows;
mod write;
mod writer;

pub(crate) use access::{AccessLog, Target, Words};
pub(crate) use error::Errors;
pub(crate) use file::{LogFile, Logs};
pub(crate) use format::{Escape, Format};
pub(crate) use write::Ways;
pub(crate) use writer::{Limits, Writer};
