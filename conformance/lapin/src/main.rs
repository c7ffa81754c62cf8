//! lapin, answering the harness's dialogue (conformance/amqp/README.md).

use std::collections::HashMap;
use std::time::Duration;

use futures_lite::StreamExt as _;
use lapin::message::{BasicGetMessage, Delivery};
use lapin::options::*;
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, Error, ErrorKind,
    ExchangeKind,
};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, timeout_at};

const PATIENCE: Duration = Duration::from_secs(10);

type Result<T> = std::result::Result<T, Error>;

struct Client {
    connection: Connection,
    channel: Channel,
    arrived: UnboundedReceiver<Delivery>,
    arrivals: UnboundedSender<Delivery>,
    unsettled: HashMap<String, Delivery>,
}

impl Client {
    async fn connect(url: &str) -> Result<Client> {
        let connection = Connection::connect(url, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        let (arrivals, arrived) = mpsc::unbounded_channel();
        Ok(Client {
            connection,
            channel,
            arrived,
            arrivals,
            unsettled: HashMap::new(),
        })
    }

    async fn open(&mut self) -> Result<Value> {
        self.channel = self.connection.create_channel().await?;
        (self.arrivals, self.arrived) = mpsc::unbounded_channel();
        self.unsettled.clear();
        Ok(json!({}))
    }

    async fn run(&mut self, request: &Request) -> Result<Value> {
        let r = request;
        let channel = &self.channel;
        match r.text("do") {
            "close" => self.connection.close(200, "".into()).await?,
            "channel" => return self.open().await,
            "exchange" => {
                let options = ExchangeDeclareOptions {
                    passive: r.flag("passive"),
                    durable: r.flag("durable"),
                    ..Default::default()
                };
                let kind = match r.text("type") {
                    "direct" => ExchangeKind::Direct,
                    "fanout" => ExchangeKind::Fanout,
                    "headers" => ExchangeKind::Headers,
                    _ => ExchangeKind::Topic,
                };
                channel
                    .exchange_declare(r.short("name"), kind, options, r.table("arguments"))
                    .await?;
            }
            "queue" => return self.queue(r).await,
            "bind" => {
                let options = QueueBindOptions::default();
                let (queue, exchange, key) =
                    (r.short("queue"), r.short("exchange"), r.short("key"));
                channel
                    .queue_bind(queue, exchange, key, options, r.table("arguments"))
                    .await?;
            }
            "bind_exchange" => {
                let options = ExchangeBindOptions::default();
                let (destination, source) = (r.short("destination"), r.short("source"));
                channel
                    .exchange_bind(
                        destination,
                        source,
                        r.short("key"),
                        options,
                        FieldTable::default(),
                    )
                    .await?;
            }
            "purge" => drop(
                channel
                    .queue_purge(r.short("queue"), Default::default())
                    .await?,
            ),
            "delete_queue" => drop(
                channel
                    .queue_delete(r.short("queue"), Default::default())
                    .await?,
            ),
            "confirm" => {
                channel
                    .confirm_select(ConfirmSelectOptions::default())
                    .await?
            }
            "publish" => return self.publish(r).await,
            "qos" => {
                channel
                    .basic_qos(r.number("count") as u16, BasicQosOptions::default())
                    .await?
            }
            "consume" => self.consume(r).await?,
            "take" => return Ok(self.receive(r.number("count"), PATIENCE).await),
            "quiet" => {
                return Ok(self
                    .receive(u64::MAX, Duration::from_millis(r.number("ms")))
                    .await);
            }
            "get" => {
                let got = channel
                    .basic_get(r.short("queue"), BasicGetOptions::default())
                    .await?;
                let message = got.map(|BasicGetMessage { delivery, .. }| self.hold(delivery));
                return Ok(json!({ "message": message }));
            }
            "ack" => {
                let options = BasicAckOptions {
                    multiple: r.flag("multiple"),
                };
                self.settle(r).acker.ack(options).await?;
            }
            "reject" => {
                let options = BasicRejectOptions {
                    requeue: r.flag("requeue"),
                };
                self.settle(r).acker.reject(options).await?;
            }
            "nack" => {
                let options = BasicNackOptions {
                    multiple: r.flag("multiple"),
                    requeue: r.flag("requeue"),
                };
                self.settle(r).acker.nack(options).await?;
            }
            "tx_select" => channel.tx_select().await?,
            "tx_commit" => channel.tx_commit().await?,
            "tx_rollback" => channel.tx_rollback().await?,
            other => return Ok(json!({ "failed": format!("unknown operation {other}") })),
        }
        Ok(json!({}))
    }

    async fn queue(&self, r: &Request) -> Result<Value> {
        let options = QueueDeclareOptions {
            passive: r.flag("passive"),
            durable: r.flag("durable"),
            exclusive: r.flag("exclusive"),
            auto_delete: r.flag("auto_delete"),
            nowait: false,
        };
        let queue = self
            .channel
            .queue_declare(r.short("name"), options, r.table("arguments"))
            .await?;
        Ok(json!({
            "queue": queue.name().as_str(),
            "messages": queue.message_count(),
            "consumers": queue.consumer_count(),
        }))
    }

    async fn publish(&self, r: &Request) -> Result<Value> {
        let mut properties = BasicProperties::default()
            .with_headers(r.table("headers"))
            .with_delivery_mode(if r.flag("persistent") { 2 } else { 1 });
        if let Some(priority) = r.0["priority"].as_u64() {
            properties = properties.with_priority(priority as u8);
        }
        if let Some(expiration) = r.0["expiration"].as_str() {
            properties = properties.with_expiration(expiration.into());
        }
        let options = BasicPublishOptions {
            mandatory: r.flag("mandatory"),
            immediate: false,
        };
        let body = r.text("body").as_bytes();
        let (exchange, key) = (r.short("exchange"), r.short("key"));
        let confirmation = self
            .channel
            .basic_publish(exchange, key, options, body, properties)
            .await?
            .await?;
        let (confirmed, returned) = match confirmation {
            Confirmation::Ack(returned) => (Some(true), returned),
            Confirmation::Nack(returned) => (Some(false), returned),
            Confirmation::NotRequested => (None, None),
        };
        Ok(json!({
            "confirmed": confirmed,
            "returned": returned.map(|message| message.reply_code),
        }))
    }

    async fn consume(&self, r: &Request) -> Result<()> {
        let options = BasicConsumeOptions {
            exclusive: r.flag("exclusive"),
            ..Default::default()
        };
        let mut consumer = self
            .channel
            .basic_consume(r.short("queue"), "".into(), options, r.table("arguments"))
            .await?;
        let arrivals = self.arrivals.clone();
        tokio::spawn(async move {
            while let Some(Ok(delivery)) = consumer.next().await {
                if arrivals.send(delivery).is_err() {
                    return;
                }
            }
        });
        Ok(())
    }

    async fn receive(&mut self, count: u64, limit: Duration) -> Value {
        let deadline = Instant::now() + limit;
        let mut messages = Vec::new();
        while (messages.len() as u64) < count {
            let Ok(Some(delivery)) = timeout_at(deadline, self.arrived.recv()).await else {
                break;
            };
            messages.push(self.hold(delivery));
        }
        json!({ "messages": messages })
    }

    fn hold(&mut self, delivery: Delivery) -> Value {
        let body = String::from_utf8_lossy(&delivery.data).into_owned();
        let properties = &delivery.properties;
        let answer = json!({
            "body": body,
            "redelivered": delivery.redelivered,
            "exchange": delivery.exchange.as_str(),
            "key": delivery.routing_key.as_str(),
            "headers": properties.headers().as_ref().map_or(json!({}), plain_table),
            "priority": properties.priority(),
            "expiration": properties.expiration().as_ref().map(|text| text.as_str()),
        });
        self.unsettled.insert(body, delivery);
        answer
    }

    fn settle(&mut self, r: &Request) -> Delivery {
        self.unsettled
            .remove(r.text("body"))
            .expect("the harness settles what it has seen")
    }
}

/// The arguments of an operation.
struct Request(Map<String, Value>);

impl Request {
    fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap_or_default()
    }

