"""aiokafka: the asyncio client."""

import asyncio

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.abc import ConsumerRebalanceListener

import scenario


async def produce_all(bootstrap, topic, codec, messages):
    compression = None if codec == "none" else codec
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", compression_type=compression, linger_ms=20)
    await producer.start()
    try:
        sent = []
        for message in messages:
            headers = [(name, value.encode()) for name, value in message.headers.items()]
            future = await producer.send(
                topic,
                key=message.key.encode(),
                value=message.value.encode(),
                headers=headers,
                partition=message.partition,
            )
            sent.append((message, future))
        for message, future in sent:
            metadata = await future
            scenario.acked(message.index, metadata.partition, metadata.offset)
    finally:
        await producer.stop()


class Listener(ConsumerRebalanceListener):
    async def on_partitions_revoked(self, revoked):
        pass

    async def on_partitions_assigned(self, assigned):
        scenario.assigned([partition.partition for partition in assigned])


async def consume_until_told(bootstrap, topic, group, orders):
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=scenario.SESSION_TIMEOUT_MS,
        heartbeat_interval_ms=scenario.HEARTBEAT_MS,
    )
    consumer.subscribe([topic], listener=Listener())
    await consumer.start()
    try:
        while not orders.commit():
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    headers = {name: value.decode() for name, value in record.headers}
                    key, value = record.key.decode(), record.value.decode()
                    scenario.record(record.partition, record.offset, key, value, headers)
        await consumer.commit()
        offsets = {}
        for partition in consumer.assignment():
            offsets[partition.partition] = await consumer.committed(partition)
        scenario.committed(offsets)
    finally:
        await consumer.stop()


def produce(bootstrap, topic, codec, messages):
    asyncio.run(produce_all(bootstrap, topic, codec, messages))


def consume(bootstrap, topic, group, orders):
    asyncio.run(consume_until_told(bootstrap, topic, group, orders))


if __name__ == "__main__":
    scenario.main(produce, consume)
