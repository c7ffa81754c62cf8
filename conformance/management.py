#!/usr/bin/env python3
"""Asks Mainstay's and RabbitMQ's management API the same and compares what they answer; then takes definitions both ways.

    python3 conformance/management.py http://127.0.0.1:15672 http://127.0.0.1:25672

The first address is Mainstay's console, the second RabbitMQ's (3.10, with its plugin rabbitmq_management); both are asked
as guest, and should be empty. Status codes and headers `location` must be the same, and where Mainstay answers 200 each of
its fields must be in RabbitMQ's answer with the same value. A known difference names its reason; everything else fails.
"""

import base64
import json
import sys
import urllib.error
import urllib.request

GUEST = "guest:guest"
KIM = "kim:pw"
OWN_WORDS = "the reason is in words of its own"
OWN_HASH = "the end of properties_key is a hash of its own"

# Method, path, body, user, known difference.
STEPS = [
    ("PUT", "/api/vhosts/c1", {}),
    ("PUT", "/api/vhosts/c1", {}),
    ("GET", "/api/vhosts/c1", None, GUEST, "the node has another name"),
    ("GET", "/api/vhosts/nope"),
    ("DELETE", "/api/vhosts/nope"),
    ("POST", "/api/vhosts", {}),
    ("PUT", "/api/users/kim", {"password": "pw", "tags": "management, x"}),
    ("PUT", "/api/users/kim", {"password": "pw", "tags": ["management"]}),
    ("PUT", "/api/users/no", {"password": "x"}),
    ("PUT", "/api/users/no", {"password": "x", "password_hash": "y", "tags": ""}),
    ("PUT", "/api/users/no", b"nojson"),
    ("PUT", "/api/users/hash", {"password_hash": "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR", "tags": "administrator"}),
    ("GET", "/api/users/hash"),
    ("GET", "/api/users/nope"),
    ("DELETE", "/api/users/nope"),
    ("GET", "/api/users/kim/permissions"),
    ("GET", "/api/whoami", None, KIM),
    ("GET", "/api/whoami", None, "kim:bad"),
    ("GET", "/api/whoami", None, "kim:"),
    ("GET", "/api/whoami", None, "hash:test12"),
    ("GET", "/api/users", None, KIM),
    ("PUT", "/api/permissions/c1/kim", {"configure": "^kim", "write": ".*", "read": ""}),
    ("PUT", "/api/permissions/c1/kim", {"configure": "^kim", "write": ".*", "read": ""}),
    ("GET", "/api/permissions/c1/kim"),
    ("PUT", "/api/permissions/c1/kim", {"configure": "", "write": ""}),
    ("PUT", "/api/permissions/c1/kim", {"configure": "(", "write": "", "read": ""}, GUEST, OWN_WORDS),
    ("PUT", "/api/permissions/nope/kim", {"configure": "", "write": "", "read": ""}),
    ("GET", "/api/permissions/c1/nope"),
    ("DELETE", "/api/permissions/c1/nope"),
    ("GET", "/api/vhosts/c1/permissions"),
    ("GET", "/api/queues/%2F", None, KIM),
    ("GET", "/api/queues/c1", None, KIM),
    ("PUT", "/api/queues/c1/kim-1", {"durable": True}, KIM),
    ("PUT", "/api/queues/c1/other", {"durable": True}, KIM),
    ("DELETE", "/api/queues/c1/kim-1/contents", None, KIM),
    ("PUT", "/api/queues/c1/q", {"durable": True, "arguments": {"x-max-priority": 5, "x-message-ttl": 1000}}),
    ("PUT", "/api/queues/c1/q", {"durable": True, "arguments": {"x-message-ttl": 1000, "x-max-priority": 5}}),
    ("PUT", "/api/queues/c1/q", {"durable": False}),
    ("PUT", "/api/queues/c1/amq.q", {}),
    ("PUT", "/api/queues/nope/q", {}),
    ("PUT", "/api/queues/c1/bad", {"durable": "x"}, GUEST, OWN_WORDS),
    ("PUT", "/api/queues/c1/bad", {"durable": True, "arguments": {"x-max-priority": 256}}),
    ("PUT", "/api/queues/c1/a%2Fb%20c", {}),
    ("GET", "/api/queues/c1/a%2Fb%20c?columns=name,vhost,durable"),
    ("GET", "/api/queues/c1/nope"),
    ("GET", "/api/queues/nope"),
    ("DELETE", "/api/queues/c1/nope"),
    ("DELETE", "/api/queues/c1/nope/contents"),
    ("PUT", "/api/exchanges/c1/e", {"type": "topic", "durable": True}),
    ("PUT", "/api/exchanges/c1/e", {"type": "topic", "durable": True}),
    ("PUT", "/api/exchanges/c1/e", {"type": "fanout", "durable": True}),
    ("PUT", "/api/exchanges/c1/e9", {"type": "nope"}),
    ("PUT", "/api/exchanges/c1/amq.e", {"type": "topic"}),
    ("GET", "/api/exchanges/c1/e"),
    ("GET", "/api/exchanges/c1/amq.default"),
    ("GET", "/api/exchanges/c1/nope"),
    ("DELETE", "/api/exchanges/c1/amq.topic"),
    ("DELETE", "/api/exchanges/c1/nope"),
    ("POST", "/api/bindings/c1/e/e/q/q", {"routing_key": "a.#"}),
    ("POST", "/api/bindings/c1/e/e/q/q", {}),
    ("POST", "/api/bindings/c1/e/e/e/amq.fanout", {"routing_key": "x y/%"}),
    ("POST", "/api/bindings/c1/e/e/q/nope", {}),
    ("POST", "/api/bindings/c1/e/nope/q/q", {}),
    ("POST", "/api/bindings/c1/e/amq.default/q/q", {"routing_key": "z"}),
    ("GET", "/api/bindings/c1/e/e/q/q"),
    ("GET", "/api/bindings/c1/e/e/q/q/a.%23"),
    ("GET", "/api/bindings/c1/e/e/q/q/~"),
    ("GET", "/api/bindings/c1/e/amq.default/q/q"),
    ("GET", "/api/queues/c1/q/bindings"),
    ("GET", "/api/exchanges/c1/amq.fanout/bindings/destination"),
    ("DELETE", "/api/bindings/c1/e/e/q/q/a.%23"),
    ("DELETE", "/api/bindings/c1/e/e/q/q/a.%23"),
    ("POST", "/api/bindings/c1/e/e/q/q", {"routing_key": "a.b", "arguments": {"x": 1}}, GUEST, OWN_HASH),
    ("DELETE", "/api/exchanges/c1/e?if-unused=true"),
    ("GET", "/api/queues/c1?page=1&page_size=2&name=q&use_regex=true&columns=name"),
    ("GET", "/api/queues/c1?page=9&page_size=2"),
    ("GET", "/api/queues/c1?page=0&page_size=2"),
    ("GET", "/api/queues/c1?page=x"),
    ("GET", "/api/queues/c1?columns=name&sort=name&sort_reverse=true"),
    ("POST", "/api/definitions", b"zzz", GUEST, OWN_WORDS),
    ("POST", "/api/definitions", {"queues": [{"name": "x"}]}, GUEST, OWN_WORDS),
    ("GET", "/api/nope"),
    ("DELETE", "/api/queues/c1/kim-1"),
    ("DELETE", "/api/exchanges/c1/e"),
    ("DELETE", "/api/users/kim"),
    ("DELETE", "/api/users/hash"),
    ("DELETE", "/api/vhosts/c1"),
    ("GET", "/api/vhosts/c1"),
]

