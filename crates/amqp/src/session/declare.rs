//! queue.declare.

use super::Session;
use super::failure::{Failure, Outcome};
use super::names::generated;
use super::waiting::Purpose;
use crate::arguments::{self, QueueType};
use crate::mail::{Answer, Refusal, Request};
use crate::permissions::Access;
use crate::replies::REPLY_TO;
use crate::stream_queue::{self, Named};
use crate::stream_settings;
use crate::task::Task;
use crate::topic_keeper::TopicError;
use amqp_wire::{MethodFields, RawTable, ReplyCode, ShortStr, queue};
use bytes::Bytes;
use cluster::{ChangeError, Made, NewQueue, Queue, Topic, TopologyError};
use std::sync::Arc;

/// What the names of things that belong to the server begin with.
pub(super) const RESERVED_PREFIX: &str = "amq.";

/// A queue as a client wants it.
#[derive(Debug)]
pub(super) struct Declaration {
    name: Arc<str>,
    queue_type: QueueType,
    durable: bool,
    exclusive: bool,
    auto_delete: bool,
    arguments: Bytes,
}

impl Session {
    pub(super) fn declare_queue(&mut self, number: u16, declare: &queue::Declare<'_>) -> Outcome {
        let at = (number, declare.ids());
        if declare.queue.starts_with(REPLY_TO) {
            return self.declare_reply_to(number, &declare.queue, declare.nowait);
        }
        if declare.passive {
            let name = self.queue_name(number, &declare.queue)?;
            self.find_queue(&name)?;
            return self.inspect(at, name, declare.nowait);
        }
        // As in RabbitMQ, which takes the ends of lines out of names.
        let name: Arc<str> = match declare.queue.replace(['\r', '\n'], "") {
            name if name.is_empty() => generated("amq.gen-", self.broker.random()).into(),
            name => {
                check_name("queue", &name)?;
                name.into()
            }
        };
        self.check_access(Access::Configure, "queue", &name)?;
        declare.arguments.validate().map_err(|error| {
            Failure::connection(ReplyCode::SyntaxError, format!("cannot decode: {error}"))
        })?;
        let queue_type = QueueType::of(declare.arguments)
            .map_err(|(argument, why)| self.invalid(argument, &name, &format!(": {why}")))?;
        if declare.queue.is_empty() && queue_type != QueueType::Classic {
            return Err(Failure::precondition(format!(
                "Cannot declare a server-named queue for type {}",
                queue_type.module()
            )));
        }
        let wanted = Declaration {
            name,
            queue_type,
            durable: declare.durable,
            exclusive: declare.exclusive,
            auto_delete: declare.auto_delete,
            arguments: Bytes::copy_from_slice(declare.arguments.as_bytes()),
        };
        let view = self.look();
        match stream_queue::find(&view.scene(&self.vhost), &wanted.name) {
            Some(Named::Queue(queue)) => {
                self.check_equivalent(queue, &wanted)?;
                self.inspect(at, wanted.name, declare.nowait)
            }
            Some(Named::Stream(_)) => {
                let topic = stream_queue::stream(&view.topics, &self.vhost, &wanted.name);
                self.check_equivalent_stream(topic.map(|(topic, _)| &**topic), &wanted)?;
                self.inspect(at, wanted.name, declare.nowait)
            }
            None => self.make_queue(at, wanted, declare.nowait),
        }
    }

    /// The pseudo-queue for direct replies and the names of its consumers.
    fn declare_reply_to(&mut self, number: u16, name: &str, nowait: bool) -> Outcome {
        if name != REPLY_TO && !self.broker.replies.knows(name) {
            return Err(Failure::no_queue(name, &self.vhost));
        }
        self.declare_ok(number, &Arc::from(name), (0, 1), nowait);
        Ok(())
    }

