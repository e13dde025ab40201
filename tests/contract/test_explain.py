"""`explain`, `rates --anytime` and `weekly_sequences` on the real engine: terms add up to the number that is stored."""

import json
from collections.abc import Callable

import pytest

from monitor.cli_explain import explain as command
from monitor.cli_shared import Found
from monitor.config import ClickHouseSettings
from monitor.errors import InputError
from monitor.estimate.sequences import MIN_CONVERSATIONS, Look, anytime, join, look
from monitor.intake.sampling import WINDOW_SECONDS
from monitor.report.explain import explain, read_segment, read_window
from monitor.report.ledger import Span
from monitor.report.rates import rates
from monitor.report.rollup import rollup
from monitor.store.client import Store
from monitor.store.due import register_identities
from monitor.store.record import record
from monitor.store.rows import EstimateRow, to_columns
from tests.contract.test_labels import in_environment
from tests.contract.test_labels_draw import HEAD, IDS, JUDGE, draw, ids, say, value, world
from tests.contract.test_store import SPAN, WINDOW, batch

__all__ = ["say", "world"]

HOUR = Span(since=WINDOW, until=WINDOW + WINDOW_SECONDS)


@pytest.fixture
def labelled(world: Store, say: Callable[..., None]) -> Store:
    """The world of a judge and a classifier with sixty labels, with its estimates."""
    register_identities(world, [JUDGE, HEAD])
    found = ids(draw(world, 60))
    truth = {one: value(n) > 0.6 for n, one in enumerate(IDS)}
    say([one for one in found if truth[one]], label="full")
    say([one for one in found if not truth[one]], label="none")
    rollup(world)
    return world


def test_the_terms_add_up_to_every_number_and_it_is_the_stored_one(labelled: Store) -> None:
    found = explain(labelled, HOUR, {}, "refusal")
    assert [(one.rate.judge, one.rate.corrected) for one in found] == [
        ("", False),
        ("judge-one", False),
        ("judge-one", True),
    ]
    for one in found:
        assert one.stored is not None
        assert not one.differs
        phases = one.rate.phases
        if phases is None:
            assert sum(mean.share for mean in one.means) == pytest.approx(1.0)
            total = sum(mean.share * mean.mean for mean in one.means)
            assert sum(stratum.population for stratum in one.totals) == one.rate.estimate.n_population
        else:
            total = phases.classifier.value + phases.judge.value + phases.human.value
        assert total == pytest.approx(one.rate.estimate.rate, abs=1e-12)
    for bound in found[0].bounds:
        assert sum(part.share * part.rate for part in bound.parts) == pytest.approx(bound.rate, abs=1e-12)
    assert (found[0].bounds[0].low, found[0].bounds[-1].high) == (
        found[0].rate.estimate.low,
        found[0].rate.estimate.high,
    )


def test_a_missing_verdict_has_a_bound_on_each_side(world: Store) -> None:
    # A sample that came after the others were scored.
    record(world, batch(range(200, 240)))
    (found,) = [one for one in explain(world, HOUR, {}, "refusal") if one.rate.scorer_id == HEAD.id]
    assert [bound.fill for bound in found.bounds] == [0.0, 1.0]
    assert found.rate.estimate.n_due == 40
    assert (
        found.bounds[0].low
        < found.rate.estimate.sampling_low
        < found.rate.estimate.sampling_high
        < found.bounds[1].high
    )


