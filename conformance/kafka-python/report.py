"""A pytest plugin: one JSON object per test, in the file that REPORT names.

It also stands in for `test.service`, which the source distribution on PyPI leaves out: it starts servers, and
with KAFKA_URI the suite uses one that runs already.
"""

import importlib.util
import json
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


def last_line(report):
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2]
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash else str(report.longrepr)
    return text.strip().splitlines()[0] if text.strip() else ""


results = {}


def pytest_runtest_logreport(report):
    """A test is its setup, its call and its teardown; the worst of the three counts."""
    result = results.setdefault(report.nodeid, {"name": report.nodeid, "outcome": "passed", "seconds": 0.0})
    result["seconds"] += report.duration
    if report.outcome != "passed" and result["outcome"] != "failed":
        result["outcome"] = report.outcome
        result["detail"] = last_line(report)
    # Written after every phase: a run that is cut off has told what it knew.
    with open(os.environ["REPORT"], "w", encoding="utf-8") as file:
        json.dump(list(results.values()), file)
