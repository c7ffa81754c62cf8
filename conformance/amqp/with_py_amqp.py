"""py-amqp, the library beneath kombu and Celery."""

import socket
import time
from collections import deque
from urllib.parse import unquote, urlsplit

import amqp
from amqp.exceptions import AMQPError, MessageNacked

import dialogue


class Client:
    def connect(self, url):
        parts = urlsplit(url)
        self.connection = amqp.Connection(f"{parts.hostname}:{parts.port}", parts.username, parts.password,
                                          virtual_host=unquote(parts.path[1:]))
        self.connection.connect()
        self.channel()

    def close(self):
        self.connection.close()

    def channel(self):
        self.on = self.connection.channel()
        self.on.events["basic_return"].add(lambda error, *_rest: self.returns.append(error.reply_code))
        self.confirms = False
        self.returns = []
        self.arrived = deque()
        self.unsettled = {}

    def exchange(self, name, type, durable, passive, arguments):
        self.on.exchange_declare(name, type, passive=passive, durable=durable, auto_delete=False, arguments=arguments)

    def queue(self, name, durable, exclusive, auto_delete, passive, arguments):
        queue, messages, consumers = self.on.queue_declare(name, passive=passive, durable=durable, exclusive=exclusive,
                                                           auto_delete=auto_delete, arguments=arguments)
        return {"queue": queue, "messages": messages, "consumers": consumers}

    def bind(self, queue, exchange, key, arguments):
        self.on.queue_bind(queue, exchange, key, arguments=arguments)

    def bind_exchange(self, source, destination, key):
        self.on.exchange_bind(destination, source, key)

    def purge(self, queue):
        self.on.queue_purge(queue)

    def delete_queue(self, queue):
        self.on.queue_delete(queue)

    def confirm(self):
        self.on.confirm_select()
        self.confirms = True

    def publish(self, exchange, key, body, mandatory, persistent, priority, expiration, headers):
        properties = {"delivery_mode": 2 if persistent else 1, "priority": priority, "expiration": expiration,
                      "application_headers": headers}
        given = {name: value for name, value in properties.items() if value is not None}
        send = self.on.basic_publish_confirm if self.confirms else self.on.basic_publish
        self.returns.clear()
        confirmed = self.confirms or None
        try:
            send(amqp.Message(body, **given), exchange, key, mandatory=mandatory)
        except MessageNacked:
            confirmed = False
        return {"confirmed": confirmed, "returned": self.returns[0] if self.returns else None}

    def qos(self, count):
        self.on.basic_qos(0, count, False)

    def consume(self, queue, exclusive, arguments):
        self.on.basic_consume(queue, exclusive=exclusive, arguments=arguments,
                              callback=lambda message: self.arrived.append(self.hold(message)))

    def drain(self, seconds, enough):
        deadline = time.monotonic() + seconds
        while len(self.arrived) < enough and time.monotonic() < deadline:
            try:
                self.connection.drain_events(timeout=0.05)
            except socket.timeout:
                pass

    def take(self, count):
        self.drain(dialogue.PATIENCE, count)
        return {"messages": [self.arrived.popleft() for _ in range(min(count, len(self.arrived)))]}

    def quiet(self, ms):
        self.drain(ms / 1000, float("inf"))
        return self.take(len(self.arrived))

    def get(self, queue):
        message = self.on.basic_get(queue)
        return {"message": message and self.hold(message)}

    def hold(self, message):
        body = dialogue.plain(message.body)
        self.unsettled[body] = message.delivery_tag
        info, properties = message.delivery_info, message.properties
        return dialogue.message(body, info["redelivered"], info["exchange"], info["routing_key"], message.headers,
                                properties.get("priority"), properties.get("expiration"))

    def ack(self, body, multiple):
        self.on.basic_ack(self.unsettled.pop(body), multiple)

    def reject(self, body, requeue):
        self.on.basic_reject(self.unsettled.pop(body), requeue)

    def nack(self, body, multiple, requeue):
        raise dialogue.Unsupported("py-amqp has no basic.nack")

    def tx_select(self):
        self.on.tx_select()

    def tx_commit(self):
        self.on.tx_commit()

    def tx_rollback(self):
        self.on.tx_rollback()


def code(error):
    return error.reply_code if isinstance(error, AMQPError) else None


dialogue.serve(Client(), code)
