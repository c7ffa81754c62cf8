//! What the data as a whole is and who owns it: its identity, the ownership of its shards, and the
//! catalog of topics, queues and users.
//!
//! On one machine ownership is the directory's lock and one claim per start; the catalog is protocol-agnostic:
//! which names and settings are allowed is each face's business.

mod catalog;
pub mod fuzz;
mod identity;
mod password;
mod stream_queue;
mod topic;
mod topology;

pub use catalog::{Catalog, ChangeError, Loaded, Made, TopologyError};
pub use identity::{Identity, IdentityError};
pub use password::{BadHash, PasswordHash, Verifier, VerifyError};
pub use stream_queue::stream_topic_name;
pub use topic::{Partition, Topic, Topics};
pub use topology::{
    Binding, Destination, Exchange, NewQueue, Permission, Queue, QueueKind, Topology, User, Vhost,
};