# What is made in one of the two, to be found in the other.
MADE = [
    ("PUT", "/api/vhosts/made", {}),
    ("PUT", "/api/users/anna", {"password_hash": "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR", "tags": "monitoring"}),
    ("PUT", "/api/permissions/made/anna", {"configure": "^a", "write": ".*", "read": ""}),
    ("PUT", "/api/queues/made/work", {"durable": True, "arguments": {"x-max-priority": 3, "x-message-ttl": 5}}),
    ("PUT", "/api/queues/made/quorum", {"durable": True, "arguments": {"x-queue-type": "quorum"}}),
    ("PUT", "/api/exchanges/made/h", {"type": "headers", "durable": True, "arguments": {"alternate-exchange": "amq.fanout"}}),
    ("POST", "/api/bindings/made/e/h/q/work", {"routing_key": "r", "arguments": {"x-match": "any", "n": [1, {"a": True}]}}),
    ("POST", "/api/bindings/made/e/amq.topic/e/h", {"routing_key": "a.#"}),
]


def ask(server, method, path, body=None, user=GUEST):
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(server + path, method=method, data=data)
    request.add_header("authorization", "Basic " + base64.b64encode(user.encode()).decode())
    request.add_header("content-type", "application/json")
    try:
        answer = urllib.request.urlopen(request)
    except urllib.error.HTTPError as error:
        answer = error
    text = answer.read().decode()
    return answer.status, answer.headers.get("location"), json.loads(text) if text else None


