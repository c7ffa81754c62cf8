"""kafka-python, the releases of today and 1.4.7 alike."""

from kafka import ConsumerRebalanceListener, KafkaConsumer, KafkaProducer

import scenario

# Release 3.0.12 loses the result of a join that is under way when poll's time is up, and then stays in the group
# without partitions for ever, with any broker; short polls meet this in one of eight starts.
POLL_MS = 1000


def produce(bootstrap, topic, codec, messages):
    compression = None if codec == "none" else codec
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", compression_type=compression, linger_ms=20)
    sent = []
    for message in messages:
        headers = [(name, value.encode()) for name, value in message.headers.items()]
        future = producer.send(
            topic,
            key=message.key.encode(),
            value=message.value.encode(),
            headers=headers,
            partition=message.partition,
        )
        sent.append((message, future))
    producer.flush()
    for message, future in sent:
        metadata = future.get(timeout=30)
        scenario.acked(message.index, metadata.partition, metadata.offset)
    producer.close()


class Listener(ConsumerRebalanceListener):
    def on_partitions_revoked(self, revoked):
        pass

    def on_partitions_assigned(self, assigned):
        scenario.assigned([partition.partition for partition in assigned])


def consume(bootstrap, topic, group, orders):
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=scenario.SESSION_TIMEOUT_MS,
        heartbeat_interval_ms=scenario.HEARTBEAT_MS,
    )
    consumer.subscribe([topic], listener=Listener())
    while not orders.commit():
        for records in consumer.poll(timeout_ms=POLL_MS).values():
            for record in records:
                headers = {name: value.decode() for name, value in record.headers}
                key, value = record.key.decode(), record.value.decode()
                scenario.record(record.partition, record.offset, key, value, headers)
    consumer.commit()
    scenario.committed({partition.partition: consumer.committed(partition) for partition in consumer.assignment()})
    consumer.close()


if __name__ == "__main__":
    scenario.main(produce, consume)
