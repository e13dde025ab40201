"""What can be seen of a worker from outside: its probes, its group, its committed offsets, its events."""

import socket
import urllib.error
import urllib.request

from monitor.config import Settings
from monitor.intake import broker
from monitor.store.client import Row, Store


def free_port() -> int:
    """Give a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def probe(port: int, path: str) -> int:
    """Give the HTTP status of a probe; 0 when nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0


def members(settings: Settings) -> list[str]:
    """Give the ids of the group's members: a member that was thrown out comes back under another one."""
    client = broker.admin(settings.kafka)
    # kafka-python fails on a broker that says which operations are allowed in bits it does not know.
    client._process_acl_operations = lambda group: group
    try:
        groups = client.describe_groups([settings.kafka.group_id])
    finally:
        client.close()
    return sorted(member["member_id"] for member in groups[settings.kafka.group_id]["members"])


def committed(settings: Settings) -> dict[int, int]:
    """Give the group's committed offsets by partition; a partition without one is not in it."""
    client = broker.admin(settings.kafka)
    try:
        found = client.list_group_offsets(settings.kafka.group_id).get(settings.kafka.group_id, {})
    finally:
        client.close()
    return {tp.partition: meta.offset for tp, meta in found.items() if meta.offset >= 0}


def events(settings: Settings, kind: str = "") -> list[Row]:
    """Give the events that were written, newest first."""
    with Store.connect(settings.clickhouse) as store:
        return store.query("events", since=0, kind=kind, limit=1000)
