//! basic.publish: whether a message may be published, and where it goes.

use super::Session;
use super::batch::Envelope;
use super::failure::{Failure, Outcome};
use super::tx::Kept;
use crate::broker::Counters;
use crate::permissions::Access;
use crate::replies::PREFIX;
use crate::routing::{self, Routed, route, routing_keys, without_blind_copies};
use crate::run::{RunBuilder, ttl_of};
use crate::stream_queue;
use amqp_wire::{
    Properties, RawProperties, RawTable, ReplyCode, ShortStr, basic, confirm, encode_body,
    encode_content_header,
};
use std::sync::Arc;

/// The longest time to live that RabbitMQ takes, in milliseconds: ten years.
pub(super) const TTL_MS_MAX: u64 = 315_360_000_000;

impl Session {
    /// A message that has come completely.
    pub(super) fn publish(
        &mut self,
        number: u16,
        publish: &basic::Publish<'_>,
        raw: RawProperties<'_>,
        body: &[u8],
    ) -> Outcome {
        if publish.immediate {
            return Err(Failure::not_implemented("immediate=true"));
        }
        let properties = raw.validate().map_err(|error| {
            Failure::connection(ReplyCode::SyntaxError, format!("cannot decode: {error}"))
        })?;
        self.publisher.count(body.len());
        let (exchange, key) = (publish.exchange.as_str(), publish.routing_key.as_str());
        let routed = self.routed(exchange, key, properties.headers)?;
        let ttl_ms = self.check_properties(&properties)?;
        let rewritten = self.rewritten(number, &properties)?;
        let message = Envelope {
            exchange,
            routing_key: key,
            properties: rewritten.as_deref().unwrap_or(raw.as_bytes()),
            body,
            priority: properties.priority.unwrap_or(0),
            ttl_ms,
        };
        let Some(channel) = self.channels.get_mut(number) else {
            return Ok(());
        };
        if let Some(tx) = &mut channel.tx {
            return tx.keep(Kept::new(&message, publish.mandatory));
        }
        self.put(number, &message, publish.mandatory, &routed);
        Ok(())
    }

    /// Puts a message where it goes, and answers it where that is nowhere.
    pub(super) fn put(
        &mut self,
        number: u16,
        message: &Envelope<'_>,
        mandatory: bool,
        routed: &Arc<Routed>,
    ) {
        if !routed.is_empty() {
            self.enqueue(Some(number), message, routed);
            return;
        }
        let replied = message.exchange.is_empty()
            && message.routing_key.starts_with(PREFIX)
            && self.reply(message);
        if !replied {
            Counters::add(&self.broker.counters().unroutable, 1);
            if mandatory {
                self.give_back(number, message);
            }
        }
        let confirms = self
            .channels
            .get_mut(number)
            .and_then(|channel| channel.confirms.as_mut());
        if let Some(confirms) = confirms {
            let mut verdicts = Vec::new();
            confirms.accept(&mut verdicts);
            self.tell(number, verdicts);
            self.publisher.remind(number);
        }
    }

    /// Where a message goes that the user may publish.
    pub(super) fn routed(
        &mut self,
        exchange: &str,
        key: &str,
        headers: Option<RawTable<'_>>,
    ) -> Outcome<Arc<Routed>> {
        let version = match &self.view {
            Some(view) => view.version,
            None => self.look().version,
        };
        // Copies make other routes of it; what else is in the headers matters to headers exchanges only.
        let known = self.publisher.routes.get(version, exchange, key);
        if let Some(known) = known
            && (headers.is_none_or(|headers| !has_copies(headers)))
            && (headers.is_none() || !known.is_by_headers())
        {
            return Ok(known);
        }
        self.check_exchange(exchange)?;
        let view = self.look();
        let keys = routing_keys(key, headers)
            .map_err(|error| Failure::precondition(format!("invalid message: {error}")))?;
        let scene = view.scene(&self.vhost);
        let routed = Arc::new(route(&scene, exchange, &keys, headers.unwrap_or_default()));
        let depends = keys.len() > 1 || (headers.is_some() && routed.is_by_headers());
        if !depends {
            self.publisher.routes.put(routed.clone());
        }
        Ok(routed)
    }

