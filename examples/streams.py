"""One log, two protocols: pika and kafka-python write into one stream, and both read all of it.

    pip install pika kafka-python
    mainstay &
    python3 examples/streams.py
"""

import os
import uuid

import pika
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

AMQP = os.environ.get("AMQP", "amqp://guest:guest@127.0.0.1:5672/%2F")
KAFKA = os.environ.get("KAFKA", "127.0.0.1:9092")
STREAM = f"orders-{uuid.uuid4().hex[:8]}"


def publish(channel):
    """A RabbitMQ client writes. The header x-kafka-key becomes the record's key."""
    channel.queue_declare(STREAM, durable=True, arguments={"x-queue-type": "stream"})
    channel.confirm_delivery()
    for number in range(3):
        properties = pika.BasicProperties(headers={"x-kafka-key": f"customer-{number}", "currency": "EUR"})
        channel.basic_publish("", STREAM, f"from pika {number}".encode(), properties)


def produce():
    """A Kafka client writes. The key becomes the header x-kafka-key."""
    producer = KafkaProducer(bootstrap_servers=KAFKA, compression_type="gzip")
    for number in range(3):
        producer.send(STREAM, f"from kafka-python {number}".encode(), key=f"customer-{number}".encode())
    producer.close()


def consume(channel, offset):
    """A RabbitMQ client reads: it needs a prefetch limit, and acknowledgements to get on."""
    channel.basic_qos(prefetch_count=100)
    arguments = {"x-stream-offset": offset}
    for method, properties, body in channel.consume(STREAM, arguments=arguments, inactivity_timeout=1):
        if method is None:
            break
        headers = properties.headers
        print(f"pika          {headers['x-stream-offset']} {headers['x-kafka-key']}: {body.decode()}")
        channel.basic_ack(method.delivery_tag)
    channel.cancel()


def read():
    """A Kafka client reads."""
    consumer = KafkaConsumer(bootstrap_servers=KAFKA, consumer_timeout_ms=1000)
    partition = TopicPartition(STREAM, 0)
    consumer.assign([partition])
    consumer.seek_to_beginning(partition)
    for record in consumer:
        print(f"kafka-python  {record.offset} {record.key.decode()}: {record.value.decode()}")
    consumer.close()


def main():
    connection = pika.BlockingConnection(pika.URLParameters(AMQP))
    channel = connection.channel()
    publish(channel)
    produce()
    print("All of it, read by pika:")
    consume(channel, "first")
    print("From offset 4 on, and what was written in the last hour:")
    consume(channel, 4)
    consume(channel, "1h")
    print("All of it, read by kafka-python:")
    read()
    channel.queue_delete(STREAM)
    connection.close()


if __name__ == "__main__":
    main()