def within(ours, theirs):
    """Whether everything in ours is in theirs; the order of objects in a list does not count."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return all(key in theirs and within(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(any(within(a, b) for b in theirs) for a in ours)
    return ours == theirs


def compare(mainstay, rabbitmq):
    failed = 0
    for method, path, *rest in STEPS:
        body, user, reason = (rest + [None, GUEST, None][len(rest):])[:3]
        ours = ask(mainstay, method, path, body, user)
        theirs = ask(rabbitmq, method, path, body, user)
        alike = ours[:2] == theirs[:2] and within(ours[2], theirs[2])
        if reason and not alike and ours[0] == theirs[0]:
            print(f"known   {method} {path}: {reason}")
        elif not alike or reason:
            failed += 1
            print(f"FAILED  {method} {path} {body}\n        Mainstay {ours}\n        RabbitMQ {theirs}")
    print(f"{len(STEPS) - failed} of {len(STEPS)} requests are answered alike, or differ as they are known to")
    return failed


def definitions(source, target, name):
    """Makes things in one, takes its definitions to the other and compares what comes out of that."""
    for method, path, body in MADE:
        status, _, answer = ask(source, method, path, body)
        assert status in (201, 204), (path, status, answer)
    _, _, there = ask(source, "GET", "/api/definitions")
    # Both have a guest of their own.
    there["users"] = [user for user in there["users"] if user["name"] != "guest"]
    failed = 0
    for round in ("first", "second"):
        status, _, answer = ask(target, "POST", "/api/definitions", there)
        if status != 204:
            failed += 1
            print(f"FAILED  {name}: the {round} import is answered {status} {answer}")
    _, _, here = ask(target, "GET", "/api/definitions")
    for part in ("vhosts", "users", "permissions", "queues", "exchanges", "bindings"):
        mine = [entry for entry in there[part] if "made" in (entry.get("vhost"), entry["name"] if part == "vhosts" else "")]
        mine += [entry for entry in there[part] if part == "users" and entry["name"] == "anna"]
        missing = [entry for entry in mine if entry not in here[part]]
        if missing or not mine:
            failed += 1
            print(f"FAILED  {name}: of the {part}, these did not arrive: {missing}")
    for server in (source, target):
        ask(server, "DELETE", "/api/vhosts/made")
        ask(server, "DELETE", "/api/users/anna")
    print(f"definitions {name}: {'failed' if failed else 'the same on the other side'}")
    return failed


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    mainstay, rabbitmq = sys.argv[1:]
    failed = compare(mainstay, rabbitmq)
    failed += definitions(mainstay, rabbitmq, "from Mainstay to RabbitMQ")
    failed += definitions(rabbitmq, mainstay, "from RabbitMQ to Mainstay")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
