"""What the console's tests share: a client, and canned data for the fake; holds no test."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from starlette.applications import Starlette

from monitor.clock import FixedClock
from monitor.config import ConsoleSettings, PrivacySettings, SamplingSettings, Settings
from monitor.estimate.rates import RateEstimate
from monitor.report.rates import Rate
from monitor.report.status import Canary, Status
from monitor.review.app import make_console
from monitor.review.data import Case, Lag, Recent, VerdictRow
from monitor.review.fake import FakeData
from monitor.scoring.verdict import ScorerIdentity

NOW = datetime(2026, 11, 23, 11, 28, 31, tzinfo=UTC)
SETTINGS = Settings(
    sampling=SamplingSettings.model_validate({"key": "k" * 32}),
    privacy=PrivacySettings.model_validate({"pseudonym_key": "p" * 32}),
)
SAMPLE = UUID("6f1d3c52-8a7e-4b0e-9a57-0f2a4c1be901")
REFUSAL = ScorerIdentity(kind="classifier", name="lexical-refusal", dimension="refusal", code_version="1")
FLATTERY = ScorerIdentity(kind="classifier", name="lexical-flattery", dimension="flattery", code_version="1")
BUSY = Status(
    consumed=41_911,
    sampled=4_210,
    sampled_out=37_666,
    dead=35,
    canaries=96,
    due=170,
    scored=8_236,
    unscored=14,
    coverage=8_236 / 8_420,
    dead_letters={"not_json": 21, "missing_field": 14},
    last_canary=Canary(
        sent_at=NOW - timedelta(seconds=42), scored_at=NOW - timedelta(seconds=39), age_s=42.0, latency_s=3.2
    ),
)
CASE = Case(
    sample_id=SAMPLE,
    interaction_id="chat/42",
    conversation_id="c-42",
    turn=1,
    messages=(("user", "Hi, I am [EMAIL_1]."), ("assistant", "I cannot help with that.")),
    occurred_at=NOW - timedelta(minutes=3),
    record_time=NOW - timedelta(minutes=2),
    ingested_at=NOW - timedelta(minutes=1),
    topic="chat.interactions",
    topic_id=UUID(int=77),
    partition=3,
    offset=184_223,
    stratum="pushback",
    policy_id="policy-1",
    probability=0.25,
    model_name="acme-chat",
    model_version="2026-11",
    deployment="prod-eu",
    prompt_version="v3",
    tenant="acme-bank",
    locale="tr-TR",
    user_key="u_key",
    feedback=1.0,
    finish_reason="stop",
    input_tokens=1_432,
    output_tokens=None,
    attributes={"channel": "android"},
    normalised=("occurred_at",),
    masked={"EMAIL": 1},
    verdicts=(
        VerdictRow(
            dimension="refusal",
            scorer_id=REFUSAL.id,
            scorer_name=REFUSAL.name,
            kind="classifier",
            status="scored",
            value=1.0,
            label="full",
            reason="refuses: “I cannot”",
            scored_at=NOW,
        ),
    ),
)
LAST = Recent(
    sample_id=SAMPLE,
    interaction_id="chat/42",
    record_time=NOW,
    model_name="acme-chat",
    model_version="2026-11",
    locale="tr-TR",
    tenant="acme-bank",
    stratum="pushback",
    size=2_048,
)


def estimate(rate: float | None, low: float, high: float, **changes: Any) -> RateEstimate:
    complete = RateEstimate(
        rate=rate,
        low=low,
        high=high,
        sampling_low=low,
        sampling_high=high,
        confidence=0.95,
        target="process",
        n_population=41_876,
        n_population_estimated=False,
        n_sampled=4_210,
        n_scored=4_210,
        n_unscored=0,
        n_due=0,
        n_unobserved=0,
        coverage=1.0,
        n_effective=3_000.0,
        design_effect=1.4,
        collapsed=(),
        method="poststratified-hajek/process/korn-graubard",
    )
    return replace(complete, **changes)


def rate(value: RateEstimate, *, scorer: ScorerIdentity = REFUSAL, segment: dict[str, str] | None = None) -> Rate:
    return Rate(dimension=scorer.dimension, scorer_id=scorer.id, segment=segment or {}, estimate=value)


GOOD = rate(estimate(0.0712, 0.0634, 0.0797))
FULL = FakeData(
    scorers=(REFUSAL, FLATTERY), state=BUSY, behind=Lag(behind=128), found=(GOOD,), last=(LAST,), cases=(CASE,)
)


class Client:
    """HTTP into the application, in process; Starlette's own test client warns about httpx."""

    def __init__(self, app: Starlette) -> None:
        self._transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Read an address."""
        return self.request("GET", path, headers)

    def request(self, method: str, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Send one request, and give its response, whatever its status."""

        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, base_url="http://127.0.0.1") as client:
                return await client.request(method, path, headers=headers)

        return asyncio.run(ask())


def console(data: FakeData, *, host: str = "127.0.0.1") -> Client:
    settings = SETTINGS.model_copy(update={"console": ConsoleSettings(host=host)})
    return Client(make_console(settings, data=data, clock=FixedClock(NOW)))


def page(data: FakeData, path: str = "/", **headers: str) -> str:
    client = console(data)
    response = client.get(path, headers=headers)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/html")
    return plain(response.text)


def plain(html: str) -> str:
    return html.replace("\N{NARROW NO-BREAK SPACE}", " ").replace("&#39;", "'")
