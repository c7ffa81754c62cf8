"""Sends tasks of examples/textbook/celery_tasks.py, or counts what is left of them: `tasks.py send|left`."""

import json
import sys
from datetime import datetime, timedelta, timezone

from celery_tasks import add, app, later, long

#: Of each kind; the long ones keep two of three workers busy while the others go on.
ADDS, LONGS, LATERS = 40, 2, 4
LONG_SECONDS = 8
LATER_SECONDS = 6


def send():
    """Prints the identities of the tasks, and the time before which none of the late ones may start."""
    eta = datetime.now(timezone.utc) + timedelta(seconds=LATER_SECONDS)
    sent = {
        "later": [later.apply_async(eta=eta).id for _ in range(LATERS)],
        "long": [long.delay(LONG_SECONDS).id for _ in range(LONGS)],
        "add": [add.delay(number, number).id for number in range(ADDS)],
        "eta": eta.timestamp(),
    }
    print(json.dumps(sent))


def left():
    """Prints how many tasks the queue holds."""
    with app.connection() as connection:
        print(connection.default_channel.queue_declare("celery", passive=True).message_count)


{"send": send, "left": left}[sys.argv[1]]()
