//! A bare AMQP 0-9-1 client for the harness: what it needs to prepare a test, to drive a load and to check contents.
//!
//! One connection with one channel, as guest, without heartbeats. It costs little, so that a measurement is of the
//! server: requests gather in one buffer and leave in one write, frames are read where they arrived, contents are
//! copied once. It knows only the methods that the harness uses and its codec is its own, so a test never depends
//! on the codec of the server that it tests.

mod content;
mod link;
mod method;

use std::ops::Range;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

pub(crate) use content::{Delivery, Template};
pub(crate) use link::Link;
pub(crate) use method::{Method, TX_COMMIT_OK, Value};

use content::Assembly;
use link::{FRAME_BODY, FRAME_HEADER, FRAME_HEARTBEAT, FRAME_METHOD, Frame};
use method::Arguments;

/// A server that is alive answers within this time; one that is dead has closed the connection.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// The one channel of a connection.
pub(crate) const CHANNEL: u16 = 1;

/// The largest frame that is offered to the server: RabbitMQ's default.
const FRAME_MAX: u32 = 131_072;

/// A connection with its channel open.
pub(crate) struct Connection {
    pub(crate) link: Link,
    assembly: Assembly,
}

/// What the server says.
#[derive(Debug)]
pub(crate) enum Event<'a> {
    /// A message for a consumer, or the answer to `basic.get`.
    Delivery(Delivery<'a>),
    /// `basic.ack` or `basic.nack` for what this channel published.
    Confirm {
        tag: u64,
        multiple: bool,
        accepted: bool,
    },
    /// Any other method that is no error: class, method and arguments.
    Answer((u16, u16), &'a [u8]),
}

/// [`Event`], with places in the connection's buffers instead of what stands there.
enum Heard {
    /// Nothing whole yet.
    Part,
    Delivery,
    Confirm {
        tag: u64,
        multiple: bool,
        accepted: bool,
    },
    Answer((u16, u16), Range<usize>),
}

impl Connection {
    /// Connects, authenticates, and opens the channel.
    pub(crate) fn open(address: &str) -> Result<Connection> {
        let mut connection = Connection {
            link: Link::connect(address, ANSWER_LIMIT)?,
            assembly: Assembly::default(),
        };
        connection
            .link
            .output
            .extend_from_slice(b"AMQP\0\0\x09\x01");
        connection.expect(method::CONNECTION_START)?;
        let start_ok = Method::new(method::CONNECTION_START_OK)
            .table(&[])
            .short_text("PLAIN")
            .long_text("\0guest\0guest")
            .short_text("en_US");
        connection.link.push(0, &start_ok);
        connection.expect(method::CONNECTION_TUNE)?;
        let tune_ok = Method::new(method::CONNECTION_TUNE_OK)
            .u16(CHANNEL)
            .u32(FRAME_MAX)
            .u16(0);
        connection.link.push(0, &tune_ok);
        let open = Method::new(method::CONNECTION_OPEN)
            .short_text("/")
            .short_text("")
            .bits(&[]);
        connection.link.push(0, &open);
        connection.expect(method::CONNECTION_OPEN_OK)?;
        let channel_open = Method::new(method::CHANNEL_OPEN).short_text("");
        connection.call(&channel_open, method::CHANNEL_OPEN_OK)?;
        Ok(connection)
    }

    /// The next thing that the server said, of what has been received; none when more must be read first.
    ///
    /// # Errors
    ///
    /// When the server breaks the protocol or closes the channel or the connection.
    pub(crate) fn event(&mut self) -> Result<Option<Event<'_>>> {
        while let Some(frame) = self.link.frame()? {
            match self.take(frame)? {
                Heard::Part => {}
                Heard::Delivery => return Ok(Some(Event::Delivery(self.assembly.take()))),
                Heard::Confirm {
                    tag,
                    multiple,
                    accepted,
                } => {
                    return Ok(Some(Event::Confirm {
                        tag,
                        multiple,
                        accepted,
                    }));
                }
                Heard::Answer(id, arguments) => {
                    return Ok(Some(Event::Answer(id, self.link.bytes(arguments))));
                }
            }
        }
        Ok(None)
    }

    fn take(&mut self, frame: Frame) -> Result<Heard> {
        let payload = self.link.bytes(frame.payload.clone());
        match frame.kind {
            FRAME_METHOD => return self.take_method(frame.payload),
            FRAME_HEADER => self.assembly.header(payload)?,
            FRAME_BODY => self.assembly.body(payload)?,
            FRAME_HEARTBEAT => {}
            other => bail!("a frame of unknown type {other}"),
        }
        Ok(if self.assembly.is_whole() {
            Heard::Delivery
        } else {
            Heard::Part
        })
    }

    fn take_method(&mut self, payload: Range<usize>) -> Result<Heard> {
        let mut arguments = Arguments::new(self.link.bytes(payload.clone()));
        let id = (arguments.u16()?, arguments.u16()?);
        match id {
            method::BASIC_DELIVER | method::BASIC_GET_OK => {
                self.assembly.begin(id, &mut arguments)?;
                Ok(Heard::Part)
            }
            method::BASIC_ACK | method::BASIC_NACK => Ok(Heard::Confirm {
                tag: arguments.u64()?,
                multiple: arguments.u8()? & 1 == 1,
                accepted: id == method::BASIC_ACK,
            }),
            method::CONNECTION_CLOSE | method::CHANNEL_CLOSE => bail!(
                "the server closed: {} {}",
                arguments.u16()?,
                arguments.short_text()?
            ),
            _ => Ok(Heard::Answer(id, payload.start + 4..payload.end)),
        }
    }

    /// Sends what is waiting, then reads until the server answers with `answer`; returns its arguments.
    /// Whatever else arrives before is an error: for channels without consumers.
    pub(crate) fn expect(&mut self, answer: (u16, u16)) -> Result<Vec<u8>> {
        self.link.flush().context("send a request")?;
        loop {
            match self.event()? {
                Some(Event::Answer(id, arguments)) if id == answer => return Ok(arguments.to_vec()),
                Some(other) => bail!("{other:?} where {answer:?} was expected"),
                None => ensure!(self.link.read().context("read an answer")? > 0, "no answer"),
            }
        }
    }

    /// A request on the channel and its answer.
    pub(crate) fn call(&mut self, request: &Method, answer: (u16, u16)) -> Result<Vec<u8>> {
        self.link.push(CHANNEL, request);
        self.expect(answer)
    }

    /// Declares a durable queue.
    pub(crate) fn declare_queue(
        &mut self,
        name: &str,
        arguments: &[(&str, Value<'_>)],
    ) -> Result<()> {
        let declare = Method::new(method::QUEUE_DECLARE)
            .u16(0)
            .short_text(name)
            .bits(&[false, true, false, false, false])
            .table(arguments);
        self.call(&declare, method::QUEUE_DECLARE_OK).map(drop)
    }

    /// How many messages of a queue are ready.
    pub(crate) fn ready(&mut self, queue: &str) -> Result<u32> {
        let declare = Method::new(method::QUEUE_DECLARE)
            .u16(0)
            .short_text(queue)
            .bits(&[true, true, false, false, false])
            .table(&[]);
        let answer = self.call(&declare, method::QUEUE_DECLARE_OK)?;
        let mut arguments = Arguments::new(&answer);
        arguments.short_text()?;
        arguments.u32()
    }

    /// Declares a durable exchange.
    pub(crate) fn declare_exchange(&mut self, name: &str, kind: &str) -> Result<()> {
        let declare = Method::new(method::EXCHANGE_DECLARE)
            .u16(0)
            .short_text(name)
            .short_text(kind)
            .bits(&[false, true, false, false, false])
            .table(&[]);
        self.call(&declare, method::EXCHANGE_DECLARE_OK).map(drop)
    }

    pub(crate) fn bind(&mut self, queue: &str, exchange: &str, key: &str) -> Result<()> {
        let bind = Method::new(method::QUEUE_BIND)
            .u16(0)
            .short_text(queue)
            .short_text(exchange)
            .short_text(key)
            .bits(&[false])
            .table(&[]);
        self.call(&bind, method::QUEUE_BIND_OK).map(drop)
    }

    /// From here on every publish is confirmed.
    pub(crate) fn confirm_select(&mut self) -> Result<()> {
        let select = Method::new(method::CONFIRM_SELECT).bits(&[false]);
        self.call(&select, method::CONFIRM_SELECT_OK).map(drop)
    }

    /// From here on publishes and acknowledgements count when they are committed.
    pub(crate) fn tx_select(&mut self) -> Result<()> {
        self.call(&Method::new(method::TX_SELECT), method::TX_SELECT_OK)
            .map(drop)
    }

    /// Begins to consume with manual acknowledgement; at most `prefetch` messages are unacknowledged.
    pub(crate) fn consume(&mut self, queue: &str, prefetch: u16) -> Result<()> {
        let qos = Method::new(method::BASIC_QOS)
            .u32(0)
            .u16(prefetch)
            .bits(&[false]);
        self.call(&qos, method::BASIC_QOS_OK)?;
        let consume = Method::new(method::BASIC_CONSUME)
            .u16(0)
            .short_text(queue)
            .short_text("")
            .bits(&[false; 4])
            .table(&[]);
        self.call(&consume, method::BASIC_CONSUME_OK).map(drop)
    }

    /// Takes one message without acknowledging it; returns its body, or none where the queue is empty.
    pub(crate) fn get(&mut self, queue: &str) -> Result<Option<Vec<u8>>> {
        let get = Method::new(method::BASIC_GET)
            .u16(0)
            .short_text(queue)
            .bits(&[false]);
        self.link.push(CHANNEL, &get);
        self.link.flush().context("send a request")?;
        loop {
            match self.event()? {
                Some(Event::Delivery(delivery)) => return Ok(Some(delivery.body.to_vec())),
                Some(Event::Answer(method::BASIC_GET_EMPTY, _)) => return Ok(None),
                Some(other) => bail!("{other:?} as an answer to basic.get"),
                None => ensure!(self.link.read().context("read an answer")? > 0, "no answer"),
            }
        }
    }
}
