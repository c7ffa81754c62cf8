// Node's amqplib.

'use strict';

const { createInterface } = require('node:readline');
const amqp = require('amqplib');

const PATIENCE_MS = 10_000;
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

let connection, channel, confirms, returned, arrived, unsettled, closed;

// What the server said when it closed the channel or the connection, for operations that only learn of it so.
function watch(emitter) {
  emitter.on('error', (error) => { closed = error.code; });
}

async function open(withConfirms) {
  channel = withConfirms ? await connection.createConfirmChannel() : await connection.createChannel();
  confirms = withConfirms;
  returned = null;
  arrived = [];
  unsettled = new Map();
  closed = undefined;
  watch(channel);
  channel.on('return', (message) => { returned = message.fields.replyCode; });
}

function plain(value) {
  if (Buffer.isBuffer(value)) return value.toString();
  if (Array.isArray(value)) return value.map(plain);
  if (value && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item)]));
  }
  return value;
}

function hold(message) {
  const { content, fields, properties } = message;
  unsettled.set(content.toString(), message);
  return {
    body: content.toString(),
    redelivered: fields.redelivered,
    exchange: fields.exchange,
    key: fields.routingKey,
    headers: plain(properties.headers ?? {}),
    priority: properties.priority ?? null,
    expiration: properties.expiration ?? null,
  };
}

function settle(body) {
  const message = unsettled.get(body);
  unsettled.delete(body);
  return message;
}

const unsupported = () => ({ unsupported: 'amqplib has no transactions' });

const operations = {
  async connect({ url }) {
    connection = await amqp.connect(url);
    watch(connection);
    await open(false);
  },
  close: () => connection.close(),
  channel: () => open(false),
  async exchange({ name, type, durable, passive, arguments: args }) {
    if (passive) await channel.checkExchange(name);
    else await channel.assertExchange(name, type, { durable, arguments: args });
  },
  async queue({ name, durable, exclusive, auto_delete: autoDelete, passive, arguments: args }) {
    const declared = passive
      ? await channel.checkQueue(name)
      : await channel.assertQueue(name, { durable, exclusive, autoDelete, arguments: args });
    return { queue: declared.queue, messages: declared.messageCount, consumers: declared.consumerCount };
  },
  bind: ({ queue, exchange, key, arguments: args }) => channel.bindQueue(queue, exchange, key, args),
  bind_exchange: ({ source, destination, key }) => channel.bindExchange(destination, source, key),
  purge: ({ queue }) => channel.purgeQueue(queue),
  delete_queue: ({ queue }) => channel.deleteQueue(queue),
  async confirm() {
    await channel.close();
    await open(true);
  },
  async publish({ exchange, key, body, mandatory, persistent, priority, expiration, headers }) {
    const options = { mandatory, persistent, headers };
    if (priority !== null) options.priority = priority;
    if (expiration !== null) options.expiration = expiration;
    returned = null;
    if (!confirms) {
      channel.publish(exchange, key, Buffer.from(body), options);
      return { confirmed: null, returned };
    }
    const confirmed = await new Promise((done) => {
      channel.publish(exchange, key, Buffer.from(body), options, (error) => done(error === null));
    });
    return { confirmed, returned };
  },
  qos: ({ count }) => channel.prefetch(count),
  consume: ({ queue, exclusive, arguments: args }) => channel.consume(queue, (message) => {
    if (message) arrived.push(hold(message));
  }, { exclusive, arguments: args }),
  async take({ count }) {
    for (let waited = 0; arrived.length < count && waited < PATIENCE_MS; waited += 10) await sleep(10);
    return { messages: arrived.splice(0, count) };
  },
  async quiet({ ms }) {
    await sleep(ms);
    return { messages: arrived.splice(0) };
  },
  async get({ queue }) {
    const message = await channel.get(queue);
    return { message: message ? hold(message) : null };
  },
  ack: ({ body, multiple }) => channel.ack(settle(body), multiple),
  reject: ({ body, requeue }) => channel.reject(settle(body), requeue),
  nack: ({ body, multiple, requeue }) => channel.nack(settle(body), multiple, requeue),
  tx_select: unsupported,
  tx_commit: unsupported,
  tx_rollback: unsupported,
};

// Answers of the library say more than the dialogue wants.
const TOLD = new Set(['queue', 'publish', 'take', 'quiet', 'get', 'tx_select', 'tx_commit', 'tx_rollback']);

async function main() {
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    let answer;
    try {
      const result = await operations[request.do](request);
      answer = TOLD.has(request.do) ? result : {};
    } catch (error) {
      const code = error.code ?? closed;
      answer = typeof code === 'number' ? { error: code } : { failed: String(error) };
    }
    console.log(JSON.stringify(answer));
  }
  process.exit(0);
}

main();