    fn make_queue(&mut self, at: (u16, (u16, u16)), wanted: Declaration, nowait: bool) -> Outcome {
        let table = RawTable::new(&wanted.arguments);
        self.check_dead_letter_exchange(&wanted.name, table)?;
        arguments::check(wanted.queue_type, table).map_err(|(argument, wrong)| {
            self.invalid(argument, &wanted.name, &wrong.to_string())
        })?;
        if wanted.queue_type != QueueType::Classic {
            self.check_replicated(&wanted)?;
        }
        if wanted.queue_type == QueueType::Stream {
            let topic = stream_queue::topic_name(&self.vhost, &wanted.name).into_owned();
            let configs = stream_settings::of_new(table);
            let task = Task::CreateStream {
                name: topic,
                configs,
            };
            let name = wanted.name;
            self.wait_for_task(at, task, Purpose::Stream { name, nowait });
            return Ok(());
        }
        let priority = match table.get(arguments::MAX_PRIORITY) {
            Ok(Some(value)) => value.as_integer().unwrap_or(0),
            _ => 0,
        };
        let queue = NewQueue {
            vhost: self.vhost.clone(),
            name: wanted.name.clone(),
            kind: wanted.queue_type.kind(),
            durable: wanted.durable,
            auto_delete: wanted.auto_delete,
            exclusive: wanted.exclusive.then_some(self.id.0),
            levels: u16::try_from(priority + 1).unwrap_or(1),
            arguments: wanted.arguments.clone(),
        };
        let wanted = Box::new(wanted);
        let task = Task::DeclareQueue(queue);
        self.wait_for_task(at, task, Purpose::Queue { wanted, nowait });
        Ok(())
    }

    /// Quorum and stream queues are what RabbitMQ replicates: durable, and nobody's own.
    fn check_replicated(&self, wanted: &Declaration) -> Outcome {
        let wrong = if !wanted.durable {
            "non-durable"
        } else if wanted.auto_delete {
            "auto-delete"
        } else if wanted.exclusive {
            "exclusive-owner"
        } else {
            return Ok(());
        };
        let (name, vhost) = (&wanted.name, &self.vhost);
        Err(Failure::precondition(format!(
            "invalid property '{wrong}' for queue '{name}' in vhost '{vhost}'"
        )))
    }

    /// Whoever names an exchange for dead letters must be able to publish there what is read here.
    fn check_dead_letter_exchange(&mut self, name: &str, table: RawTable<'_>) -> Outcome {
        let Ok(Some(value)) = table.get(arguments::DEAD_LETTER_EXCHANGE) else {
            return Ok(());
        };
        let Some(exchange) = value.as_str() else {
            return Err(Failure::precondition(format!(
                "invalid type '{}' for arg '{}' in queue '{name}' in vhost '{}'",
                arguments::type_name(value),
                arguments::DEAD_LETTER_EXCHANGE,
                self.vhost
            )));
        };
        self.check_access(Access::Read, "queue", name)?;
        self.check_access(Access::Write, "exchange", exchange)
    }

    fn invalid(&self, argument: &str, queue: &str, what: &str) -> Box<Failure> {
        let vhost = &self.vhost;
        Failure::precondition(format!(
            "invalid arg '{argument}' for queue '{queue}' in vhost '{vhost}'{what}"
        ))
    }

    fn check_equivalent(&self, queue: &Queue, wanted: &Declaration) -> Outcome {
        // A queue that is exclusive is its owner's only, and one that is not cannot become so.
        if queue.exclusive != wanted.exclusive.then_some(self.id.0) {
            return Err(Failure::locked(&wanted.name, &self.vhost));
        }
        let kind = format!("queue '{}' in vhost '{}'", wanted.name, self.vhost);
        same_flag("durable", queue.durable, wanted.durable, &kind)?;
        same_flag("auto_delete", queue.auto_delete, wanted.auto_delete, &kind)?;
        let (current, received) = (
            RawTable::new(&queue.arguments),
            RawTable::new(&wanted.arguments),
        );
        match arguments::difference(current, received) {
            None => Ok(()),
            Some((name, received, current)) => Err(inequivalent(name, &kind, &received, &current)),
        }
    }

    /// A topic has no arguments: it is a stream, and settings that are wanted must be its own.
    fn check_equivalent_stream(&self, topic: Option<&Topic>, wanted: &Declaration) -> Outcome {
        let kind = format!("queue '{}' in vhost '{}'", wanted.name, self.vhost);
        if wanted.exclusive {
            return Err(Failure::locked(&wanted.name, &self.vhost));
        }
        same_flag("durable", true, wanted.durable, &kind)?;
        same_flag("auto_delete", false, wanted.auto_delete, &kind)?;
        let table = RawTable::new(&wanted.arguments);
        let stream = amqp_wire::Table::from_iter([(
            arguments::QUEUE_TYPE,
            amqp_wire::Value::LongStr(Bytes::from_static(b"stream")),
        )]);
        let stream = stream.to_bytes().unwrap_or_default();
        let type_name = [arguments::QUEUE_TYPE];
        if let Some((name, received, current)) =
            arguments::difference_in(type_name, RawTable::new(&stream), table)
        {
            return Err(inequivalent(name, &kind, &received, &current));
        }
        let found = topic.and_then(|topic| stream_settings::difference(table, topic));
        if let Some((config, wanted, current)) = found {
            return Err(inequivalent(config, &kind, &wanted, &current));
        }
        Ok(())
    }

