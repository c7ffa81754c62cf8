//! A host over a model of the log.

mod crashes;
mod delivering;
mod dying;
mod random;
pub(crate) mod world;
