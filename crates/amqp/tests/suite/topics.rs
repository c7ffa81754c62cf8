//! Topics as a test needs them: two settings have a meaning.

use amqp::topic_keeper::{TopicError, TopicKeeper, TopicRules};
use base::BoxFuture;
use cluster::{Catalog, Topic};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) struct Topics(pub(crate) Arc<Catalog>);

impl TopicKeeper for Topics {
    fn rules(&self, topic: &Topic) -> TopicRules {
        let bytes_max = topic.configs.get("max.message.bytes");
        TopicRules {
            batch_bytes_max: bytes_max
                .and_then(|value| value.parse().ok())
                .unwrap_or(1 << 20),
            needs_keys: topic
                .configs
                .get("cleanup.policy")
                .is_some_and(|policy| policy == "compact"),
        }
    }

    fn create<'a>(
        &'a self,
        name: &'a str,
        partitions: u32,
        configs: BTreeMap<String, String>,
    ) -> BoxFuture<'a, Result<Arc<Topic>, TopicError>> {
        Box::pin(async move { Ok(self.0.create_topic(name, partitions, configs).await?) })
    }

    fn delete<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Arc<Topic>, TopicError>> {
        Box::pin(async move { Ok(self.0.delete_topic(name).await?) })
    }
}
