//! Topics as RabbitMQ clients see them: a queue of type `stream` *is* a partition of a topic.
//!
//! In vhost `/` the topic has the queue's name, in another one `<vhost>.<name>`. A topic of N > 1
//! partitions is N queues, `<name>-0` to `<name>-(N-1)`. A queue of that name that is none of type
//! `stream` goes before; it is not looked for here.

use crate::topic::{Partition, Topic, Topics};
use std::borrow::Cow;
use std::sync::Arc;

/// The vhost whose stream queues bear the names of topics.
const ROOT_VHOST: &str = "/";

/// The name of the topic that a stream queue is.
#[must_use]
pub fn stream_topic_name<'a>(vhost: &str, queue: &'a str) -> Cow<'a, str> {
    if vhost == ROOT_VHOST {
        Cow::Borrowed(queue)
    } else {
        Cow::Owned(format!("{vhost}.{queue}"))
    }
}

impl Topics {
    /// The topic and the partition that the stream queue of this name is.
    #[must_use]
    pub fn stream_queue(&self, vhost: &str, name: &str) -> Option<(&Arc<Topic>, Partition)> {
        if let Some(topic) = self.get(&stream_topic_name(vhost, name))
            && let [partition] = topic.partitions[..]
        {
            return Some((topic, partition));
        }
        let (name, number) = name.rsplit_once('-')?;
        let topic = self.get(&stream_topic_name(vhost, name))?;
        // `t-01` is not the name of a partition.
        let canonical = number == "0" || !number.starts_with(['0', '+']);
        let number = number.parse::<usize>().ok().filter(|_| canonical)?;
        let several = topic.partitions.len() > 1;
        let partition = topic.partitions.get(number).filter(|_| several)?;
        Some((topic, *partition))
    }
}

impl Topic {
    /// The names of the stream queues that its partitions are in a vhost, in their order; none where the
    /// topic belongs to another vhost.
    #[must_use]
    pub fn stream_queues(&self, vhost: &str) -> Vec<String> {
        let name = match vhost {
            ROOT_VHOST => Some(self.name.as_str()),
            _ => self
                .name
                .strip_prefix(vhost)
                .and_then(|rest| rest.strip_prefix('.')),
        };
        match (name, self.partitions.len()) {
            (None, _) => Vec::new(),
            (Some(name), 1) => vec![name.to_owned()],
            (Some(name), count) => (0..count)
                .map(|number| format!("{name}-{number}"))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::topic::{Partition, Topic, Topics};
    use base::{ShardId, StreamId, Timestamp};
    use std::collections::BTreeMap;
    use std::sync::Arc;

    fn topic(name: &str, partitions: u64) -> Topic {
        let partition = |id| Partition {
            stream: StreamId(id),
            shard: ShardId(0),
        };
        Topic {
            name: name.to_owned(),
            id: name.len() as u128,
            partitions: (0..partitions).map(partition).collect(),
            configs: BTreeMap::new(),
            created: Timestamp(0),
        }
    }

    #[test]
    fn names_lead_to_partitions_and_back() {
        let mut topics = Topics::default();
        let all = [topic("one", 1), topic("many", 12), topic("v.one-1", 1)];
        for topic in &all {
            topics.insert(Arc::new(topic.clone()));
        }
        let found = |vhost: &str, name: &str| {
            let found = topics.stream_queue(vhost, name);
            found.map(|(_, of)| of.stream.0)
        };
        for (vhost, name, expected) in [
            ("/", "one", Some(0)),
            ("/", "one-0", None),
            ("/", "many", None),
            ("/", "many-11", Some(11)),
            ("/", "many-12", None),
            ("/", "many-01", None),
            ("/", "many-+1", None),
            ("/", "v.one-1", Some(0)),
            ("v", "one-1", Some(0)),
            ("v", "one", None),
        ] {
            assert_eq!(found(vhost, name), expected, "{name} in {vhost}");
        }
        for topic in &all {
            for vhost in ["/", "v", "w"] {
                for (number, name) in (0..).zip(topic.stream_queues(vhost)) {
                    assert_eq!(found(vhost, &name), Some(number), "{name} in {vhost}");
                }
            }
        }
        assert_eq!(all[1].stream_queues("/").len(), 12);
        assert_eq!(all[0].stream_queues("v"), [""; 0]);
    }
}
