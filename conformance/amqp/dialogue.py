"""The dialogue with the harness: README.md beside this file says what is asked and answered."""

import asyncio
import inspect
import json
import sys
from datetime import datetime

#: How long `take` waits for its messages, in seconds.
PATIENCE = 10.0


class Unsupported(Exception):
    """The library has no such operation."""


def plain(value):
    """A header's value as JSON can say it."""
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (bytes, bytearray)):
        return value.decode("utf-8", "replace")
    if isinstance(value, datetime):
        return int(value.timestamp())
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def message(body, redelivered, exchange, key, headers, priority, expiration):
    return {
        "body": plain(body),
        "redelivered": redelivered,
        "exchange": exchange,
        "key": key,
        "headers": plain(headers or {}),
        "priority": priority,
        "expiration": expiration,
    }


def refused(error, code):
    """The answer to an operation that raised: the server's code, if it gave one."""
    if isinstance(error, Unsupported):
        return {"unsupported": str(error)}
    reply = code(error)
    return {"failed": repr(error)} if reply is None else {"error": reply}


def answer(value):
    print(json.dumps(value or {}), flush=True)


def serve(client, code):
    """Does what each line asks by the client's method of that name."""
    for line in sys.stdin:
        request = json.loads(line)
        operation = getattr(client, request.pop("do"))
        try:
            answer(operation(**request))
        except Exception as error:  # Whatever it is, the harness wants to hear of it.
            answer(refused(error, code))


async def serve_async(client, code):
    """The same for a library whose connections live on the event loop."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        request = json.loads(line)
        operation = getattr(client, request.pop("do"))
        try:
            result = operation(**request)
            answer(await result if inspect.isawaitable(result) else result)
        except Exception as error:  # Whatever it is, the harness wants to hear of it.
            answer(refused(error, code))
