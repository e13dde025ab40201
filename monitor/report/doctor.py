"""Checks each dependency and setting, and says what to do about what is wrong."""

import importlib.metadata
import importlib.util
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import redis
import requests
from grafana_api.grafana_api import GrafanaException
from grafana_api.grafana_face import GrafanaFace
from kafka.errors import KafkaError

from monitor.config import Settings
from monitor.errors import MonitorError
from monitor.intake import broker
from monitor.names import PREFIX
from monitor.scoring.registry import enabled_scorers
from monitor.store.client import Store
from monitor.store.rows import TABLES

State = Literal["ok", "warning", "failed"]
PACKAGES = ("kafka-python", "celery", "clickhouse-connect", "grafana-api", "evidently", "pydantic")
CLOCK_TOLERANCE_S = 5.0
OUTSIDE_SETTINGS = frozenset({f"{PREFIX}DATA", f"{PREFIX}STACK"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    state: State
    found: str
    todo: str = ""
    """What to do; empty when nothing is wrong."""


def check_all(settings: Settings) -> Iterator[Check]:
    """Look at everything in turn; a check that breaks is a failed check, never an exception."""
    for name, check in _CHECKS.items():
        try:
            yield from check(settings)
        except MonitorError as error:
            yield Check(name=name, state="failed", found=str(error), todo=_TODO.get(name, ""))


def _packages(_settings: Settings) -> Iterator[Check]:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    yield Check(name="packages", state="ok", found=versions)
    if importlib.util.find_spec("crc32c") is None:
        yield Check(
            name="packages",
            state="warning",
            found="crc32c is missing: consuming is ten times slower",
            todo="pip install crc32c",
        )


def _variables(_settings: Settings) -> Iterator[Check]:
    groups = {name.upper() for name in Settings.model_fields}
    unknown = [
        name
        for name in sorted(os.environ)
        if name.startswith(PREFIX)
        and name not in OUTSIDE_SETTINGS
        and not name.startswith(f"{PREFIX}TEST_")
        and name.removeprefix(PREFIX).split("__")[0] not in groups
    ]
    if unknown:
        yield Check(
            name="settings",
            state="warning",
            found=f"variables that no setting reads: {', '.join(unknown)}",
            todo=f"check the spelling; the groups are {', '.join(sorted(groups))}",
        )
    else:
        yield Check(name="settings", state="ok", found="every variable is known")


def _kafka(settings: Settings) -> Iterator[Check]:
    client = broker.admin(settings.kafka)
    try:
        topics = client.describe_topics([settings.kafka.topic])
    except KafkaError as error:
        yield Check(
            name="kafka",
            state="failed",
            found=f"the broker answers, but not about {settings.kafka.topic} ({type(error).__name__})",
            todo="check the rights of the Kafka user on the topic",
        )
        return
    finally:
        client.close()
    partitions = topics[0]["partitions"] if topics and not topics[0]["error_code"] else []
    if partitions:
        yield Check(name="kafka", state="ok", found=f"topic {settings.kafka.topic}, {len(partitions)} partitions")
    else:
        yield Check(
            name="kafka",
            state="failed",
            found=f"the topic {settings.kafka.topic} does not exist",
            todo="create it, or set ALIGNMENT_MONITOR_KAFKA__TOPIC",
        )


def _redis(settings: Settings) -> Iterator[Check]:
    client = redis.Redis.from_url(settings.redis.url.get_secret_value(), socket_connect_timeout=2, socket_timeout=2)
    try:
        info = client.info()
        policy = client.config_get("maxmemory-policy").get("maxmemory-policy", "noeviction")
    except redis.RedisError as error:
        yield Check(
            name="redis",
            state="failed",
            found=f"Redis does not answer ({type(error).__name__})",
            todo="check ALIGNMENT_MONITOR_REDIS__URL and that the server runs; until then reconcile cannot hint",
        )
        return
    finally:
        client.close()
    version = info.get("valkey_version") or info.get("redis_version")
    if policy == "noeviction":
        yield Check(name="redis", state="ok", found=f"version {version}")
    else:
        yield Check(
            name="redis",
            state="warning",
            found=f"version {version}, maxmemory-policy {policy}: hints can be evicted and are found again only later",
            todo="set maxmemory-policy noeviction",
        )


def _clickhouse(settings: Settings) -> Iterator[Check]:
    # Against `default`, so that a missing database is told apart from a missing server.
    with Store.connect(settings.clickhouse, database="default") as bare:
        version = bare.query("ping")[0]
    yield Check(name="clickhouse", state="ok", found=f"version {version['version']}")
    skew = abs(version["now"] - time.time())
    if skew > CLOCK_TOLERANCE_S:
        yield Check(
            name="clickhouse",
            state="warning",
            found=f"its clock and ours differ by {skew:.0f} s: ages and canaries will be wrong by that",
            todo="run NTP on both machines",
        )
    with Store.connect(settings.clickhouse) as store:
        tables = {row["name"]: row["engine_full"] for row in store.query("tables")}
    missing = sorted(set(TABLES) - set(tables))
    if missing:
        yield Check(
            name="tables",
            state="failed",
            found=f"missing: {', '.join(missing)}",
            todo="start the ingest worker once: it makes the tables",
        )
        return
    without = [
        name
        for name in ("samples", "dead_letters", "offset_ledger", "scores")
        if "Replicated" not in tables[name] and "non_replicated_deduplication_window" not in tables[name]
    ]
    if without:
        yield Check(
            name="tables",
            state="failed",
            found=f"no deduplication window on {', '.join(without)}: a repeated insert is stored twice until merged",
            todo="ALTER TABLE ... MODIFY SETTING non_replicated_deduplication_window = 10000",
        )
    else:
        yield Check(name="tables", state="ok", found=f"{len(TABLES)} tables, deduplication on")


def _scorers(settings: Settings) -> Iterator[Check]:
    names = [f"{s.identity.name} ({s.identity.dimension})" for s in enabled_scorers(settings.scoring.scorers)]
    yield Check(name="scorers", state="ok", found=f"{len(names)}: {', '.join(names)}")


def _grafana(settings: Settings) -> Iterator[Check]:
    grafana = settings.grafana
    if grafana.url is None:
        yield Check(name="grafana", state="ok", found="not set up; the console shows the same numbers")
        return
    if grafana.token is None:
        yield Check(
            name="grafana",
            state="failed",
            found="an address without a token",
            todo="set ALIGNMENT_MONITOR_GRAFANA__TOKEN to the token of a service account",
        )
        return
    face = GrafanaFace(
        auth=grafana.token.get_secret_value(),
        host=grafana.url.host,
        port=grafana.url.port,
        url_path_prefix=(grafana.url.path or "").strip("/") + "/" if (grafana.url.path or "/") != "/" else "",
        protocol=grafana.url.scheme,
        timeout=5.0,
    )
    try:
        organisation = face.organization.get_current_organization()
    except GrafanaException as error:
        yield Check(
            name="grafana",
            state="failed",
            found=f"Grafana answers with status {error.status_code}",
            todo="401 or 403: make a new service account token with the role Editor; 5xx: look at Grafana's log",
        )
    except requests.RequestException as error:
        yield Check(
            name="grafana",
            state="failed",
            found=f"Grafana does not answer at {grafana.url} ({type(error).__name__})",
            todo="check ALIGNMENT_MONITOR_GRAFANA__URL and that Grafana runs",
        )
    else:
        yield Check(name="grafana", state="ok", found=f"organisation {organisation.get('name', 'unknown')}")


_CHECKS: dict[str, Callable[[Settings], Iterator[Check]]] = {
    "packages": _packages,
    "settings": _variables,
    "kafka": _kafka,
    "redis": _redis,
    "clickhouse": _clickhouse,
    "scorers": _scorers,
    "grafana": _grafana,
}
_TODO = {
    "kafka": "start the broker or correct the address",
    "clickhouse": "check ALIGNMENT_MONITOR_CLICKHOUSE__HOST and __PORT, and that the server runs",
    "scorers": "correct ALIGNMENT_MONITOR_SCORING__SCORERS",
}
