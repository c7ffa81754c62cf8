//! A client of the RabbitMQ face without a socket: frames go straight into a session and come out of it.

use crate::world::World;
use amqp::queues::{Attached, Queues};
use amqp::session::{Input, Peer, Session};
use amqp::{Broker, Done, Task};
use amqp_wire::{
    Method, MethodFields, Properties, RawFrame, RawProperties, RawTable, ShortStr, Table, Value,
    basic, channel, connection, encode_body, encode_content_header, encode_method, queue,
};
use base::{Clock, ShardId};
use bytes::{Buf, Bytes, BytesMut};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// The largest frame that these clients agree on.
pub(crate) const FRAME_MAX: u32 = 8192;

/// A method that came, with its content.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) channel: u16,
    payload: Bytes,
    pub(crate) properties: Bytes,
    pub(crate) body: Bytes,
}

impl Received {
    pub(crate) fn method(&self) -> Method<'_> {
        Method::decode(&self.payload).expect("what we send can be read")
    }

    /// As `basic.deliver`.
    pub(crate) fn name(&self) -> String {
        self.method().info().to_string()
    }

    /// Tag, `redelivered` and body of a delivery or of what basic.get took.
    pub(crate) fn delivery(&self) -> (u64, bool, String) {
        let body = String::from_utf8(self.body.to_vec()).expect("text");
        match self.method() {
            Method::BasicDeliver(method) => (method.delivery_tag, method.redelivered, body),
            Method::BasicGetOk(method) => (method.delivery_tag, method.redelivered, body),
            other => panic!("{other:?}"),
        }
    }

    /// Code and text of a close.
    pub(crate) fn close(&self) -> (u16, String) {
        match self.method() {
            Method::ChannelClose(close) => (close.reply_code, close.reply_text.to_string()),
            Method::ConnectionClose(close) => (close.reply_code, close.reply_text.to_string()),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn properties(&self) -> Properties<'_> {
        let properties = RawProperties::new(&self.properties);
        properties.validate().expect("what we send can be read")
    }

    pub(crate) fn headers(&self) -> Table {
        let headers = self.properties().headers.unwrap_or_default();
        Table::decode(headers).expect("what we send can be read")
    }
}

/// A connection.
pub(crate) struct Rabbit {
    pub(crate) session: Session,
    broker: Arc<Broker>,
    queues: Arc<Queues>,
    attached: Attached,
    clock: crate::world::TestClock,
    /// What was sent and not taken.
    input: BytesMut,
    /// What came and is not a whole content yet.
    output: BytesMut,
    received: VecDeque<Received>,
    pub(crate) heartbeats: usize,
    /// Requests are kept here instead of being sent, where a test wants that.
    pub(crate) held: Option<Vec<(ShardId, amqp::mail::Request)>>,
}

pub(crate) fn short(text: &str) -> ShortStr<'_> {
    ShortStr::new(text).expect("short")
}

pub(crate) fn text(text: &'static str) -> Value {
    Value::LongStr(Bytes::from_static(text.as_bytes()))
}

