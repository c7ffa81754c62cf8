"""aio-pika, on the event loop."""

import asyncio
from collections import deque

import aio_pika
from aiormq.exceptions import AMQPError, DeliveryError, PublishError

import dialogue


class Client:
    async def connect(self, url):
        self.connection = await aio_pika.connect(url)
        await self.channel()

    async def close(self):
        await self.connection.close()

    async def channel(self, confirms=False):
        self.on = await self.connection.channel(publisher_confirms=confirms, on_return_raises=confirms)
        self.confirms = confirms
        self.transaction = None
        self.arrived = deque()
        self.unsettled = {}

    async def exchange(self, name, type, durable, passive, arguments):
        await self.on.declare_exchange(name, type, durable=durable, passive=passive, arguments=arguments)

    async def queue(self, name, durable, exclusive, auto_delete, passive, arguments):
        queue = await self.on.declare_queue(name or None, durable=durable, exclusive=exclusive, passive=passive,
                                            auto_delete=auto_delete, arguments=arguments)
        declared = queue.declaration_result
        return {"queue": queue.name, "messages": declared.message_count, "consumers": declared.consumer_count}

    async def known(self, queue):
        return await self.on.get_queue(queue, ensure=False)

    async def bind(self, queue, exchange, key, arguments):
        await (await self.known(queue)).bind(exchange, key, arguments=arguments)

    async def bind_exchange(self, source, destination, key):
        exchange = await self.on.get_exchange(destination, ensure=False)
        await exchange.bind(source, key)

    async def purge(self, queue):
        await (await self.known(queue)).purge()

    async def delete_queue(self, queue):
        await self.on.queue_delete(queue)

    async def confirm(self):
        """Confirms are an option of the channel."""
        await self.on.close()
        await self.channel(confirms=True)

    async def publish(self, exchange, key, body, mandatory, persistent, priority, expiration, headers):
        mode = aio_pika.DeliveryMode.PERSISTENT if persistent else aio_pika.DeliveryMode.NOT_PERSISTENT
        message = aio_pika.Message(body.encode(), headers=headers, delivery_mode=mode, priority=priority,
                                   expiration=None if expiration is None else int(expiration) / 1000)
        to = await self.on.get_exchange(exchange, ensure=False) if exchange else self.on.default_exchange
        confirmed, returned = self.confirms or None, None
        try:
            await to.publish(message, key, mandatory=mandatory)
        except PublishError as error:
            returned = error.message.delivery.reply_code
        except DeliveryError:
            confirmed = False
        return {"confirmed": confirmed, "returned": returned}

    async def qos(self, count):
        await self.on.set_qos(prefetch_count=count)

    async def consume(self, queue, exclusive, arguments):
        async def on_message(message):
            self.arrived.append(self.hold(message))
        await (await self.known(queue)).consume(on_message, exclusive=exclusive, arguments=arguments)

    async def take(self, count):
        deadline = asyncio.get_running_loop().time() + dialogue.PATIENCE
        while len(self.arrived) < count and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.01)
        return {"messages": [self.arrived.popleft() for _ in range(min(count, len(self.arrived)))]}

    async def quiet(self, ms):
        await asyncio.sleep(ms / 1000)
        return await self.take(len(self.arrived))

    async def get(self, queue):
        message = await (await self.known(queue)).get(fail=False)
        return {"message": message and self.hold(message)}

    def hold(self, message):
        self.unsettled[message.body.decode()] = message
        expiration = None if message.expiration is None else str(int(message.expiration * 1000))
        return dialogue.message(message.body, message.redelivered, message.exchange, message.routing_key,
                                message.headers, message.priority, expiration)

    async def ack(self, body, multiple):
        await self.unsettled.pop(body).ack(multiple)

    async def reject(self, body, requeue):
        await self.unsettled.pop(body).reject(requeue)

    async def nack(self, body, multiple, requeue):
        await self.unsettled.pop(body).nack(multiple, requeue)

    async def tx_select(self):
        self.transaction = self.on.transaction()
        await self.transaction.select()

    async def tx_commit(self):
        await self.transaction.commit()

    async def tx_rollback(self):
        await self.transaction.rollback()


def code(error):
    # The library has an exception for each code that it knows, and the rest carry theirs.
    known = {"ChannelNotFoundEntity": 404, "ChannelPreconditionFailed": 406, "ChannelLockedResource": 405,
             "ChannelAccessRefused": 403, "ConnectionNotAllowed": 530}
    if not isinstance(error, AMQPError):
        return None
    return known.get(type(error).__name__)


asyncio.run(dialogue.serve_async(Client(), code))
