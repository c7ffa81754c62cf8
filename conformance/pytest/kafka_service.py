"""A pytest plugin that stands in for `test.service` of kafka-python, which the source distribution on PyPI leaves out.

It starts servers, and with KAFKA_URI the suite uses one that runs already.
"""

import importlib.util
import os
import sys
import types


class ExternalService:
    """A server that somebody else starts and stops."""

    def __init__(self, host, port):
        self.host = host
        self.port = port

    def open(self):
        pass

    def close(self):
        pass


class SpawnedService:
    """A server of the suite's own."""

    def __init__(self, *_arguments):
        raise RuntimeError("this run has no server of its own to start")


# The suite's folder comes first, before Python's own package `test`. This stands here and not in a hook: the
# suite's conftest is imported before the first hook of a plugin runs.
sys.path.insert(0, os.getcwd())
if importlib.util.find_spec("test.service") is None:
    service = types.ModuleType("test.service")
    service.ExternalService = ExternalService
    service.SpawnedService = SpawnedService
    sys.modules["test.service"] = service
