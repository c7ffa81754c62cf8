"""A pytest plugin: one JSON object per test, in the file that REPORT names."""

import json
import os


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