def test_a_stored_number_that_is_another_one_is_found(
    labelled: Store,
    settings: ClickHouseSettings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    in_environment(monkeypatch, settings)
    command("last", "all", "refusal")
    assert "the same is stored" in capsys.readouterr().out
    row = dict(next(r for r in labelled.query("estimate_rows") if not r["segment"] and r["scorer_id"] == HEAD.id))
    labelled.insert("estimates", to_columns([_estimate(WINDOW, rate=row["rate"] + 1e-6)]))
    with pytest.raises(Found):
        command("last", "all", "refusal")
    shown = capsys.readouterr().out
    assert shown.count("ANOTHER NUMBER IS STORED") == 1
    with pytest.raises(Found):
        command("last", "all", "refusal", as_json=True)
    made = json.loads(capsys.readouterr().out)
    assert [one["differs"] for one in made] == [True, False, False]
    assert made[2]["terms"]["cells"]


def test_a_segment_is_explained_by_itself(labelled: Store) -> None:
    whole = rates(labelled, HOUR, splits=[("locale",)], dimension="refusal")
    segment = next(one.segment for one in whole if one.segment and not one.judge)
    found = explain(labelled, HOUR, segment, "refusal")
    assert found
    assert all(one.rate.segment == segment and one.stored is not None and not one.differs for one in found)
    assert sum(mean.share * mean.mean for mean in found[0].means) == pytest.approx(found[0].rate.estimate.rate)
    assert explain(labelled, HOUR, {"locale": "xx-XX"}, "refusal") == []


@pytest.mark.parametrize(
    "text", ["yesterday", "2026-11-24", "2026-11-24T24", "2026-13-01T00", "2026-11-24T10:30", "0001-01-01T00"]
)
def test_what_is_no_hour_is_refused(store: Store, text: str) -> None:
    with pytest.raises(InputError, match="write it in UTC like"):
        read_window(text, store)


def test_an_hour_is_read_and_the_last_one_needs_estimates(store: Store) -> None:
    wanted = Span(since=1_795_514_400, until=1_795_518_000)
    assert read_window("2026-11-24T10", store) == read_window("2026-11-24T10:00Z", store) == wanted
    with pytest.raises(InputError, match="no hour has estimates yet"):
        read_window("last", store)


@pytest.mark.parametrize("text", ["", "locale", "colour=red", "locale=tr,locale=en", "locale=tr,"])
def test_what_is_no_segment_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="as a segment; write all"):
        read_segment(text)


def test_segments_are_read() -> None:
    assert read_segment("all") == {}
    assert read_segment("locale=tr-TR, tenant=") == {"locale": "tr-TR", "tenant": ""}


def test_the_view_for_dashboards_is_the_sequence_of_the_weeks_hours(store: Store) -> None:
    monday = 1_795_392_000
    hours = [monday - 3600, *(monday + n * 3600 for n in range(6))]
    rows = [
        _estimate(hour, rate=0.1 + 0.02 * n, below=0.04, above=0.06, population=1000.0 + 500 * n, size=20.0 * (n + 1))
        for n, hour in enumerate(hours)
    ]
    store.insert("estimates", to_columns(rows))
    found = store.query("sequences", since=hours[0], until=hours[-1] + 3600)
    assert [row["window"] for row in found] == hours
    assert (found[0]["low"], found[0]["high"]) == (0.0, 1.0)
    looks = [_look(row) for row in rows[1:]]
    shown = 0
    for n, row in enumerate(found[1:], 1):
        wanted = anytime(join(looks[:n]))
        assert (row["low"], row["high"]) == pytest.approx((wanted.low, wanted.high), abs=1e-12)
        assert row["conversations"] == pytest.approx(wanted.conversations)
        shown += not wanted.reason
    # The first hour of the week has 40, so less than enough, and the week before is not in it.
    assert (shown, MIN_CONVERSATIONS) == (5, 50)


def test_an_anytime_rate_is_wider_and_says_so(labelled: Store) -> None:
    for one in rates(labelled, SPAN, dimension="refusal"):
        made = one.anytime()
        assert made.estimate.rate == one.estimate.rate
        assert made.estimate.low <= one.estimate.low < one.estimate.high <= made.estimate.high
        assert made.estimate.method.endswith("asymptotic-confidence-sequence")
        limits = anytime(look(one.estimate))
        assert (made.estimate.low, made.estimate.high) == (limits.low, limits.high)


def _look(row: EstimateRow) -> Look:
    rate = row.rate or 0.0
    z = 1.959963984540054
    return Look(
        rate=rate,
        below=(rate - row.sampling_low) / z,
        above=(row.sampling_high - rate) / z,
        missing_below=row.sampling_low - row.low,
        missing_above=row.high - row.sampling_high,
        conversations=row.conversations,
        weight=row.population,
    )


def _estimate(
    window: int,
    *,
    rate: float,
    below: float = 0.01,
    above: float = 0.01,
    population: float = 200.0,
    size: float = 100.0,
) -> EstimateRow:
    return EstimateRow(
        window=window,
        window_hours=1,
        segment={},
        dimension="refusal",
        scorer_id=HEAD.id,
        corrected=0,
        classifier="",
        rate=rate,
        low=rate - below - 0.005,
        high=rate + above + 0.002,
        sampling_low=rate - below,
        sampling_high=rate + above,
        confidence=0.95,
        conversations=size,
        population=population,
        sampled=100,
        scored=100,
        unscored=0,
        due=0,
        coverage=1.0,
        classified=0,
        judged=0,
        labelled=0,
        method="made-up",
    )
