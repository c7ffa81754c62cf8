//! kafka

pub mod groups;
mod settings;

pub use settings::{Endpoint, Settings, TimestampType};