    /// Publishes on the channel are answered from now on.
    pub(super) fn confirm_select(&mut self, number: u16, nowait: bool) -> Outcome {
        let Some(channel) = self.channels.get_mut(number) else {
            return Ok(());
        };
        if channel.tx.is_some() {
            return Err(Failure::precondition(
                "cannot switch from tx to confirm mode",
            ));
        }
        channel.confirms.get_or_insert_default();
        if !nowait {
            self.outbox.send(number, &confirm::SelectOk {});
        }
        Ok(())
    }

    /// Whether the user may publish to an exchange that is there.
    fn check_exchange(&mut self, name: &str) -> Outcome {
        self.check_access(Access::Write, "exchange", name)?;
        let view = self.look();
        let vhost = &self.vhost;
        match view.topology.exchange(vhost, name) {
            Some(exchange) if exchange.internal => Err(Failure::refused(format!(
                "cannot publish to internal exchange '{name}' in vhost '{vhost}'"
            ))),
            Some(_) => Ok(()),
            None if stream_queue::super_stream(&view.scene(vhost), name).is_some() => Ok(()),
            None => Err(Failure::no_exchange(name, vhost)),
        }
    }

    /// Checks what the broker gives a meaning to; returns the time to live.
    fn check_properties(&self, properties: &Properties<'_>) -> Outcome<Option<u64>> {
        if let Some(user) = properties.user_id
            && *user != *self.user.as_bytes()
        {
            return Err(Failure::precondition(format!(
                "user_id property set to '{user}' but authenticated user was '{}'",
                self.user
            )));
        }
        let Some(expiration) = properties.expiration else {
            return Ok(None);
        };
        let invalid =
            |why: &str| Failure::precondition(format!("invalid expiration '{expiration}': {why}"));
        match ttl_of(&expiration) {
            Some(ttl) if ttl > TTL_MS_MAX => Err(invalid(&format!("{{value_too_large,{ttl}}}"))),
            Some(ttl) => Ok(Some(ttl)),
            None if expiration.first() == Some(&b'-') => {
                Err(invalid(&format!("{{value_negative,{expiration}}}")))
            }
            None => Err(invalid("no_integer")),
        }
    }

    /// Properties that differ from those that the client has sent: without `BCC`, with the name of the
    /// channel's consumer of direct replies.
    fn rewritten(&self, number: u16, properties: &Properties<'_>) -> Outcome<Option<bytes::Bytes>> {
        let reply_to = self.reply_to(number, properties)?;
        let stripped = without_blind_copies(properties);
        let Some(reply_to) = reply_to else {
            return Ok(stripped);
        };
        let properties = match &stripped {
            Some(stripped) => RawProperties::new(stripped).decode().unwrap_or(*properties),
            None => *properties,
        };
        let properties = Properties {
            reply_to: amqp_wire::ShortBytes::new(reply_to.as_bytes()).ok(),
            ..properties
        };
        Ok(properties.to_bytes().ok())
    }

    /// Sends a message to whoever waits for it as a direct reply; returns whether anybody does.
    fn reply(&self, message: &Envelope<'_>) -> bool {
        if !self.broker.replies.knows(message.routing_key) {
            return false;
        }
        let mut run = RunBuilder::new(self.wall.0);
        run.push(
            message.exchange.as_bytes(),
            message.routing_key.as_bytes(),
            message.properties,
            message.body,
            message.priority,
            message.ttl_ms,
        );
        let run = run.seal();
        let reply = run.as_ref().and_then(|run| run.messages().next());
        reply.is_some_and(|(reply, _)| self.broker.replies.send(message.routing_key, reply))
    }

    /// Returns a mandatory message that goes nowhere.
    fn give_back(&mut self, number: u16, message: &Envelope<'_>) {
        self.outbox.send(
            number,
            &basic::Return {
                reply_code: ReplyCode::NoRoute.code(),
                reply_text: ShortStr::literal("NO_ROUTE"),
                exchange: ShortStr::clipped(message.exchange),
                routing_key: ShortStr::clipped(message.routing_key),
            },
        );
        let out = self.outbox.out.buffer();
        let properties = RawProperties::new(message.properties);
        // They came in a frame, so that they fit one.
        let _ = encode_content_header(out, number, message.body.len() as u64, properties);
        encode_body(out, number, message.body, self.terms.frame_max);
    }
}

fn has_copies(headers: RawTable<'_>) -> bool {
    let names = headers.iter().flatten().map(|(name, _)| name);
    names.into_iter().any(|name| routing::is_copies(&name))
}
