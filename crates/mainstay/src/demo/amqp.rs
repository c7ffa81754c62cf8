//! A small blocking AMQP client: as much as the textbook's program asks for, on one channel.
//!
//! Every wait has a limit. It does not send heartbeats, and says so when it connects.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use amqp_wire::{
    Frame, FrameKind, Method, MethodFields, PROTOCOL_HEADER, Properties, RawProperties, RawTable,
    ShortStr, basic, channel, confirm, connection, decode_frame, encode_body,
    encode_content_header, encode_method,
};
use anyhow::{Context, Result, bail, ensure};
use bytes::{Bytes, BytesMut};

/// The demonstration's messages are a few bytes long.
const FRAME_MAX: u32 = 128 << 10;
/// How long an answer may take on a very busy machine.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Everything happens on this channel.
const CHANNEL: u16 = 1;
const PERSISTENT: u8 = 2;

/// A message that was got or delivered.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) tag: u64,
    pub(super) key: String,
    pub(super) redelivered: bool,
    pub(super) body: String,
}

/// A connection with its channel, which has confirms on.
#[derive(Debug)]
pub(super) struct Client {
    stream: TcpStream,
    input: BytesMut,
}

impl Client {
    /// Connects as guest.
    pub(super) fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("AMQP at {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        let mut client = Self {
            stream,
            input: BytesMut::new(),
        };
        client.stream.write_all(&PROTOCOL_HEADER)?;
        client.answer(0, "connection.start")?;
        let start = connection::StartOk {
            client_properties: RawTable::default(),
            mechanism: ShortStr::new("PLAIN")?,
            response: b"\0guest\0guest",
            locale: ShortStr::new("en_US")?,
        };
        client.send(0, &start)?;
        client.answer(0, "connection.tune")?;
        let tune = connection::TuneOk {
            channel_max: CHANNEL,
            frame_max: FRAME_MAX,
            // None: a worker that is about to be killed says nothing for a while.
            heartbeat: 0,
        };
        client.send(0, &tune)?;
        let open = connection::Open {
            virtual_host: ShortStr::new("/")?,
            ..connection::Open::default()
        };
        client.send(0, &open)?;
        client.answer(0, "connection.open-ok")?;
        client.ask(&channel::Open::default(), "channel.open-ok")?;
        client.ask(&confirm::Select::default(), "confirm.select-ok")?;
        Ok(client)
    }

    /// Sends a method and waits for its answer.
    pub(super) fn ask(&mut self, method: &impl MethodFields, answer: &str) -> Result<Bytes> {
        self.send(CHANNEL, method)?;
        self.answer(CHANNEL, answer)
    }

    /// Publishes a persistent message and returns when it is safe.
    pub(super) fn publish(&mut self, exchange: &str, key: &str, body: &str) -> Result<()> {
        let publish = basic::Publish {
            exchange: ShortStr::new(exchange)?,
            routing_key: ShortStr::new(key)?,
            ..basic::Publish::default()
        };
        let mut properties = BytesMut::new();
        Properties {
            delivery_mode: Some(PERSISTENT),
            ..Properties::default()
        }
        .encode(&mut properties)?;
        let mut out = BytesMut::new();
        encode_method(&mut out, CHANNEL, &publish)?;
        let size = u64::try_from(body.len())?;
        encode_content_header(&mut out, CHANNEL, size, RawProperties::new(&properties))?;
        encode_body(&mut out, CHANNEL, body.as_bytes(), FRAME_MAX);
        self.stream.write_all(&out)?;
        self.answer(CHANNEL, "basic.ack").map(drop)
    }

    /// Takes one message out of a queue, if there is one; it is to be acknowledged.
    pub(super) fn get(&mut self, queue: &str) -> Result<Option<Message>> {
        let get = basic::Get {
            queue: ShortStr::new(queue)?,
            ..basic::Get::default()
        };
        self.send(CHANNEL, &get)?;
        let frame = self.method()?;
        match Method::decode(&frame.payload)? {
            Method::BasicGetEmpty(_) => Ok(None),
            Method::BasicGetOk(got) => {
                let (tag, key, redelivered) =
                    (got.delivery_tag, got.routing_key.as_str(), got.redelivered);
                let body = self.body()?;
                Ok(Some(Message {
                    tag,
                    key: key.to_owned(),
                    redelivered,
                    body,
                }))
            }
            other => bail!("expected basic.get-ok: {other:?}"),
        }
    }

    /// Has the messages of a queue delivered, one at a time.
    pub(super) fn consume(&mut self, queue: &str) -> Result<()> {
        let qos = basic::Qos {
            prefetch_count: 1,
            ..basic::Qos::default()
        };
        self.ask(&qos, "basic.qos-ok")?;
        let consume = basic::Consume {
            queue: ShortStr::new(queue)?,
            ..basic::Consume::default()
        };
        self.ask(&consume, "basic.consume-ok").map(drop)
    }

    /// Waits for the next delivery.
    pub(super) fn delivery(&mut self) -> Result<Message> {
        let frame = self.method()?;
        let Method::BasicDeliver(delivered) = Method::decode(&frame.payload)? else {
            bail!("expected a delivery");
        };
        let body = self.body()?;
        Ok(Message {
            tag: delivered.delivery_tag,
            key: delivered.routing_key.as_str().to_owned(),
            redelivered: delivered.redelivered,
            body,
        })
    }

    /// Says that a message's task is done.
    pub(super) fn ack(&mut self, message: &Message) -> Result<()> {
        let ack = basic::Ack {
            delivery_tag: message.tag,
            multiple: false,
        };
        self.send(CHANNEL, &ack)
    }

    fn send(&mut self, channel: u16, method: &impl MethodFields) -> Result<()> {
        let mut out = BytesMut::new();
        encode_method(&mut out, channel, method)?;
        self.stream.write_all(&out)?;
        Ok(())
    }

    /// The next method frame, which must be of this name; its payload.
    fn answer(&mut self, channel: u16, name: &str) -> Result<Bytes> {
        let frame = self.method()?;
        let method = Method::decode(&frame.payload)?;
        let info = method.info();
        let found = format!("{}.{}", info.class, info.name);
        ensure!(
            frame.channel == channel && found == name,
            "expected {name}: {method:?}"
        );
        Ok(frame.payload)
    }

    fn method(&mut self) -> Result<Frame> {
        loop {
            let frame = self.frame()?;
            match frame.kind {
                FrameKind::Heartbeat => {}
                FrameKind::Method => return Ok(frame),
                other => bail!("expected a method: {other:?}"),
            }
        }
    }

    /// What follows a delivery: a header and as many bytes as it says.
    fn body(&mut self) -> Result<String> {
        let header = self.frame()?;
        ensure!(header.kind == FrameKind::Header, "expected a header");
        let size = amqp_wire::ContentHeader::decode(&header.payload)?.body_size;
        let mut body = Vec::new();
        while u64::try_from(body.len())? < size {
            let frame = self.frame()?;
            ensure!(frame.kind == FrameKind::Body, "expected a body");
            body.extend_from_slice(&frame.payload);
        }
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    fn frame(&mut self) -> Result<Frame> {
        loop {
            if let Some(frame) = decode_frame(&mut self.input, FRAME_MAX)? {
                return Ok(frame);
            }
            let mut buffer = [0; 4096];
            let len = match self.stream.read(&mut buffer) {
                Ok(len) => len,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error).context("no answer over AMQP"),
            };
            ensure!(len > 0, "the server closed the AMQP connection");
            self.input.extend_from_slice(&buffer[..len]);
        }
    }
}
