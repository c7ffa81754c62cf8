//! What a session waits for that is not a queue's business: passwords and changes of the catalog.

use crate::broker::Broker;
use crate::topic_keeper::TopicError;
use cluster::{Binding, Exchange, Made, NewQueue, Queue, Topic, TopologyError, VerifyError};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Something that a session asks its driver to have done.
pub enum Task {
    /// Check a password.
    Authenticate {
        /// The user.
        user: Arc<str>,
        /// The password, which nobody prints.
        password: Vec<u8>,
    },
    /// Make an exchange.
    DeclareExchange(Exchange),
    /// Remove an exchange.
    DeleteExchange {
        /// Its vhost.
        vhost: Arc<str>,
        /// Its name.
        name: Arc<str>,
        /// Only where it has no bindings.
        if_unused: bool,
    },
    /// Make a queue.
    DeclareQueue(NewQueue),
    /// Make a topic.
    CreateStream {
        /// Its name.
        name: String,
        /// Its settings.
        configs: BTreeMap<String, String>,
    },
    /// Bind.
    Bind(Binding),
    /// Unbind.
    Unbind(Binding),
}

/// What became of a [`Task`].
#[derive(Debug)]
pub enum Done {
    /// Whether the password is the user's; an error where it could not be checked.
    Authenticated(Result<bool, VerifyError>),
    /// Of an exchange: as it is now.
    Exchange(Result<(Arc<Exchange>, Made), TopologyError>),
    /// Of an exchange that was to be removed.
    ExchangeDeleted(Result<(), TopologyError>),
    /// Of a queue: as it is now.
    Queue(Result<(Arc<Queue>, Made), TopologyError>),
    /// Of a topic.
    Stream(Result<Arc<Topic>, TopicError>),
    /// Of a binding.
    Bound(Result<(), TopologyError>),
}

impl Broker {
    /// Does what a session has asked for. The future may be dropped; what was begun goes on.
    pub async fn perform(&self, task: Task) -> Done {
        let catalog = self.catalog();
        match task {
            Task::Authenticate { user, password } => {
                let user = catalog.topology().user(&user).cloned();
                Done::Authenticated(match user {
                    Some(user) => self.verifier().verify(&user, &password).await,
                    None => Ok(false),
                })
            }
            Task::DeclareExchange(exchange) => {
                Done::Exchange(catalog.declare_exchange(exchange).await)
            }
            Task::DeleteExchange {
                vhost,
                name,
                if_unused,
            } => {
                let deleted = catalog.delete_exchange(&vhost, &name, if_unused).await;
                Done::ExchangeDeleted(deleted.map(drop))
            }
            Task::DeclareQueue(queue) => Done::Queue(catalog.declare_queue(queue).await),
            Task::CreateStream { name, configs } => {
                Done::Stream(self.topics().create(&name, 1, configs).await)
            }
            Task::Bind(binding) => Done::Bound(catalog.bind(binding).await.map(drop)),
            Task::Unbind(binding) => Done::Bound(catalog.unbind(binding).await.map(drop)),
        }
    }
}
