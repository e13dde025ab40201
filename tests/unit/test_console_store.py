"""The console's data from ClickHouse's rows, over a store that answers named queries from a dict."""

import json
import warnings
from datetime import UTC, datetime
from typing import Any, Self

import pytest

from monitor.clock import FixedClock
from monitor.errors import StoreUnavailable
from monitor.report.ledger import Span
from monitor.review.data import Recent, VerdictRow
from monitor.store.client import Store
from monitor.store.sql import blocks
from tests.support.console import CASE, LAST, NOW, SETTINGS

with warnings.catch_warnings():
    # kafka-python reads its schemas with a function that Python 3.11 warns about.
    warnings.simplefilter("ignore", DeprecationWarning)
    from monitor.review.store_data import StoreData

SPAN = Span(since=0, until=3600)
NAIVE = datetime(2026, 11, 23, 11, 28, 31)  # noqa: DTZ001 - as clickhouse-connect gives it
SAMPLE_ROW: dict[str, Any] = {
    **{name: getattr(CASE, name) for name in CASE.__dataclass_fields__ if name not in {"verdicts", "messages"}},
    "messages": json.dumps([{"role": role, "content": text} for role, text in CASE.messages]),
    "normalised": ["occurred_at"],
    "occurred_at": NAIVE,
    "window": NAIVE,
    "window_s": 1_795_431_600,
    "hash": 7,
}
VERDICT_ROW: dict[str, Any] = {
    "dimension": "refusal",
    "scorer_id": "ab",
    "kind": "rule",
    "name": "",
    "status": "scored",
    "value": 1.0,
    "label": "full",
    "reason": "why",
    "scored_at": NAIVE,
}


class Answers:
    """Stands in for `Store`."""

    def __init__(self, rows: dict[str, list[dict[str, Any]]]) -> None:
        self.rows = rows
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def query(self, name: str, **parameters: Any) -> list[dict[str, Any]]:
        """Answer a query that is there, with parameters that it takes."""
        assert all(f"{{{parameter}:" in blocks("queries.sql")[name] for parameter in parameters)
        self.asked.append((name, parameters))
        return self.rows[name]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def close(self) -> None:
        """Nothing to close."""


def data(monkeypatch: pytest.MonkeyPatch, **rows: list[dict[str, Any]]) -> tuple[StoreData, Answers]:
    answers = Answers(rows)
    monkeypatch.setattr(Store, "connect", lambda _settings: answers)
    return StoreData(SETTINGS, FixedClock(NOW)), answers


def test_a_row_becomes_a_case_with_its_verdicts_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    source, answers = data(monkeypatch, interaction=[SAMPLE_ROW], verdicts=[VERDICT_ROW])
    case = source.find("chat/42")
    assert case is not None
    assert case.messages == CASE.messages
    assert case.occurred_at == NAIVE.replace(tzinfo=UTC)
    assert case.verdicts == (
        VerdictRow(
            dimension="refusal",
            scorer_id="ab",
            scorer_name="",
            kind="rule",
            status="scored",
            value=1.0,
            label="full",
            reason="why",
            scored_at=NAIVE.replace(tzinfo=UTC),
        ),
    )
    assert answers.asked == [
        ("interaction", {"id": "chat/42"}),
        ("verdicts", {"window": 1_795_431_600, "sample_id": CASE.sample_id}),
    ]


def test_an_id_that_is_not_there_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    source, _ = data(monkeypatch, interaction=[])
    assert source.find("nope") is None


def test_the_last_samples_are_read_with_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {name: getattr(LAST, name) for name in Recent.__dataclass_fields__} | {"later_column": 1}
    source, answers = data(monkeypatch, recent=[row])
    assert source.recent(SPAN, limit=50) == [LAST]
    assert answers.asked == [("recent", {"since": 0, "limit": 50})]


def test_an_empty_pipeline_has_a_status(monkeypatch: pytest.MonkeyPatch) -> None:
    empty = ("progress", "ledger", "dead_letter_counts", "last_canary", "event_counts", "series")
    source, _ = data(monkeypatch, **{name: [] for name in empty})
    assert source.status(SPAN).consumed == 0
    assert len({s.id for s in source.scorers}) == len(source.scorers) > 0


def test_readiness_asks_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    source, answers = data(monkeypatch, ping=[{"version": "1"}])
    source.ping()
    assert answers.asked == [("ping", {})]


def test_it_is_made_while_clickhouse_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_settings: object) -> Store:
        raise StoreUnavailable("away")

    monkeypatch.setattr(Store, "connect", away)
    source = StoreData(SETTINGS, FixedClock(NOW))
    with pytest.raises(StoreUnavailable):
        source.status(SPAN)
    with pytest.raises(StoreUnavailable):
        source.ping()
    source.close()
