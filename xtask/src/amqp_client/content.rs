//! Messages: publishing them from a template, and putting deliveries together.

use anyhow::{Context, Result, ensure};

use super::CHANNEL;
use super::link::{FRAME_BODY, FRAME_HEADER, FRAME_METHOD, frame};
use super::method::{Arguments, BASIC_GET_OK, BASIC_PUBLISH, Method};

/// The class of contents.
const BASIC: u16 = 60;

/// The property flag of `delivery-mode`, and the mode that asks for storage.
const FLAG_DELIVERY_MODE: u16 = 1 << 12;
const PERSISTENT: u8 = 2;

/// No message of the harness is larger.
const BODY_BYTES_MAX: u64 = 64 * 1024;

/// A delivered message. It lies in the connection's buffers until the next event is asked for.
#[derive(Debug)]
pub(crate) struct Delivery<'a> {
    pub(crate) tag: u64,
    pub(crate) redelivered: bool,
    pub(crate) routing_key: &'a str,
    pub(crate) body: &'a [u8],
}

/// A publish of a persistent message with a body of a fixed size: encoded once, sent many times.
pub(crate) struct Template {
    bytes: Vec<u8>,
    body_at: usize,
}

impl Template {
    pub(crate) fn new(exchange: &str, routing_key: &str, body: &[u8]) -> Template {
        let publish = Method::new(BASIC_PUBLISH)
            .u16(0)
            .short_text(exchange)
            .short_text(routing_key)
            .bits(&[false, false]);
        let mut header = [BASIC.to_be_bytes(), [0, 0]].concat();
        header.extend((body.len() as u64).to_be_bytes());
        header.extend(FLAG_DELIVERY_MODE.to_be_bytes());
        header.push(PERSISTENT);
        let mut bytes = Vec::new();
        frame(&mut bytes, FRAME_METHOD, CHANNEL, &publish.payload);
        frame(&mut bytes, FRAME_HEADER, CHANNEL, &header);
        frame(&mut bytes, FRAME_BODY, CHANNEL, body);
        // The end of the frame stands behind the body.
        let body_at = bytes.len() - 1 - body.len();
        Template { bytes, body_at }
    }

    /// Appends the publish, its body beginning with `number`.
    pub(crate) fn push(&self, into: &mut Vec<u8>, number: u64) {
        let at = into.len() + self.body_at;
        into.extend_from_slice(&self.bytes);
        into[at..at + 8].copy_from_slice(&number.to_be_bytes());
    }
}

/// Puts the delivery of one channel together.
#[derive(Default)]
pub(super) struct Assembly {
    tag: u64,
    redelivered: bool,
    routing_key: String,
    body: Vec<u8>,
    stage: Stage,
}

#[derive(Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Idle,
    Header,
    /// This many bytes are to come.
    Body(u64),
}

impl Assembly {
    /// A delivery begins, with `basic.deliver` or `basic.get-ok`.
    pub(super) fn begin(
        &mut self,
        method: (u16, u16),
        arguments: &mut Arguments<'_>,
    ) -> Result<()> {
        ensure!(self.stage == Stage::Idle, "a delivery inside another one");
        if method != BASIC_GET_OK {
            arguments.short_text().context("consumer tag")?;
        }
        self.tag = arguments.u64()?;
        self.redelivered = arguments.u8()? & 1 == 1;
        arguments.short_text().context("exchange")?;
        self.routing_key.clear();
        self.routing_key.push_str(arguments.short_text()?);
        self.stage = Stage::Header;
        Ok(())
    }

    pub(super) fn header(&mut self, payload: &[u8]) -> Result<()> {
        ensure!(
            self.stage == Stage::Header,
            "a content header without a method"
        );
        let mut header = Arguments::new(payload);
        ensure!(header.u16()? == BASIC, "content of another class");
        header.u16()?;
        let size = header.u64()?;
        ensure!(size <= BODY_BYTES_MAX, "a message of {size} bytes");
        self.body.clear();
        self.stage = Stage::Body(size);
        Ok(())
    }

    pub(super) fn body(&mut self, payload: &[u8]) -> Result<()> {
        let Stage::Body(left) = self.stage else {
            anyhow::bail!("a body without a header");
        };
        let left = left
            .checked_sub(payload.len() as u64)
            .context("more body than the header said")?;
        self.body.extend_from_slice(payload);
        self.stage = Stage::Body(left);
        Ok(())
    }

    pub(super) fn is_whole(&self) -> bool {
        self.stage == Stage::Body(0)
    }

    /// The whole delivery; the next one may begin.
    pub(super) fn take(&mut self) -> Delivery<'_> {
        self.stage = Stage::Idle;
        Delivery {
            tag: self.tag,
            redelivered: self.redelivered,
            routing_key: &self.routing_key,
            body: &self.body,
        }
    }
}
