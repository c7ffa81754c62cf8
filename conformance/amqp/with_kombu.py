"""kombu's entities: exchanges, queues, producers and consumers."""

import socket
import time
from collections import deque

import kombu
from amqp.exceptions import AMQPError, MessageNacked

import dialogue


class Client:
    def connect(self, url):
        self.url = url
        self.open(confirms=False)

    def open(self, confirms):
        """kombu's confirms are an option of the connection."""
        options = {"confirm_publish": True} if confirms else {}
        self.connection = kombu.Connection(self.url, transport_options=options)
        self.connection.connect()
        self.confirms = confirms
        self.channel()

    def close(self):
        self.connection.close()

    def channel(self):
        self.on = self.connection.channel()
        self.producer = kombu.Producer(self.on, auto_declare=False, on_return=self.on_return)
        self.consumer = kombu.Consumer(self.on, auto_declare=False, on_message=self.on_message)
        self.returns = []
        self.arrived = deque()
        self.unsettled = {}

    def on_return(self, error, *_rest):
        self.returns.append(error.reply_code)

    def on_message(self, message):
        self.arrived.append(self.hold(message))

    def exchange(self, name, type, durable, passive, arguments):
        kombu.Exchange(name, type, self.on, durable=durable, arguments=arguments).declare(passive=passive)

    def queue(self, name, durable, exclusive, auto_delete, passive, arguments):
        queue = kombu.Queue(name, durable=durable, exclusive=exclusive, auto_delete=auto_delete,
                            queue_arguments=arguments, channel=self.on)
        name, messages, consumers = queue.queue_declare(passive=passive)
        return {"queue": name, "messages": messages, "consumers": consumers}

    def bind(self, queue, exchange, key, arguments):
        kombu.Queue(queue, channel=self.on).bind_to(exchange, key, arguments)

    def bind_exchange(self, source, destination, key):
        kombu.Exchange(destination, channel=self.on).bind_to(source, key)

    def purge(self, queue):
        kombu.Queue(queue, channel=self.on).purge()

    def delete_queue(self, queue):
        kombu.Queue(queue, channel=self.on).delete()

    def confirm(self):
        self.connection.close()
        self.open(confirms=True)

    def publish(self, exchange, key, body, mandatory, persistent, priority, expiration, headers):
        self.returns.clear()
        confirmed = self.confirms or None
        try:
            self.producer.publish(body, key, exchange=exchange, mandatory=mandatory, headers=headers,
                                  delivery_mode=2 if persistent else 1, priority=priority,
                                  content_type="text/plain", content_encoding="utf-8",
                                  expiration=None if expiration is None else int(expiration) / 1000)
        except MessageNacked:
            confirmed = False
        return {"confirmed": confirmed, "returned": self.returns[0] if self.returns else None}

    def qos(self, count):
        self.consumer.qos(prefetch_count=count)

    def consume(self, queue, exclusive, arguments):
        if exclusive:
            raise dialogue.Unsupported("kombu has no exclusive consumers")
        self.consumer.add_queue(kombu.Queue(queue, channel=self.on, consumer_arguments=arguments))
        self.consumer.consume()

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
        message = kombu.Queue(queue, channel=self.on).get()
        return {"message": message and self.hold(message)}

    def hold(self, message):
        body = dialogue.plain(message.body)
        self.unsettled[body] = message
        info, properties = message.delivery_info, message.properties
        return dialogue.message(body, info["redelivered"], info["exchange"], info["routing_key"], message.headers,
                                properties.get("priority"), properties.get("expiration"))

    def ack(self, body, multiple):
        self.unsettled.pop(body).ack(multiple)

    def reject(self, body, requeue):
        self.unsettled.pop(body).reject(requeue)

    def nack(self, body, multiple, requeue):
        raise dialogue.Unsupported("kombu has no basic.nack")

    def tx_select(self):
        raise dialogue.Unsupported("kombu has no transactions")

    tx_commit = tx_rollback = tx_select


def code(error):
    return error.reply_code if isinstance(error, AMQPError) else None


dialogue.serve(Client(), code)
