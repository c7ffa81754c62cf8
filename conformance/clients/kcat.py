"""kcat, the command line tool over librdkafka: this program only translates its input and output.

kcat sets headers per run, so messages are sent in one run per partition; it reports no offsets of what it sent,
and commits what it has printed when it is interrupted.
"""

import json
import re
import signal
import subprocess
import threading

import scenario

ASSIGNED = re.compile(r"assigned: (.*)$")
PARTITION = re.compile(r"\[(\d+)\]")


def kcat(bootstrap, *arguments):
    return ["kcat", "-b", bootstrap, *arguments]


def produce(bootstrap, topic, codec, messages):
    for partition in range(scenario.PARTITIONS):
        chosen = [message for message in messages if message.partition == partition]
        if not chosen:
            continue
        arguments = ["-P", "-t", topic, "-p", str(partition), "-K", "|", "-X", "acks=all"]
        arguments += ["-X", f"compression.codec={codec}"]
        for name, value in chosen[0].headers.items():
            arguments += ["-H", f"{name}={value}"]
        lines = "".join(f"{message.key}|{message.value}\n" for message in chosen)
        subprocess.run(kcat(bootstrap, *arguments), input=lines, text=True, check=True)
        for message in chosen:
            scenario.acked(message.index, partition, None)


def report_assignments(stream):
    for line in stream:
        if found := ASSIGNED.search(line):
            scenario.assigned(int(number) for number in PARTITION.findall(found[1]))


def consume(bootstrap, topic, group, orders):
    settings = {
        "auto.offset.reset": "earliest",
        "session.timeout.ms": scenario.SESSION_TIMEOUT_MS,
        "heartbeat.interval.ms": scenario.HEARTBEAT_MS,
        # Everything is committed when kcat is interrupted, and nothing before.
        "auto.commit.interval.ms": 3600_000,
    }
    arguments = ["-u", "-J", "-E"]
    for name, value in settings.items():
        arguments += ["-X", f"{name}={value}"]
    command = kcat(bootstrap, *arguments, "-G", group, topic)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    threading.Thread(target=report_assignments, args=(process.stderr,), daemon=True).start()

    def interrupt_when_told():
        orders.wait()
        process.send_signal(signal.SIGINT)

    threading.Thread(target=interrupt_when_told, daemon=True).start()
    positions = {}
    for line in process.stdout:
        message = json.loads(line)
        partition, offset = message["partition"], message["offset"]
        positions[partition] = offset + 1
        headers = {}
        listed = message.get("headers", {})
        pairs = listed.items() if isinstance(listed, dict) else zip(listed[::2], listed[1::2])
        headers.update(pairs)
        scenario.record(partition, offset, message["key"], message["payload"], headers)
    if process.wait() != 0:
        raise SystemExit(f"kcat ended with {process.returncode}")
    scenario.committed(positions)


if __name__ == "__main__":
    scenario.main(produce, consume)
