//! Frames: which channel they belong to, and whether they may come now.

use super::Session;
use super::content::{self, malformed, unexpected};
use super::failure::{Failure, Outcome};
use super::handshake::Stage;
use amqp_wire::{
    DecodeError, FrameError, FrameKind, Method, MethodFields, ProtocolHeader, RawFrame, ReplyCode,
    channel, connection,
};

impl Session {
    /// Handles what `input` begins with; returns how many bytes that takes, 0 where more is needed.
    pub(super) fn step(&mut self, input: &[u8]) -> usize {
        if matches!(self.stage, Stage::Header) {
            return self.protocol_header(input);
        }
        let frame = match RawFrame::parse(input, self.terms.frame_max) {
            Ok(Some(frame)) => frame,
            Ok(None) => return 0,
            Err(error) => {
                self.broken_frame(error);
                // The place is lost: nothing behind it means anything.
                return input.len();
            }
        };
        let open = matches!(self.stage, Stage::Open);
        if self.alarm.is_some() && open && is_publish(&frame) && self.block() {
            return 0;
        }
        let len = frame.len();
        let (mut method, mut more) = ((0, 0), 0);
        let outcome = match frame.kind {
            FrameKind::Heartbeat => check_heartbeat(&frame),
            _ if matches!(self.stage, Stage::Closing) => {
                self.frame_while_closing(&frame);
                Ok(())
            }
            _ if frame.channel == 0 => self.connection_frame(&frame, &mut method),
            _ if !matches!(self.stage, Stage::Open) => Err(Failure::connection(
                ReplyCode::ChannelError,
                "the connection is not open",
            )),
            _ => {
                let outcome = self.channel_frame(&frame, &input[len..], &mut method);
                outcome.map(|count| more = count)
            }
        };
        self.settle_outcome(frame.channel, method, outcome);
        len + more
    }

    /// A connection must begin with eight octets that say what it speaks.
    fn protocol_header(&mut self, input: &[u8]) -> usize {
        match ProtocolHeader::parse(input) {
            None => 0,
            Some(ProtocolHeader::Amqp091) => {
                self.start();
                amqp_wire::PROTOCOL_HEADER.len()
            }
            Some(ProtocolHeader::OtherVersion(_) | ProtocolHeader::Garbage) => {
                let out = self.outbox.out.buffer();
                out.extend_from_slice(&amqp_wire::PROTOCOL_HEADER);
                self.end();
                input.len()
            }
        }
    }

    fn broken_frame(&mut self, error: FrameError) {
        if matches!(self.stage, Stage::Closing) {
            self.end();
            return;
        }
        let failure = Failure::connection(ReplyCode::FrameError, error.to_string());
        self.close_connection((0, 0), &failure);
    }

    /// We have closed the connection: nothing counts but the client's consent.
    fn frame_while_closing(&mut self, frame: &RawFrame<'_>) {
        if frame.channel != 0 || frame.kind != FrameKind::Method {
            return;
        }
        match Method::decode(frame.payload) {
            Ok(Method::ConnectionCloseOk(_)) => self.end(),
            Ok(Method::ConnectionClose(_)) => {
                self.outbox.send(0, &connection::CloseOk {});
                self.end();
            }
            _ => {}
        }
    }

    fn connection_frame(&mut self, frame: &RawFrame<'_>, at: &mut (u16, u16)) -> Outcome {
        if frame.kind != FrameKind::Method {
            return Err(unexpected(
                "expected method frame, got non method frame instead",
            ));
        }
        let method = decode(frame.payload)?;
        *at = method.ids();
        self.connection_method(&method)
    }

    /// A frame on a channel; returns how many bytes of `rest` belong to it.
    fn channel_frame(
        &mut self,
        frame: &RawFrame<'_>,
        rest: &[u8],
        at: &mut (u16, u16),
    ) -> Outcome<usize> {
        let number = frame.channel;
        let Some(channel) = self.channels.get(number) else {
            return self.unopened(frame).map(|()| 0);
        };
        if channel.closing {
            self.frame_while_channel_closes(frame);
            return Ok(0);
        }
        if channel.partial.is_some() {
            *at = amqp_wire::basic::Publish::default().ids();
            return self.content_frame(frame).map(|()| 0);
        }
        if frame.kind != FrameKind::Method {
            return Err(unexpected(
                "expected method frame, got non method frame instead",
            ));
        }
        let method = decode(frame.payload)?;
        *at = method.ids();
        let Method::BasicPublish(publish) = &method else {
            return self.channel_method(number, &method).map(|()| 0);
        };
        let Some(content) = content::whole(rest, number, self.terms.frame_max) else {
            if let Some(channel) = self.channels.get_mut(number) {
                channel.partial = Some(Box::new(content::Partial::new(publish)));
            }
            return Ok(0);
        };
        let published = content::check_size(content.body.len() as u64)
            .and_then(|()| self.publish(number, publish, content.properties, content.body));
        // The content is done with in any case; what follows it is discarded where the channel is closed.
        self.settle_outcome(number, *at, published);
        Ok(content.len)
    }

    fn unopened(&mut self, frame: &RawFrame<'_>) -> Outcome {
        let number = frame.channel;
        let method = match frame.kind {
            FrameKind::Method => Some(decode(frame.payload)?),
            _ => None,
        };
        match method {
            Some(Method::ChannelOpen(_)) => self.open_channel(number),
            // The other side's consent to something that is forgotten.
            Some(Method::ChannelCloseOk(_)) => Ok(()),
            _ => Err(Failure::connection(
                ReplyCode::ChannelError,
                "expected 'channel.open'",
            )),
        }
    }

    /// We have closed the channel: nothing counts but the client's consent.
    fn frame_while_channel_closes(&mut self, frame: &RawFrame<'_>) {
        let number = frame.channel;
        if frame.kind != FrameKind::Method {
            return;
        }
        match Method::decode(frame.payload) {
            Ok(Method::ChannelCloseOk(_)) => self.channels.close(number),
            Ok(Method::ChannelClose(_)) => {
                self.outbox.send(number, &channel::CloseOk {});
                self.channels.close(number);
            }
            _ => {}
        }
    }
}

/// Whether a message begins here.
fn is_publish(frame: &RawFrame<'_>) -> bool {
    const PUBLISH: [u8; 4] = [0, 60, 0, 40];
    frame.kind == FrameKind::Method && frame.payload.starts_with(&PUBLISH)
}

fn check_heartbeat(frame: &RawFrame<'_>) -> Outcome {
    if frame.channel != 0 {
        return Err(unexpected("a heartbeat on a channel"));
    }
    if !frame.payload.is_empty() {
        return Err(malformed("a heartbeat with a payload"));
    }
    Ok(())
}

fn decode(payload: &[u8]) -> Outcome<Method<'_>> {
    Method::decode(payload).map_err(|error| match error {
        DecodeError::UnknownMethod { .. } => Failure::not_implemented(error.to_string()),
        _ => malformed(&error.to_string()),
    })
}
