"""The tasks of the Celery example, and the application that its workers run.

    pip install celery
    celery --app celery_tasks worker --concurrency 1 --hostname one@localhost    # and two, and three
    python -c "import celery_tasks; celery_tasks.add.delay(2, 2)"

BROKER names the server (amqp://guest:guest@localhost:5672/ if it is not set) and RECORD a file that gets a line
for every start and every end of a task, so that it can be seen what ran, where, and how often.
"""

import os
import time

from celery import Celery

app = Celery('textbook', broker=os.environ.get('BROKER', 'amqp://guest:guest@localhost:5672/'))
app.conf.update(
    # A task is acknowledged when it is done, so that a worker that dies loses none,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    # and a worker takes no more than it can do.
    worker_prefetch_multiplier=1,
    # The server answers when a task is safe.
    broker_transport_options={'confirm_publish': True},
    broker_connection_retry_on_startup=True,
    task_ignore_result=True,
)


def note(what, task):
    with open(os.environ.get('RECORD', 'record.txt'), 'a', encoding='utf-8') as record:
        # One short write in append mode: lines of several workers do not mix.
        record.write(f'{what} {task.name.split(".")[-1]} {task.request.id} {task.request.hostname} {time.time():.3f}\n')


@app.task(bind=True)
def add(self, one, other):
    note('start', self)
    time.sleep(0.05)
    note('end', self)
    return one + other


@app.task(bind=True)
def long(self, seconds):
    """A task that is still running when others are long done."""
    note('start', self)
    time.sleep(seconds)
    note('end', self)


@app.task(bind=True)
def later(self):
    """For an ETA: it starts at its time, not before."""
    note('start', self)
    note('end', self)
