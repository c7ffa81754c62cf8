//! Topics for the other faces of a node: made, removed and limited as for Kafka's own clients.

use crate::broker::Broker;
use crate::topic_config;
use crate::topic_name;
use cluster::{ChangeError, Topic};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a topic's settings say of what may be written into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteRules {
    /// The largest record batch in bytes (`max.message.bytes`).
    pub batch_bytes_max: usize,
    /// Whether every record needs a key, because the topic is compacted.
    pub needs_keys: bool,
}

/// Why a topic was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MakeError {
    /// Topics cannot have this name, and why.
    #[error("the name is not legal for a topic: {0}")]
    Name(&'static str),
    /// Topics cannot have these settings, and why.
    #[error("{0}")]
    Settings(String),
    /// The catalog did not change.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

impl Broker {
    /// What may be written into a topic.
    #[must_use]
    pub fn write_rules(&self, topic: &Topic) -> WriteRules {
        let settings = self.topic_settings(topic);
        WriteRules {
            batch_bytes_max: settings.batch_bytes_max,
            needs_keys: settings.compacts,
        }
    }

    /// Makes a topic after checking its name and settings; these are in force when it completes.
    ///
    /// # Errors
    /// Where it is not made.
    pub async fn make_topic(
        &self,
        name: &str,
        partitions: u32,
        configs: BTreeMap<String, String>,
    ) -> Result<Arc<Topic>, MakeError> {
        topic_name::check(name).map_err(MakeError::Name)?;
        let given = configs
            .iter()
            .map(|(name, value)| (&**name, Some(&**value)));
        let configs = topic_config::check(given).map_err(MakeError::Settings)?;
        Ok(self.create_topic(name, partitions, configs).await?)
    }

    /// Removes a topic, and what groups remember of it.
    ///
    /// # Errors
    /// Where there is none, or the log takes no more writes.
    pub async fn remove_topic(&self, name: &str) -> Result<Arc<Topic>, ChangeError> {
        self.delete_topic(name).await
    }
}
