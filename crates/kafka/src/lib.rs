//! kafka

pub mod groups;