    /// A queue was made, or somebody else was faster.
    pub(super) fn queue_declared(
        &mut self,
        at: (u16, (u16, u16)),
        wanted: &Declaration,
        nowait: bool,
        outcome: Result<(Arc<Queue>, Made), TopologyError>,
    ) -> Outcome {
        let (queue, made) = outcome.map_err(|error| topology_failure(&error))?;
        if made == Made::Existing {
            self.check_equivalent(&queue, wanted)?;
            return self.inspect(at, queue.name.clone(), nowait);
        }
        if queue.exclusive.is_some() {
            self.exclusive.push((queue.shard, queue.id));
        }
        tracing::debug!(queue = %queue.name, vhost = %queue.vhost, durable = queue.durable, "queue declared");
        self.declare_ok(at.0, &queue.name, (0, 0), nowait);
        Ok(())
    }

    pub(super) fn stream_declared(
        &mut self,
        number: u16,
        name: &Arc<str>,
        nowait: bool,
        outcome: Result<Arc<Topic>, TopicError>,
    ) -> Outcome {
        match outcome {
            // Somebody else was faster: it is there, as it was wanted.
            Ok(_) | Err(TopicError::Change(ChangeError::Exists)) => {
                self.declare_ok(number, name, (0, 0), nowait);
                Ok(())
            }
            Err(TopicError::Change(ChangeError::Closed(error))) => {
                Err(Failure::internal(error.to_string()))
            }
            Err(error) => Err(Failure::precondition(format!(
                "invalid stream queue '{name}' in vhost '{}': {error}",
                self.vhost
            ))),
        }
    }

    /// Asks how much is in a queue that is there; it is the last one declared then.
    fn inspect(&mut self, at: (u16, (u16, u16)), name: Arc<str>, nowait: bool) -> Outcome {
        let found = self.find_queue(&name)?;
        if nowait {
            self.declare_ok(at.0, &name, (0, 0), true);
            return Ok(());
        }
        let queue = found.id;
        let request = |ticket| Request::Inspect { ticket, queue };
        let purpose = Purpose::Declared { name };
        self.wait_for_host_after_publishes(at, found.shard, request, purpose);
        Ok(())
    }

    /// A host has counted.
    pub(super) fn counted(
        &mut self,
        number: u16,
        name: &Arc<str>,
        outcome: Result<Answer, Refusal>,
    ) -> Outcome {
        let counts = match outcome.map_err(|refusal| self.refusal(refusal, name))? {
            Answer::Counts(counts) => (counts.ready, counts.consumers),
            _ => (0, 0),
        };
        self.declare_ok(number, name, counts, false);
        Ok(())
    }

    fn declare_ok(&mut self, number: u16, name: &Arc<str>, counts: (u64, u32), nowait: bool) {
        if let Some(channel) = self.channels.get_mut(number) {
            channel.last_queue = Some(name.clone());
        }
        if !nowait {
            self.outbox.send(
                number,
                &queue::DeclareOk {
                    queue: ShortStr::clipped(name),
                    message_count: u32::try_from(counts.0).unwrap_or(u32::MAX),
                    consumer_count: counts.1,
                },
            );
        }
    }
}

/// Whether clients may give something this name.
pub(super) fn check_name(kind: &str, name: &str) -> Outcome {
    if name.starts_with(RESERVED_PREFIX) {
        return Err(Failure::refused(format!(
            "{kind} name '{name}' contains reserved prefix 'amq.*'"
        )));
    }
    Ok(())
}

pub(super) fn same_flag(name: &str, current: bool, received: bool, kind: &str) -> Outcome {
    if current == received {
        return Ok(());
    }
    let quoted = |value: bool| format!("'{value}'");
    Err(inequivalent(
        name,
        kind,
        &quoted(received),
        &quoted(current),
    ))
}

/// 406: it was declared with something else.
pub(super) fn inequivalent(name: &str, kind: &str, received: &str, current: &str) -> Box<Failure> {
    Failure::precondition(format!(
        "inequivalent arg '{name}' for {kind}: received {received} but current is {current}"
    ))
}

/// A change of the topology that was not made.
pub(super) fn topology_failure(error: &TopologyError) -> Box<Failure> {
    match error {
        TopologyError::Closed(_) | TopologyError::NoVhost => Failure::internal(error.to_string()),
        _ => Failure::precondition(error.to_string()),
    }
}
