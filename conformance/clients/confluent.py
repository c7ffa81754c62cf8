"""confluent-kafka: Python over librdkafka."""

from confluent_kafka import Consumer, Producer

import scenario


def produce(bootstrap, topic, codec, messages):
    failures = []

    def delivered(index):
        def report(error, message):
            if error is not None:
                failures.append(error)
            else:
                scenario.acked(index, message.partition(), message.offset())

        return report

    producer = Producer(
        {"bootstrap.servers": bootstrap, "acks": "all", "compression.type": codec, "linger.ms": 20}
    )
    for message in messages:
        producer.produce(
            topic,
            key=message.key,
            value=message.value,
            headers=message.headers,
            partition=message.partition,
            on_delivery=delivered(message.index),
        )
        producer.poll(0)
    undelivered = producer.flush(30)
    if failures or undelivered:
        raise SystemExit(f"{undelivered} not delivered; failures: {failures[:3]}")


def consume(bootstrap, topic, group, orders):
    def on_assign(_consumer, partitions):
        scenario.assigned([partition.partition for partition in partitions])

    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "session.timeout.ms": scenario.SESSION_TIMEOUT_MS,
            "heartbeat.interval.ms": scenario.HEARTBEAT_MS,
        }
    )
    consumer.subscribe([topic], on_assign=on_assign)
    while not orders.commit():
        message = consumer.poll(0.2)
        if message is None:
            continue
        if message.error():
            # Lost connections are repaired by the library itself; the harness sees whether records arrive.
            continue
        headers = {name: value.decode() for name, value in message.headers() or []}
        key, value = message.key().decode(), message.value().decode()
        scenario.record(message.partition(), message.offset(), key, value, headers)
    for attempt in consumer.commit(asynchronous=False):
        if attempt.error is not None:
            raise SystemExit(f"commit: {attempt.error}")
    offsets = consumer.committed(consumer.assignment(), timeout=10)
    scenario.committed({partition.partition: partition.offset for partition in offsets})
    consumer.close()


if __name__ == "__main__":
    scenario.main(produce, consume)
