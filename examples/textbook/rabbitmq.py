"""A textbook's RabbitMQ program, for pika, against a server on localhost:5672.

    pip install pika==1.4.4
    python examples/textbook/rabbitmq.py [amqp://guest:guest@localhost:5672/]

As printed it ends right after it has connected; what it does with the connection is our completion: the three
things that such a chapter goes on to show. A queue of tasks loses none of them when a worker dies; a topic exchange
sends each message where it belongs; a fanout exchange tells everybody.
"""

import multiprocessing
import sys

import pika

SERVER = sys.argv[1] if len(sys.argv) > 1 else 'amqp://guest:guest@localhost:5672/'


def connect():
    connection = pika.BlockingConnection(pika.URLParameters(SERVER))
    return connection, connection.channel()


# A queue of tasks: durable, as its messages are, and each message acknowledged when its task is done.

TASKS = [f'task {number}' for number in range(1, 6)]
PERSISTENT = pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent)


def worker(name, taken, done, dies):
    """Does tasks, one at a time; one that dies waits to be killed in the middle of its first."""
    connection, channel = connect()
    channel.basic_qos(prefetch_count=1)

    def on_task(channel, method, properties, body):
        taken.put(body.decode())
        while dies:
            connection.sleep(1)
        channel.basic_ack(method.delivery_tag)
        done.put((body.decode(), name, method.redelivered))

    channel.basic_consume('tasks', on_task)
    channel.start_consuming()


def share_tasks():
    connection, channel = connect()
    channel.queue_declare('tasks', durable=True)
    channel.queue_purge('tasks')
    channel.confirm_delivery()
    for task in TASKS:
        # With confirms on, this returns when the task is safe.
        channel.basic_publish('', 'tasks', task.encode(), PERSISTENT, mandatory=True)

    taken, done = multiprocessing.Queue(), multiprocessing.Queue()
    first = multiprocessing.Process(target=worker, args=('the first worker', taken, done, True))
    first.start()
    unlucky = taken.get(timeout=30)
    first.kill()
    first.join()
    print(f'the first worker was killed in the middle of {unlucky}')

    second = multiprocessing.Process(target=worker, args=('the second worker', taken, done, False))
    second.start()
    for expected in TASKS:
        task, name, redelivered = done.get(timeout=30)
        print(f'{name} did {task}' + (', redelivered' if redelivered else ''))
        assert (task, redelivered) == (expected, expected == unlucky)
    second.terminate()
    second.join()
    left = channel.queue_declare('tasks', passive=True).method.message_count
    assert left == 0, f'{left} tasks are left'
    connection.close()


# Routing by topic: a queue says by patterns which messages it wants.

def route_by_topic():
    connection, channel = connect()
    channel.exchange_declare('logs', 'topic', durable=True)
    wanted = {'every error': '*.error', 'all of the kernel': 'kernel.#'}
    queues = {}
    for name, pattern in wanted.items():
        # The server gives the queue a name and removes it with the connection.
        queues[name] = channel.queue_declare('', exclusive=True).method.queue
        channel.queue_bind(queues[name], 'logs', routing_key=pattern)
    channel.confirm_delivery()
    for key in ['kernel.error', 'kernel.info', 'mail.error', 'mail.info']:
        channel.basic_publish('logs', key, f'a line of {key}'.encode())

    received = {name: keys_in(channel, queue) for name, queue in queues.items()}
    for name, keys in received.items():
        print(f'{name}: {", ".join(keys)}')
    assert received == {'every error': ['kernel.error', 'mail.error'],
                        'all of the kernel': ['kernel.error', 'kernel.info']}
    connection.close()


def keys_in(channel, queue):
    """Takes everything out of a queue, and returns the routing keys."""
    keys = []
    while True:
        method, properties, body = channel.basic_get(queue, auto_ack=True)
        if method is None:
            return keys
        keys.append(method.routing_key)


# Publish and subscribe: every subscriber has a queue of its own, and the exchange fills them all.

def publish_and_subscribe():
    connection, channel = connect()
    channel.exchange_declare('news', 'fanout', durable=True)
    heard = {'radio': [], 'newspaper': []}
    for subscriber, messages in heard.items():
        queue = channel.queue_declare('', exclusive=True).method.queue
        channel.queue_bind(queue, 'news')
        channel.basic_consume(queue, auto_ack=True, on_message_callback=(
            lambda channel, method, properties, body, messages=messages: messages.append(body.decode())))
    channel.confirm_delivery()
    for message in ['it rains', 'it shines']:
        channel.basic_publish('news', '', message.encode())
    connection.sleep(0.5)
    for subscriber, messages in heard.items():
        print(f'{subscriber} heard: {", ".join(messages)}')
    assert heard == {subscriber: ['it rains', 'it shines'] for subscriber in heard}
    connection.close()


if __name__ == '__main__':
    share_tasks()
    route_by_topic()
    publish_and_subscribe()
    print('everything arrived')
