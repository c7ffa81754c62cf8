"""Writes or reads a stream queue, or the topic that it is, and prints what there is to see as JSON.

    one_log.py publish|consume AMQP-URL QUEUE …      by pika
    one_log.py produce|read KAFKA-ADDRESS TOPIC …    by kafka-python
"""

import json
import sys

import pika
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

#: How long a reader waits for what is there, in seconds.
PATIENCE = 15


def text(value):
    return value.decode() if isinstance(value, (bytes, bytearray)) else value


def publish(url, queue, first, count):
    """Declares the stream queue and publishes so many messages; returns when each is confirmed."""
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "stream"})
        channel.confirm_delivery()
        for number in range(int(first), int(first) + int(count)):
            properties = pika.BasicProperties(delivery_mode=2, content_type="text/plain",
                                              headers={"number": number, "kind": "amqp"})
            channel.basic_publish("", queue, f"message {number}".encode(), properties, mandatory=True)
    return {}


def consume(url, queue, offset, count):
    """The messages from an offset on, with the offset that the server puts on each."""
    messages = []
    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    # A stream wants a prefetch count and acknowledgements.
    channel.basic_qos(prefetch_count=10)
    arguments = {"x-stream-offset": int(offset) if offset.isdigit() else offset}
    inactivity = channel.consume(queue, arguments=arguments, inactivity_timeout=PATIENCE)
    for method, properties, body in inactivity:
        if method is None:
            break
        headers = properties.headers or {}
        messages.append({"body": body.decode(), "offset": headers.get("x-stream-offset"),
                         "key": text(headers.get("x-kafka-key")), "number": text(headers.get("number"))})
        channel.basic_ack(method.delivery_tag)
        if len(messages) == int(count):
            break
    connection.close()
    return {"messages": messages}


def produce(address, topic, first, count):
    """Sends so many messages with keys and headers; returns when each is acknowledged, with its offset."""
    producer = KafkaProducer(bootstrap_servers=address, acks="all")
    sent = [producer.send(topic, f"message {number}".encode(), key=f"key {number}".encode(),
                          headers=[("number", str(number).encode())])
            for number in range(int(first), int(first) + int(count))]
    producer.flush()
    return {"offsets": [one.get(timeout=PATIENCE).offset for one in sent]}


def read(address, topic, offset, count):
    """The records of partition 0 from an offset on."""
    consumer = KafkaConsumer(bootstrap_servers=address, consumer_timeout_ms=PATIENCE * 1000)
    partitions = sorted(consumer.partitions_for_topic(topic) or [])
    partition = TopicPartition(topic, 0)
    consumer.assign([partition])
    consumer.seek(partition, int(offset))
    records = []
    for record in consumer:
        headers = dict(record.headers)
        records.append({"body": text(record.value), "offset": record.offset, "key": text(record.key),
                        "number": text(headers.get("number")), "kind": text(headers.get("kind"))})
        if len(records) == int(count):
            break
    return {"partitions": partitions, "messages": records}


print(json.dumps({"publish": publish, "consume": consume, "produce": produce, "read": read}[sys.argv[1]](*sys.argv[2:])))