pub(crate) fn table(entries: &[(&'static str, Value)]) -> Bytes {
    let table: Table = entries.iter().cloned().collect();
    table.to_bytes().expect("short")
}

impl Rabbit {
    /// A connection of which nothing has been sent.
    pub(crate) fn raw(world: &World) -> Self {
        Self::from_peer(world, true)
    }

    /// The same, from another machine.
    pub(crate) fn remote(world: &World) -> Self {
        Self::from_peer(world, false)
    }

    fn from_peer(world: &World, is_loopback: bool) -> Self {
        let attached = world.queues.attach();
        let session = Session::new(
            world.broker.clone(),
            attached.session,
            attached.sender.clone(),
            Peer { is_loopback },
            world.clock.now(),
        );
        Self {
            session,
            broker: world.broker.clone(),
            queues: world.queues.clone(),
            attached,
            clock: world.clock.clone(),
            input: BytesMut::new(),
            output: BytesMut::new(),
            received: VecDeque::new(),
            heartbeats: 0,
            held: None,
        }
    }

    /// An open connection of `guest` with channel 1.
    pub(crate) async fn open(world: &World) -> Self {
        let mut client = Self::raw(world);
        client.handshake(b"\0guest\0guest").await;
        client.channel(1).await;
        client
    }

    pub(crate) async fn handshake(&mut self, response: &[u8]) {
        self.handshake_with_heartbeat(response, 0).await;
    }

    pub(crate) async fn handshake_with_heartbeat(&mut self, response: &[u8], heartbeat: u16) {
        let tune = self.log_in(response).await;
        assert_eq!(tune.name(), "connection.tune");
        let tune_ok = connection::TuneOk {
            channel_max: 100,
            frame_max: FRAME_MAX,
            heartbeat,
        };
        self.send(0, &tune_ok);
        let open = connection::Open {
            virtual_host: short("/"),
            ..connection::Open::default()
        };
        self.ask(0, &open, "connection.open-ok").await;
    }

    /// Begins, and says who it is; returns what is answered.
    pub(crate) async fn log_in(&mut self, response: &[u8]) -> Received {
        const CAPABILITIES: [&str; 3] = [
            "consumer_cancel_notify",
            "connection.blocked",
            "authentication_failure_close",
        ];
        self.bytes(&amqp_wire::PROTOCOL_HEADER);
        self.expect("connection.start").await;
        let capabilities = Table::from_iter(CAPABILITIES.map(|name| (name, true)));
        let client = table(&[("capabilities", Value::Table(capabilities))]);
        let start_ok = connection::StartOk {
            client_properties: RawTable::new(&client),
            mechanism: short("PLAIN"),
            response,
            locale: short("en_US"),
        };
        self.send(0, &start_ok);
        self.next().await
    }

    pub(crate) async fn channel(&mut self, number: u16) {
        self.send(number, &channel::Open::default());
        self.expect("channel.open-ok").await;
    }

    /// Sends bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
        self.feed();
    }

    pub(crate) fn send<M: MethodFields>(&mut self, channel: u16, method: &M) {
        encode_method(&mut self.input, channel, method).expect("short");
        self.feed();
    }

    fn feed(&mut self) {
        let (now, wall) = (self.clock.now(), self.clock.wall());
        let taken = self.session.receive(now, wall, &self.input);
        self.input.advance(taken);
    }

    pub(crate) fn tell(&mut self, input: Input) {
        let (now, wall) = (self.clock.now(), self.clock.wall());
        self.session.handle(now, wall, input);
    }

    /// Carries out what the session wants, until there is nothing more.
    async fn carry(&mut self) {
        loop {
            self.feed();
            self.session.flush();
            let mut idle = true;
            while let Some((shard, request)) = self.session.next_request() {
                idle = false;
                match &mut self.held {
                    Some(held) => held.push((shard, request)),
                    None => {
                        let session = self.attached.session;
                        let sent = self.queues.send(shard, session, request).await;
                        sent.expect("the host is there");
                    }
                }
            }
            if let Some(task) = self.session.take_task() {
                idle = false;
                let done: Done = self.perform(task).await;
                self.tell(Input::Done(done));
            }
            while let Ok(notice) = self.attached.notices.try_recv() {
                idle = false;
                self.tell(Input::Notice(notice));
            }
            if idle {
                break;
            }
        }
        let output = self.session.output();
        while output.has_remaining() {
            let chunk = output.chunk().len();
            self.output.extend_from_slice(output.chunk());
            output.advance(chunk);
        }
        self.session.written();
        self.parse();
    }

    async fn perform(&self, task: Task) -> Done {
        self.broker.perform(task).await
    }

    fn parse(&mut self) {
        let mut at = 0;
        if self.output.starts_with(b"AMQP") {
            at = self.output.len();
        }
        let mut open: Option<(usize, Received, usize)> = None;
        let mut done = at;
        while let Ok(Some(frame)) = RawFrame::parse(&self.output[at..], FRAME_MAX) {
            at += frame.len();
            match (frame.kind, &mut open) {
                (amqp_wire::FrameKind::Heartbeat, _) => self.heartbeats += 1,
                (amqp_wire::FrameKind::Method, None) => {
                    let received = Received {
                        channel: frame.channel,
                        payload: Bytes::copy_from_slice(frame.payload),
                        properties: Bytes::new(),
                        body: Bytes::new(),
                    };
                    if has_content(&received.method()) {
                        open = Some((done, received, usize::MAX));
                        continue;
                    }
                    self.received.push_back(received);
                }
                (amqp_wire::FrameKind::Header, Some((_, received, left))) => {
                    let header = amqp_wire::ContentHeader::decode(frame.payload).expect("a header");
                    received.properties = Bytes::copy_from_slice(header.properties.as_bytes());
                    *left = usize::try_from(header.body_size).expect("small");
                }
                (amqp_wire::FrameKind::Body, Some((_, received, left))) => {
                    assert!(!frame.payload.is_empty(), "an empty body has no frames");
                    received.body = [&received.body, frame.payload].concat().into();
                    *left -= frame.payload.len();
                }
                (kind, _) => panic!("a frame of kind {kind:?} where none is expected"),
            }
            if let Some((_, received, 0)) = &open {
                self.received.push_back(received.clone());
                open = None;
            }
            if open.is_none() {
                done = at;
            }
        }
        self.output.advance(done);
    }

    /// The next method; the session is asked to look at the time when it is its time.
    pub(crate) async fn next(&mut self) -> Received {
        loop {
            self.carry().await;
            if let Some(received) = self.received.pop_front() {
                return received;
            }
            let due = self.session.deadline();
            let sleep = async {
                match due {
                    Some(at) => self.clock.sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let notice = tokio::select! {
                biased;
                notice = self.attached.notices.recv() => notice.expect("sessions stay"),
                () = sleep => {
                    self.tell(Input::Tick);
                    continue;
                }
            };
            self.tell(Input::Notice(notice));
        }
    }

    /// The next method, which must be this one.
    pub(crate) async fn expect(&mut self, name: &str) -> Received {
        let received = self.next().await;
        assert_eq!(received.name(), name, "{:?}", received.method());
        received
    }

    /// Sends a method and returns what is answered, which must be this.
    pub(crate) async fn ask<M: MethodFields>(
        &mut self,
        channel: u16,
        method: &M,
        answer: &str,
    ) -> Received {
        self.send(channel, method);
        self.expect(answer).await
    }

    /// Everything that comes before the answer to something that asks the host of a queue of this name.
    pub(crate) async fn until_quiet(&mut self, channel: u16, queue: &str) -> Vec<Received> {
        let declare = queue::Declare {
            queue: short(queue),
            passive: true,
            ..queue::Declare::default()
        };
        self.send(channel, &declare);
        let mut before = Vec::new();
        loop {
            let received = self.next().await;
            match received.method() {
                Method::QueueDeclareOk(_) => return before,
                _ => before.push(received),
            }
        }
    }

    /// The time passes for the session.
    pub(crate) async fn pass(&mut self, time: Duration) {
        self.carry().await;
        self.clock.sleep_until(self.clock.now() + time).await;
        self.tell(Input::Tick);
        self.carry().await;
    }

    /// Lets the session see what is at hand; returns what came of it.
    pub(crate) async fn poll(&mut self) -> Vec<Received> {
        self.carry().await;
        self.received.drain(..).collect()
    }

    /// The connection breaks.
    pub(crate) async fn break_off(mut self) {
        self.carry().await;
        for (shard, queue) in self.session.take_exclusive() {
            let request = amqp::mail::Request::Delete {
                ticket: amqp::mail::Ticket(0),
                queue,
                if_unused: false,
                if_empty: false,
            };
            let session = self.attached.session;
            let sent = self.queues.send(shard, session, request).await;
            sent.expect("the host is there");
        }
        self.queues.leave(self.attached.session).await;
    }
}

fn has_content(method: &Method<'_>) -> bool {
    matches!(
        method,
        Method::BasicDeliver(_) | Method::BasicGetOk(_) | Method::BasicReturn(_)
    )
}

/// What tests mostly do.
impl Rabbit {
    /// Sends a publish without waiting for anything.
    pub(crate) fn publish(&mut self, exchange: &str, key: &str, body: &str) {
        self.publish_with(1, exchange, key, &Properties::default(), body.as_bytes());
    }

    pub(crate) fn publish_with(
        &mut self,
        channel: u16,
        exchange: &str,
        key: &str,
        properties: &Properties<'_>,
        body: &[u8],
    ) {
        let publish = basic::Publish {
            exchange: short(exchange),
            routing_key: short(key),
            ..basic::Publish::default()
        };
        self.content(channel, &publish, properties, body);
    }

    pub(crate) fn content(
        &mut self,
        channel: u16,
        publish: &basic::Publish<'_>,
        properties: &Properties<'_>,
        body: &[u8],
    ) {
        let properties = properties.to_bytes().expect("short");
        let raw = RawProperties::new(&properties);
        encode_method(&mut self.input, channel, publish).expect("short");
        encode_content_header(&mut self.input, channel, body.len() as u64, raw).expect("short");
        encode_body(&mut self.input, channel, body, FRAME_MAX);
        self.feed();
    }

    /// Turns channel 1 to confirm mode.
    pub(crate) async fn confirm(&mut self) {
        let select = amqp_wire::confirm::Select::default();
        self.ask(1, &select, "confirm.select-ok").await;
    }

    /// Declares a durable queue.
    pub(crate) async fn declare(&mut self, name: &str, arguments: &[(&'static str, Value)]) {
        let arguments = table(arguments);
        let declare = queue::Declare {
            queue: short(name),
            durable: true,
            arguments: RawTable::new(&arguments),
            ..queue::Declare::default()
        };
        self.ask(1, &declare, "queue.declare-ok").await;
    }

    pub(crate) async fn bind(
        &mut self,
        queue: &str,
        exchange: &str,
        key: &str,
        arguments: &[(&'static str, Value)],
    ) {
        let arguments = table(arguments);
        let bind = queue::Bind {
            queue: short(queue),
            exchange: short(exchange),
            routing_key: short(key),
            arguments: RawTable::new(&arguments),
            ..queue::Bind::default()
        };
        self.ask(1, &bind, "queue.bind-ok").await;
    }

    pub(crate) async fn consume(&mut self, channel: u16, queue: &str, tag: &str) {
        let consume = basic::Consume {
            queue: short(queue),
            consumer_tag: short(tag),
            ..basic::Consume::default()
        };
        self.ask(channel, &consume, "basic.consume-ok").await;
    }

    pub(crate) async fn qos(&mut self, channel: u16, prefetch_count: u16, global: bool) {
        let qos = basic::Qos {
            prefetch_size: 0,
            prefetch_count,
            global,
        };
        self.send(channel, &qos);
    }

    pub(crate) fn ack(&mut self, delivery_tag: u64, multiple: bool) {
        self.send(
            1,
            &basic::Ack {
                delivery_tag,
                multiple,
            },
        );
    }

    pub(crate) fn requeue(&mut self, delivery_tag: u64) {
        let requeue = true;
        self.send(
            1,
            &basic::Reject {
                delivery_tag,
                requeue,
            },
        );
    }

    /// basic.get with acknowledgement; `None` where the queue is empty.
    pub(crate) async fn get(&mut self, queue: &str) -> Option<Received> {
        let get = basic::Get {
            queue: short(queue),
            ..basic::Get::default()
        };
        self.send(1, &get);
        let received = self.next().await;
        match received.method() {
            Method::BasicGetOk(_) => Some(received),
            Method::BasicGetEmpty(_) => None,
            other => panic!("{other:?}"),
        }
    }

    /// The next delivery.
    pub(crate) async fn delivery(&mut self) -> (u64, bool, String) {
        self.expect("basic.deliver").await.delivery()
    }
}
