//! What the data as a whole is and who owns it: its identity, the ownership of its shards, and the
//! catalog of topics.
//!
//! On one machine ownership is the directory's lock and one claim per start; the catalog is protocol-agnostic:
//! which names and settings are allowed is each face's business.

mod catalog;
mod identity;
mod topic;

pub use catalog::{Catalog, ChangeError, Loaded};
pub use identity::{Identity, IdentityError};
pub use topic::{Partition, Topic, Topics};