    fn short(&self, name: &str) -> ShortString {
        self.text(name).into()
    }

    fn flag(&self, name: &str) -> bool {
        self.0[name].as_bool().unwrap_or_default()
    }

    fn number(&self, name: &str) -> u64 {
        self.0[name].as_u64().unwrap_or_default()
    }

    fn table(&self, name: &str) -> FieldTable {
        let mut table = FieldTable::default();
        for (name, value) in self.0[name].as_object().into_iter().flatten() {
            table.insert(name.as_str().into(), field(value));
        }
        table
    }
}

/// A value with the type that a Rust program would give it.
fn field(value: &Value) -> AMQPValue {
    match value {
        Value::Bool(value) => AMQPValue::Boolean(*value),
        Value::Number(value) => AMQPValue::LongInt(value.as_i64().unwrap_or_default() as i32),
        Value::Array(values) => {
            AMQPValue::FieldArray(values.iter().map(field).collect::<Vec<_>>().into())
        }
        other => AMQPValue::LongString(LongString::from(other.as_str().unwrap_or_default())),
    }
}

fn plain_table(table: &FieldTable) -> Value {
    let members = table.inner().iter();
    members
        .map(|(name, value)| (name.to_string(), plain(value)))
        .collect::<Map<_, _>>()
        .into()
}

fn plain(value: &AMQPValue) -> Value {
    match value {
        AMQPValue::Boolean(value) => json!(value),
        AMQPValue::ShortShortInt(value) => json!(value),
        AMQPValue::ShortShortUInt(value) => json!(value),
        AMQPValue::ShortInt(value) => json!(value),
        AMQPValue::ShortUInt(value) => json!(value),
        AMQPValue::LongInt(value) => json!(value),
        AMQPValue::LongUInt(value) => json!(value),
        AMQPValue::LongLongInt(value) => json!(value),
        AMQPValue::Timestamp(value) => json!(value),
        AMQPValue::Double(value) => json!(value),
        AMQPValue::LongString(value) => json!(value.to_string()),
        AMQPValue::ShortString(value) => json!(value.as_str()),
        AMQPValue::FieldArray(values) => values.as_slice().iter().map(plain).collect(),
        AMQPValue::FieldTable(table) => plain_table(table),
        other => json!(format!("{other:?}")),
    }
}

fn refused(error: &Error) -> Value {
    match error.kind() {
        ErrorKind::ProtocolError(error) => json!({ "error": error.get_id() }),
        _ => json!({ "failed": error.to_string() }),
    }
}

#[tokio::main]
async fn main() {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut client = None;
    while let Ok(Some(line)) = lines.next_line().await {
        let request = Request(serde_json::from_str(&line).expect("the harness writes JSON"));
        let answer = match (&mut client, request.text("do")) {
            (client, "connect") => Client::connect(request.text("url")).await.map(|connected| {
                *client = Some(connected);
                json!({})
            }),
            (Some(client), _) => client.run(&request).await,
            (None, _) => Ok(json!({ "failed": "not connected" })),
        };
        println!("{}", answer.unwrap_or_else(|error| refused(&error)));
    }
    std::process::exit(0);
}
