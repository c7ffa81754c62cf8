"""What every client program of the conformance scenario shares: its messages, its events, its orders.

A program is called as

    PROGRAM produce BOOTSTRAP TOPIC CODEC FIRST COUNT    sends messages FIRST .. FIRST + COUNT - 1
    PROGRAM consume BOOTSTRAP TOPIC GROUP                is one member of a group, until it is told to commit

and tells the harness what happened as one JSON object per line on standard output: acked, assigned, record,
committed. The one order, `commit` on standard input, means: stop polling, commit the positions, report them,
leave the group, end. The harness judges; a program never does.
"""

import json
import sys
import threading

PARTITIONS = 4
SESSION_TIMEOUT_MS = 6000
HEARTBEAT_MS = 1000


class Message:
    """Message `index`: everything about it follows from its index and codec, so that a reader can check it."""

    def __init__(self, index, codec):
        self.index = index
        self.partition = index % PARTITIONS
        self.key = f"key-{index}"
        self.value = f"value-{index}-{codec}-" + "x" * (index % 7 * 50)
        self.headers = {"codec": codec, "partition": str(self.partition)}


def messages(codec, first, count):
    return [Message(index, codec) for index in range(first, first + count)]


def emit(**event):
    print(json.dumps(event), flush=True)


def acked(index, partition, offset):
    emit(event="acked", index=index, partition=partition, offset=offset)


def assigned(partitions):
    emit(event="assigned", partitions=sorted(partitions))


def record(partition, offset, key, value, headers):
    emit(event="record", partition=partition, offset=offset, key=key, value=value, headers=headers)


def committed(offsets):
    emit(event="committed", offsets=sorted(offsets.items()))


class Orders:
    """Whether the harness has said `commit`; the end of standard input says it too."""

    def __init__(self):
        self._commit = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        sys.stdin.readline()
        self._commit.set()

    def commit(self):
        return self._commit.is_set()

    def wait(self):
        self._commit.wait()


def main(produce, consume):
    order, bootstrap, topic, *rest = sys.argv[1:]
    if order == "produce":
        codec, first, count = rest
        produce(bootstrap, topic, codec, messages(codec, int(first), int(count)))
    else:
        (group,) = rest
        consume(bootstrap, topic, group, Orders())
