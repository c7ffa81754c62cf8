//! Bindings: queue.bind and unbind, exchange.bind and unbind.

use super::Session;
use super::declare::topology_failure;
use super::exchange::not_default;
use super::failure::{Failure, Outcome};
use super::waiting::Purpose;
use crate::permissions::Access;
use crate::routing::{ExchangeKind, check_headers_binding};
use crate::stream_queue::{self, Named};
use crate::task::Task;
use amqp_wire::{MethodFields, RawTable, ReplyCode, exchange, queue};
use bytes::Bytes;
use cluster::{Binding, Destination, TopologyError};
use std::sync::Arc;

/// Which method is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BoundTo {
    Queue,
    NoQueue,
    Exchange,
    NoExchange,
}

/// A binding as a method asks for it.
struct Asked<'a> {
    source: &'a str,
    destination: Destination,
    routing_key: &'a str,
    arguments: RawTable<'a>,
}

impl Session {
    pub(super) fn bind_queue(&mut self, number: u16, bind: &queue::Bind<'_>) -> Outcome {
        let name = self.queue_name(number, &bind.queue)?;
        // An empty key of the queue declared last stands for its name.
        let stands_for_name = bind.queue.is_empty() && bind.routing_key.is_empty();
        let asked = Asked {
            source: &bind.exchange,
            destination: Destination::Queue(name.clone()),
            routing_key: if stands_for_name {
                &name
            } else {
                &bind.routing_key
            },
            arguments: bind.arguments,
        };
        self.bind((number, bind.ids()), &asked, bind.nowait, BoundTo::Queue)
    }

    pub(super) fn bind_exchange(&mut self, number: u16, bind: &exchange::Bind<'_>) -> Outcome {
        let asked = Asked {
            source: &bind.source,
            destination: Destination::Exchange(bind.destination.as_str().into()),
            routing_key: &bind.routing_key,
            arguments: bind.arguments,
        };
        self.bind((number, bind.ids()), &asked, bind.nowait, BoundTo::Exchange)
    }

    pub(super) fn unbind_queue(&mut self, number: u16, unbind: &queue::Unbind<'_>) -> Outcome {
        let name = self.queue_name(number, &unbind.queue)?;
        let asked = Asked {
            source: &unbind.exchange,
            destination: Destination::Queue(name),
            routing_key: &unbind.routing_key,
            arguments: unbind.arguments,
        };
        self.unbind((number, unbind.ids()), &asked, false, BoundTo::NoQueue)
    }

    pub(super) fn unbind_exchange(
        &mut self,
        number: u16,
        unbind: &exchange::Unbind<'_>,
    ) -> Outcome {
        let asked = Asked {
            source: &unbind.source,
            destination: Destination::Exchange(unbind.destination.as_str().into()),
            routing_key: &unbind.routing_key,
            arguments: unbind.arguments,
        };
        let (at, nowait) = ((number, unbind.ids()), unbind.nowait);
        self.unbind(at, &asked, nowait, BoundTo::NoExchange)
    }

    /// Who binds must be able to write to where messages go, and to read where they come from.
    fn check_ends(&mut self, asked: &Asked<'_>) -> Outcome {
        let (kind, name) = match &asked.destination {
            Destination::Queue(name) => ("queue", name.clone()),
            Destination::Exchange(name) => ("exchange", name.clone()),
        };
        not_default(asked.source)?;
        if kind == "exchange" {
            not_default(&name)?;
        }
        self.check_access(Access::Write, kind, &name)?;
        self.check_access(Access::Read, "exchange", asked.source)
    }

    fn bind(
        &mut self,
        at: (u16, (u16, u16)),
        asked: &Asked<'_>,
        nowait: bool,
        to: BoundTo,
    ) -> Outcome {
        self.check_ends(asked)?;
        let view = self.look();
        let vhost = self.vhost.clone();
        let source = view.topology.exchange(&vhost, asked.source);
        let Some(source) = source else {
            return Err(Failure::no_exchange(asked.source, &vhost));
        };
        match &asked.destination {
            Destination::Exchange(name) => {
                let known = view.topology.exchange(&vhost, name);
                known.ok_or_else(|| Failure::no_exchange(name, &vhost))?;
            }
            Destination::Queue(name) => match stream_queue::find(&view.scene(&vhost), name) {
                None => return Err(Failure::no_queue(name, &vhost)),
                Some(Named::Queue(queue)) => self.check_owner(queue)?,
                Some(Named::Stream(_)) => {}
            },
        }
        asked.arguments.validate().map_err(|error| {
            Failure::connection(ReplyCode::SyntaxError, format!("cannot decode: {error}"))
        })?;
        if ExchangeKind::of(&source.kind) == Some(ExchangeKind::Headers) {
            check_headers_binding(asked.arguments)
                .map_err(|error| Failure::precondition(error.to_string()))?;
        }
        let task = Task::Bind(self.binding(asked));
        self.wait_for_task(at, task, Purpose::Bound { to, nowait });
        Ok(())
    }

    /// Removing what is not there succeeds.
    fn unbind(
        &mut self,
        at: (u16, (u16, u16)),
        asked: &Asked<'_>,
        nowait: bool,
        to: BoundTo,
    ) -> Outcome {
        self.check_ends(asked)?;
        if let Destination::Queue(name) = &asked.destination
            && let Some(queue) = self.look().topology.queue(&self.vhost, name)
        {
            self.check_owner(queue)?;
        }
        let task = Task::Unbind(self.binding(asked));
        self.wait_for_task(at, task, Purpose::Bound { to, nowait });
        Ok(())
    }

    fn binding(&self, asked: &Asked<'_>) -> Binding {
        Binding {
            vhost: self.vhost.clone(),
            source: Arc::from(asked.source),
            destination: asked.destination.clone(),
            routing_key: Arc::from(asked.routing_key),
            arguments: Bytes::copy_from_slice(asked.arguments.as_bytes()),
        }
    }

    pub(super) fn bound(
        &mut self,
        number: u16,
        to: &BoundTo,
        nowait: bool,
        outcome: Result<(), TopologyError>,
    ) -> Outcome {
        let removing = matches!(to, BoundTo::NoQueue | BoundTo::NoExchange);
        match outcome {
            Ok(()) => {}
            Err(TopologyError::NoExchange | TopologyError::NoQueue) if removing => {}
            Err(error @ (TopologyError::NoExchange | TopologyError::NoQueue)) => {
                // Somebody removed it meanwhile.
                return Err(Failure::channel(ReplyCode::NotFound, error.to_string()));
            }
            Err(error) => return Err(topology_failure(&error)),
        }
        if nowait {
            return Ok(());
        }
        match to {
            BoundTo::Queue => self.outbox.send(number, &queue::BindOk {}),
            BoundTo::NoQueue => self.outbox.send(number, &queue::UnbindOk {}),
            BoundTo::Exchange => self.outbox.send(number, &exchange::BindOk {}),
            BoundTo::NoExchange => self.outbox.send(number, &exchange::UnbindOk {}),
        }
        Ok(())
    }
}
