//! exchange.declare and exchange.delete.

use super::Session;
use super::declare::{RESERVED_PREFIX, check_name, inequivalent, same_flag, topology_failure};
use super::failure::{Failure, Outcome};
use super::waiting::Purpose;
use crate::arguments::{difference_in, type_name};
use crate::permissions::Access;
use crate::routing::{ALTERNATE_EXCHANGE, ExchangeKind};
use crate::stream_queue;
use crate::task::Task;
use amqp_wire::{MethodFields, RawTable, ReplyCode, exchange};
use bytes::Bytes;
use cluster::{Exchange, Made, TopologyError};
use std::sync::Arc;

impl Session {
    pub(super) fn declare_exchange(
        &mut self,
        number: u16,
        declare: &exchange::Declare<'_>,
    ) -> Outcome {
        let name = declare.exchange.replace(['\r', '\n'], "");
        not_default(&name)?;
        if declare.passive {
            return self.exchange_is_there(number, &name, declare.nowait);
        }
        let kind = declare.kind.as_str();
        if ExchangeKind::of(kind).is_none() {
            let text = format!("unknown exchange type '{kind}'");
            return Err(Failure::precondition(text));
        }
        self.check_access(Access::Configure, "exchange", &name)?;
        declare.arguments.validate().map_err(|error| {
            Failure::connection(ReplyCode::SyntaxError, format!("cannot decode: {error}"))
        })?;
        let wanted = Exchange {
            vhost: self.vhost.clone(),
            name: name.as_str().into(),
            kind: kind.into(),
            durable: declare.durable,
            auto_delete: declare.auto_delete,
            internal: declare.internal,
            arguments: Bytes::copy_from_slice(declare.arguments.as_bytes()),
        };
        let view = self.look();
        if let Some(known) = view.topology.exchange(&self.vhost, &name) {
            check_equivalent(known, &wanted)?;
            self.exchange_declare_ok(number, declare.nowait);
            return Ok(());
        }
        check_name("exchange", &name)?;
        self.check_alternate(&name, declare.arguments)?;
        let task = Task::DeclareExchange(wanted.clone());
        let purpose = Purpose::Exchange {
            wanted: Box::new(wanted),
            nowait: declare.nowait,
        };
        self.wait_for_task((number, declare.ids()), task, purpose);
        Ok(())
    }

    fn exchange_is_there(&mut self, number: u16, name: &str, nowait: bool) -> Outcome {
        let view = self.look();
        let is_super_stream =
            || stream_queue::super_stream(&view.scene(&self.vhost), name).is_some();
        if view.topology.exchange(&self.vhost, name).is_none() && !is_super_stream() {
            return Err(Failure::no_exchange(name, &self.vhost));
        }
        self.exchange_declare_ok(number, nowait);
        Ok(())
    }

    /// Whoever names an alternate exchange must be able to publish there what was published here.
    fn check_alternate(&mut self, name: &str, arguments: RawTable<'_>) -> Outcome {
        let Ok(Some(value)) = arguments.get(ALTERNATE_EXCHANGE) else {
            return Ok(());
        };
        let Some(alternate) = value.as_str() else {
            return Err(Failure::precondition(format!(
                "invalid type '{}' for arg '{ALTERNATE_EXCHANGE}' in exchange '{name}' in vhost '{}'",
                type_name(value),
                self.vhost
            )));
        };
        self.check_access(Access::Read, "exchange", name)?;
        self.check_access(Access::Write, "exchange", alternate)
    }

    pub(super) fn exchange_declared(
        &mut self,
        number: u16,
        wanted: &Exchange,
        nowait: bool,
        outcome: Result<(Arc<Exchange>, Made), TopologyError>,
    ) -> Outcome {
        let (exchange, made) = outcome.map_err(|error| topology_failure(&error))?;
        if made == Made::Existing {
            check_equivalent(&exchange, wanted)?;
        }
        self.exchange_declare_ok(number, nowait);
        Ok(())
    }

    fn exchange_declare_ok(&mut self, number: u16, nowait: bool) {
        if !nowait {
            self.outbox.send(number, &exchange::DeclareOk {});
        }
    }

    pub(super) fn delete_exchange(
        &mut self,
        number: u16,
        delete: &exchange::Delete<'_>,
    ) -> Outcome {
        let name = delete.exchange.as_str();
        not_default(name)?;
        if name.starts_with(RESERVED_PREFIX) {
            return Err(Failure::refused(format!(
                "deletion of system exchange '{name}' in vhost '{}' not allowed",
                self.vhost
            )));
        }
        self.check_access(Access::Configure, "exchange", name)?;
        let name: Arc<str> = name.into();
        let task = Task::DeleteExchange {
            vhost: self.vhost.clone(),
            name: name.clone(),
            if_unused: delete.if_unused,
        };
        let nowait = delete.nowait;
        let purpose = Purpose::ExchangeDeleted { name, nowait };
        self.wait_for_task((number, delete.ids()), task, purpose);
        Ok(())
    }

    pub(super) fn exchange_deleted(
        &mut self,
        number: u16,
        name: &str,
        nowait: bool,
        outcome: Result<(), TopologyError>,
    ) -> Outcome {
        match outcome {
            // What is not there is deleted already.
            Ok(()) | Err(TopologyError::NoExchange) => {}
            Err(TopologyError::InUse) => {
                return Err(Failure::precondition(format!(
                    "exchange '{name}' in vhost '{}' in use",
                    self.vhost
                )));
            }
            Err(error) => return Err(topology_failure(&error)),
        }
        if !nowait {
            self.outbox.send(number, &exchange::DeleteOk {});
        }
        Ok(())
    }
}

/// The default exchange is nobody's to change.
pub(super) fn not_default(name: &str) -> Outcome {
    if name.is_empty() {
        return Err(Failure::refused(
            "operation not permitted on the default exchange",
        ));
    }
    Ok(())
}

fn check_equivalent(known: &Exchange, wanted: &Exchange) -> Outcome {
    let kind = format!("exchange '{}' in vhost '{}'", known.name, known.vhost);
    if known.kind != wanted.kind {
        let quoted = |value: &str| format!("'{value}'");
        return Err(inequivalent(
            "type",
            &kind,
            &quoted(&wanted.kind),
            &quoted(&known.kind),
        ));
    }
    same_flag("durable", known.durable, wanted.durable, &kind)?;
    same_flag("auto_delete", known.auto_delete, wanted.auto_delete, &kind)?;
    same_flag("internal", known.internal, wanted.internal, &kind)?;
    let (current, received) = (
        RawTable::new(&known.arguments),
        RawTable::new(&wanted.arguments),
    );
    match difference_in([ALTERNATE_EXCHANGE], current, received) {
        None => Ok(()),
        Some((name, received, current)) => Err(inequivalent(name, &kind, &received, &current)),
    }
}
