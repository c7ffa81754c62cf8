"""pika's BlockingConnection."""

import time
from collections import deque

import pika
from pika.exceptions import (ChannelClosedByBroker, ConnectionClosedByBroker, NackError, UnroutableError)

import dialogue


class Client:
    def connect(self, url):
        self.connection = pika.BlockingConnection(pika.URLParameters(url))
        self.channel()

    def close(self):
        self.connection.close()

    def channel(self):
        self.on = self.connection.channel()
        self.confirms = False
        self.arrived = deque()
        self.unsettled = {}

    def exchange(self, name, type, durable, passive, arguments):
        self.on.exchange_declare(name, type, passive=passive, durable=durable, arguments=arguments)

    def queue(self, name, durable, exclusive, auto_delete, passive, arguments):
        declared = self.on.queue_declare(name, passive=passive, durable=durable, exclusive=exclusive,
                                         auto_delete=auto_delete, arguments=arguments).method
        return {"queue": declared.queue, "messages": declared.message_count, "consumers": declared.consumer_count}

    def bind(self, queue, exchange, key, arguments):
        self.on.queue_bind(queue, exchange, key, arguments)

    def bind_exchange(self, source, destination, key):
        self.on.exchange_bind(destination, source, key)

    def purge(self, queue):
        self.on.queue_purge(queue)

    def delete_queue(self, queue):
        self.on.queue_delete(queue)

    def confirm(self):
        self.on.confirm_delivery()
        self.confirms = True

    def publish(self, exchange, key, body, mandatory, persistent, priority, expiration, headers):
        properties = pika.BasicProperties(delivery_mode=2 if persistent else 1, priority=priority,
                                          expiration=expiration, headers=headers)
        confirmed, returned = self.confirms or None, None
        try:
            self.on.basic_publish(exchange, key, body.encode(), properties, mandatory)
        except UnroutableError as error:
            returned = error.messages[0].method.reply_code
        except NackError:
            confirmed = False
        return {"confirmed": confirmed, "returned": returned}

    def qos(self, count):
        self.on.basic_qos(prefetch_count=count)

    def consume(self, queue, exclusive, arguments):
        def on_message(_channel, method, properties, body):
            self.arrived.append(self.hold(method, properties, body))
        self.on.basic_consume(queue, on_message, exclusive=exclusive, arguments=arguments)

    def take(self, count):
        deadline = time.monotonic() + dialogue.PATIENCE
        while len(self.arrived) < count and time.monotonic() < deadline:
            self.connection.process_data_events(time_limit=0.05)
        return {"messages": [self.arrived.popleft() for _ in range(min(count, len(self.arrived)))]}

    def quiet(self, ms):
        self.connection.sleep(ms / 1000)
        return self.take(len(self.arrived))

    def get(self, queue):
        method, properties, body = self.on.basic_get(queue)
        return {"message": method and self.hold(method, properties, body)}

    def hold(self, method, properties, body):
        self.unsettled[body.decode()] = method.delivery_tag
        return dialogue.message(body, method.redelivered, method.exchange, method.routing_key, properties.headers,
                                properties.priority, properties.expiration)

    def ack(self, body, multiple):
        self.on.basic_ack(self.unsettled.pop(body), multiple)

    def reject(self, body, requeue):
        self.on.basic_reject(self.unsettled.pop(body), requeue)

    def nack(self, body, multiple, requeue):
        self.on.basic_nack(self.unsettled.pop(body), multiple, requeue)

    def tx_select(self):
        self.on.tx_select()

    def tx_commit(self):
        self.on.tx_commit()

    def tx_rollback(self):
        self.on.tx_rollback()


def code(error):
    if isinstance(error, (ChannelClosedByBroker, ConnectionClosedByBroker)):
        return error.reply_code
    return None


dialogue.serve(Client(), code)
