//! Messages that come in several frames: method, header, bodies.
//!
//! Mostly all of a message is at hand when its method is, and is published from where it was read. What is
//! not is put together here.

use super::Session;
use super::failure::{Failure, Outcome};
use amqp_wire::content_header::CLASS_BASIC;
use amqp_wire::{ContentHeader, FrameKind, RawFrame, RawProperties, ReplyCode, ShortStr, basic};
use bytes::BytesMut;

/// The largest body of a message, in bytes.
pub const MESSAGE_BYTES_MAX: u64 = 16 << 20;
/// Bytes of properties and bodies that are being put together on all channels of a connection: enough for
/// a few of the largest. A connection that has more begun than that is closed.
pub const ASSEMBLING_BYTES_MAX: usize = 64 << 20;

/// A message that is at hand completely.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whole<'a> {
    pub(super) properties: RawProperties<'a>,
    pub(super) body: &'a [u8],
    /// How many bytes its header and body frames take.
    pub(super) len: usize,
}

/// A message that is not.
#[derive(Debug)]
pub(crate) struct Partial {
    exchange: Box<str>,
    routing_key: Box<str>,
    mandatory: bool,
    immediate: bool,
    header: Option<Header>,
}

#[derive(Debug)]
struct Header {
    properties: Box<[u8]>,
    body_size: usize,
    body: BytesMut,
}

/// The content in the frames that `input` begins with, where it is whole and in one body frame at most.
#[inline]
pub(super) fn whole(input: &[u8], channel: u16, frame_max: u32) -> Option<Whole<'_>> {
    let head = RawFrame::parse(input, frame_max).ok()??;
    if head.kind != FrameKind::Header || head.channel != channel {
        return None;
    }
    let header = ContentHeader::decode(head.payload).ok()?;
    if header.class_id != CLASS_BASIC {
        return None;
    }
    let properties = header.properties;
    if header.body_size == 0 {
        return Some(Whole {
            properties,
            body: &[],
            len: head.len(),
        });
    }
    let body = RawFrame::parse(&input[head.len()..], frame_max).ok()??;
    let fits = body.kind == FrameKind::Body
        && body.channel == channel
        && body.payload.len() as u64 == header.body_size;
    fits.then_some(Whole {
        properties,
        body: body.payload,
        len: head.len() + body.len(),
    })
}

impl Partial {
    pub(super) fn new(publish: &basic::Publish<'_>) -> Self {
        Self {
            exchange: publish.exchange.as_str().into(),
            routing_key: publish.routing_key.as_str().into(),
            mandatory: publish.mandatory,
            immediate: publish.immediate,
            header: None,
        }
    }

    /// Bytes of properties and body that have come.
    pub(super) fn assembled(&self) -> usize {
        self.header.as_ref().map_or(0, Header::assembled)
    }
}

impl Header {
    fn assembled(&self) -> usize {
        self.properties.len() + self.body.len()
    }
}

impl Session {
    /// A frame on a channel where a message has begun.
    pub(super) fn content_frame(&mut self, frame: &RawFrame<'_>) -> Outcome {
        let Some(channel) = self.channels.get_mut(frame.channel) else {
            return Ok(());
        };
        let Some(partial) = channel.partial.as_mut() else {
            return Ok(());
        };
        match (&mut partial.header, frame.kind) {
            (None, FrameKind::Header) => {
                let header = ContentHeader::decode(frame.payload)
                    .map_err(|error| malformed(&error.to_string()))?;
                if header.class_id != CLASS_BASIC {
                    let class = header.class_id;
                    return Err(unexpected(format!(
                        "expected content header for class 60, got one for class {class} instead"
                    )));
                }
                check_size(header.body_size)?;
                let body_size = usize::try_from(header.body_size).unwrap_or(usize::MAX);
                let header = Header {
                    properties: header.properties.as_bytes().into(),
                    body_size,
                    // A size that is declared reserves nothing: room is made as bytes come.
                    body: BytesMut::new(),
                };
                let assembled = header.assembled();
                partial.header = Some(header);
                self.assemble(assembled)?;
            }
            (None, _) => {
                return Err(unexpected(
                    "expected content header for class 60, got non content header frame instead",
                ));
            }
            (Some(header), FrameKind::Body) => {
                if frame.payload.len() > header.body_size - header.body.len() {
                    return Err(Failure::connection(
                        ReplyCode::FrameError,
                        "the body is longer than its header says",
                    ));
                }
                header.body.extend_from_slice(frame.payload);
                self.assemble(frame.payload.len())?;
            }
            (Some(_), _) => {
                return Err(unexpected(
                    "expected content body, got non content body frame instead",
                ));
            }
        }
        self.publish_if_complete(frame.channel)
    }

    fn publish_if_complete(&mut self, number: u16) -> Outcome {
        let Some(channel) = self.channels.get_mut(number) else {
            return Ok(());
        };
        let complete = channel
            .partial
            .as_ref()
            .and_then(|partial| partial.header.as_ref())
            .is_some_and(|header| header.body.len() == header.body_size);
        let Some(partial) = channel.partial.take_if(|_| complete) else {
            return Ok(());
        };
        let Partial {
            exchange,
            routing_key,
            mandatory,
            immediate,
            header,
        } = *partial;
        let Some(header) = header else { return Ok(()) };
        self.publisher.assembling -= header.assembled();
        let publish = basic::Publish {
            ticket: 0,
            // They came as short strings.
            exchange: ShortStr::clipped(&exchange),
            routing_key: ShortStr::clipped(&routing_key),
            mandatory,
            immediate,
        };
        let properties = RawProperties::new(&header.properties);
        self.publish(number, &publish, properties, &header.body)
    }

    fn assemble(&mut self, more: usize) -> Outcome {
        self.publisher.assembling += more;
        if self.publisher.assembling > ASSEMBLING_BYTES_MAX {
            return Err(Failure::connection(
                ReplyCode::ResourceError,
                "too many large messages at the same time",
            ));
        }
        Ok(())
    }
}

/// Whether a message may be this large.
pub(super) fn check_size(body_size: u64) -> Outcome {
    if body_size > MESSAGE_BYTES_MAX {
        return Err(Failure::precondition(format!(
            "message size {body_size} is larger than configured max size {MESSAGE_BYTES_MAX}"
        )));
    }
    Ok(())
}

/// 501: bytes that are not what they should be.
pub(super) fn malformed(what: &str) -> Box<Failure> {
    Failure::connection(ReplyCode::FrameError, format!("cannot decode: {what}"))
}

/// 505: another frame should have come.
pub(super) fn unexpected(text: impl Into<Box<str>>) -> Box<Failure> {
    Failure::connection(ReplyCode::UnexpectedFrame, text)
}
