//! Topics for the RabbitMQ face, which the Kafka broker keeps.

use amqp::topic_keeper::{TopicError, TopicKeeper, TopicRules};
use base::BoxFuture;
use cluster::Topic;
use kafka::{Broker, MakeError};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The Kafka broker as the keeper of topics.
pub(crate) struct BrokerTopics(pub(crate) Arc<Broker>);

impl TopicKeeper for BrokerTopics {
    fn rules(&self, topic: &Topic) -> TopicRules {
        let rules = self.0.write_rules(topic);
        TopicRules {
            batch_bytes_max: rules.batch_bytes_max,
            needs_keys: rules.needs_keys,
        }
    }

    fn create<'a>(
        &'a self,
        name: &'a str,
        partitions: u32,
        configs: BTreeMap<String, String>,
    ) -> BoxFuture<'a, Result<Arc<Topic>, TopicError>> {
        Box::pin(async move {
            let made = self.0.make_topic(name, partitions, configs).await;
            made.map_err(|error| match error {
                MakeError::Name(why) => TopicError::Name(why),
                MakeError::Settings(why) => TopicError::Settings(why),
                MakeError::Change(error) => TopicError::Change(error),
            })
        })
    }

    fn delete<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Arc<Topic>, TopicError>> {
        Box::pin(async move { Ok(self.0.remove_topic(name).await?) })
    }
}
