//! Methods: who handles which.

use super::Session;
use super::failure::{Failure, Outcome};
use super::handshake::Stage;
use amqp_wire::{Method, MethodFields, ReplyCode, access, channel, connection};

impl Session {
    /// A method on channel 0.
    pub(super) fn connection_method(&mut self, method: &Method<'_>) -> Outcome {
        match (&self.stage, method) {
            (Stage::Starting, Method::ConnectionStartOk(start_ok)) => self.start_ok(start_ok),
            (Stage::Tuning, Method::ConnectionTuneOk(tune_ok)) => self.tune_ok(tune_ok),
            (Stage::Opening, Method::ConnectionOpen(open)) => self.open_vhost(open),
            (Stage::Open, Method::ConnectionUpdateSecret(_)) => {
                // Passwords do not expire, so that there is nothing to be renewed.
                self.outbox.send(0, &connection::UpdateSecretOk {});
                Ok(())
            }
            (_, Method::ConnectionClose(_)) => {
                self.client_closes(method.ids());
                Ok(())
            }
            // The consent to a close that crossed the client's own.
            (_, Method::ConnectionCloseOk(_)) => Ok(()),
            _ => Err(Failure::connection(
                ReplyCode::ChannelError,
                format!(
                    "unexpected method in connection state {}",
                    self.stage.name()
                ),
            )),
        }
    }

    /// A method on an open channel, other than basic.publish.
    pub(super) fn channel_method(&mut self, number: u16, method: &Method<'_>) -> Outcome {
        match method {
            Method::BasicAck(ack) => self.ack(number, ack),
            Method::BasicNack(nack) => self.nack(number, nack),
            Method::BasicReject(reject) => self.reject(number, reject),
            Method::BasicGet(get) => self.get(number, get),
            Method::BasicConsume(consume) => self.consume(number, consume),
            Method::BasicCancel(cancel) => self.cancel(number, cancel),
            Method::BasicQos(qos) => self.qos(number, qos),
            Method::BasicRecover(recover) => self.recover(number, recover.requeue, true),
            Method::BasicRecoverAsync(recover) => self.recover(number, recover.requeue, false),
            Method::QueueDeclare(declare) => self.declare_queue(number, declare),
            Method::QueueBind(bind) => self.bind_queue(number, bind),
            Method::QueueUnbind(unbind) => self.unbind_queue(number, unbind),
            Method::QueuePurge(purge) => self.purge(number, purge),
            Method::QueueDelete(delete) => self.delete_queue(number, delete),
            Method::ExchangeDeclare(declare) => self.declare_exchange(number, declare),
            Method::ExchangeDelete(delete) => self.delete_exchange(number, delete),
            Method::ExchangeBind(bind) => self.bind_exchange(number, bind),
            Method::ExchangeUnbind(unbind) => self.unbind_exchange(number, unbind),
            Method::ConfirmSelect(select) => self.confirm_select(number, select.nowait),
            Method::TxSelect(_) => self.tx_select(number),
            Method::TxCommit(_) => self.tx_commit(number),
            Method::TxRollback(_) => self.tx_rollback(number),
            Method::ChannelFlow(flow) => self.flow(number, flow.active),
            Method::ChannelClose(_) => {
                self.client_closes_channel(number);
                Ok(())
            }
            Method::ChannelOpen(_) => Err(Failure::connection(
                ReplyCode::ChannelError,
                "second 'channel.open' seen",
            )),
            // Consents that nothing waits for.
            Method::ChannelCloseOk(_) | Method::ChannelFlowOk(_) | Method::BasicCancelOk(_) => {
                Ok(())
            }
            Method::AccessRequest(_) => {
                self.outbox.send(number, &access::RequestOk { ticket: 1 });
                Ok(())
            }
            _ => Err(Failure::connection(
                ReplyCode::CommandInvalid,
                "unimplemented method",
            )),
        }
    }

    /// Opens a channel.
    pub(super) fn open_channel(&mut self, number: u16) -> Outcome {
        let max = self.terms.channel_max;
        if number > max || self.channels.len() >= usize::from(max) {
            let open = self.channels.len();
            return Err(Failure::connection(
                ReplyCode::NotAllowed,
                format!(
                    "number of channels opened ({open}) has reached the negotiated channel_max ({max})"
                ),
            ));
        }
        self.channels.open(number);
        self.outbox
            .send(number, &channel::OpenOk { channel_id: &[] });
        Ok(())
    }

    /// Deliveries cannot be stopped by channel.flow; asking for what is so already is answered.
    fn flow(&mut self, number: u16, active: bool) -> Outcome {
        if !active {
            return Err(Failure::not_implemented("active=false"));
        }
        self.outbox.send(number, &channel::FlowOk { active });
        Ok(())
    }
}
