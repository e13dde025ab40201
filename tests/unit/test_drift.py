"""Comparing two spans: quiet without drift, loud with it, silent where it cannot know, and blind to the weights."""

import math
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from monitor.drift.columns import TOP_LABELS
from monitor.drift.detectors import MIN_CONVERSATIONS, compare
from monitor.drift.result import DriftReport
from monitor.drift.windows import SpanColumns, spans_before
from monitor.errors import InputError

REFUSAL = ("refusal", "a" * 64)


def traffic(
    n: int,
    *,
    seed: int,
    refusal: float = 0.05,
    length: float = 5.0,
    turkish: float = 0.4,
    probability: float = 0.5,
    version: str = "1",
) -> SpanColumns:
    rng = np.random.default_rng(seed)
    feedback = (rng.random(n) < 0.7).astype(float)
    feedback[rng.random(n) < 0.5] = math.nan
    return SpanColumns(
        probability=np.full(n, probability),
        conversation=rng.integers(0, 2**63, n).astype(np.uint64),
        numbers={
            "request_length": rng.lognormal(4, 1, n).round(),
            "answer_length": rng.lognormal(length, 1, n).round(),
            "turn": rng.integers(0, 6, n).astype(float),
            "feedback": feedback,
        },
        labels={
            "locale": np.where(rng.random(n) < turkish, "tr", "en").astype(object),
            "model_version": np.full(n, version, dtype=object),
            "tenant": rng.choice(["acme", "globex", ""], n).astype(object),
            "finish_reason": np.where(rng.random(n) < 0.02, "length", "stop").astype(object),
        },
        verdicts={REFUSAL: (rng.random(n) < refusal).astype(float)},
    )


def join(*parts: SpanColumns) -> SpanColumns:
    first = parts[0]
    return SpanColumns(
        probability=np.concatenate([p.probability for p in parts]),
        conversation=np.concatenate([p.conversation for p in parts]),
        numbers={k: np.concatenate([p.numbers[k] for p in parts]) for k in first.numbers},
        labels={k: np.concatenate([p.labels[k] for p in parts]) for k in first.labels},
        verdicts={k: np.concatenate([p.verdicts[k] for p in parts]) for k in first.verdicts},
    )


def names(report: DriftReport) -> set[str]:
    return {one.name for one in report.drifted}


def test_two_spans_of_the_same_traffic_show_no_drift() -> None:
    report = compare(traffic(2_000, seed=1), traffic(500, seed=2))
    assert report.too_few == ""
    assert names(report) == set()
    assert report.share_drifted == 0
    assert {one.name for one in report.columns} == {
        "request_length",
        "answer_length",
        "turn",
        "feedback",
        "locale",
        "tenant",
        "finish_reason",
        "refusal",
    }


def test_the_columns_that_changed_are_named_with_what_changed_in_them() -> None:
    before = traffic(1_500, seed=1)
    report = compare(before, traffic(1_000, seed=2, refusal=0.2, length=5.5, turkish=0.8, version="2"))
    assert names(report) == {"answer_length", "locale", "model_version", "refusal"}
    assert report.share_drifted == pytest.approx(len(report.drifted) / len(report.columns)), "evidently's count is ours"
    found = {one.name: one for one in report.drifted}
    assert found["refusal"].scorer_id == REFUSAL[1]
    assert found["refusal"].effect == "mean"
    assert found["refusal"].before == pytest.approx(before.verdicts[REFUSAL].mean())
    assert found["refusal"].after == pytest.approx(0.2, abs=0.05)
    assert found["locale"].effect in {"share of 'tr'", "share of 'en'"}
    assert abs(found["locale"].after - found["locale"].before) == pytest.approx(0.4, abs=0.06)


def test_the_same_input_gives_the_same_answer() -> None:
    before, after = traffic(200, seed=1), traffic(100, seed=2, turkish=0.7)
    assert compare(before, after) == compare(before, after)


def test_a_change_of_the_sampling_policy_alone_is_no_drift() -> None:
    """Turkish traffic, which refuses more and writes longer, is over-sampled from one span to the next."""

    def english(n: int, seed: int, probability: float) -> SpanColumns:
        return traffic(n, seed=seed, turkish=0, probability=probability)

    def turkish(n: int, seed: int, probability: float) -> SpanColumns:
        return traffic(n, seed=seed, turkish=1, refusal=0.3, length=5.8, probability=probability)

    before = join(english(1_500, 1, 0.1), turkish(150, 2, 0.1))
    after = join(english(1_500, 3, 0.1), turkish(1_500, 4, 1.0))
    assert names(compare(before, after)) == set()
    unweighted = replace(after, probability=np.full(len(after), 0.1))
    assert names(compare(before, unweighted)) == {"locale", "refusal", "answer_length"}


def test_long_conversations_count_once_each() -> None:
    """40 conversations of 50 equal turns a side tell as much as 40 turns do."""

    def chats(seed: int) -> SpanColumns:
        return join(*[traffic(40, seed=seed)] * 50)

    report = compare(chats(1), chats(2))
    assert (report.n_reference, report.conversations_reference) == (2_000, 40)
    assert names(report) == set()
    independent = replace(chats(1), conversation=np.arange(2_000, dtype=np.uint64))
    assert names(compare(independent, replace(chats(2), conversation=independent.conversation))) != set()


@pytest.mark.parametrize(("before", "after"), [(0, 500), (500, MIN_CONVERSATIONS - 1), (0, 0)])
def test_too_few_conversations_give_a_reason_and_no_verdict(before: int, after: int) -> None:
    report = compare(traffic(before, seed=1), traffic(after, seed=2, refusal=1.0))
    assert report.too_few == (
        f"too few conversations: {before} in the reference and {after} now; 30 are needed on each side"
    )
    assert (report.columns, report.share_drifted) == ((), None)
    assert (report.n_reference, report.n_current) == (before, after)


def test_a_few_samples_that_stand_for_almost_everything_are_too_few() -> None:
    heavy = join(traffic(5, seed=1, probability=0.001), traffic(500, seed=2, probability=1.0))
    assert compare(heavy, traffic(500, seed=3)).too_few != ""


def test_columns_that_cannot_differ_or_have_too_few_values_are_skipped_and_listed() -> None:
    before, after = traffic(200, seed=1), traffic(200, seed=2)
    nothing, some = np.full(200, math.nan), np.full(200, math.nan)
    some[:10] = 1.0
    late = ("sycophancy", "b" * 64)
    before = replace(before, numbers={**before.numbers, "feedback": nothing, "turn": some})
    after = replace(
        after, numbers={**after.numbers, "feedback": nothing}, verdicts={**after.verdicts, late: np.ones(200)}
    )
    reasons = {one.name: one.reason for one in compare(before, after).skipped}
    assert reasons == {
        "feedback": "no values on either side",
        "model_version": "one value throughout",
        "turn": "too few values: 10 in the reference and 200 now; 30 are needed on each side",
        "sycophancy": "too few values: 0 in the reference and 200 now; 30 are needed on each side",
    }


def test_when_no_column_can_be_compared_there_is_no_share() -> None:
    side = SpanColumns(
        probability=np.ones(50),
        conversation=np.arange(50, dtype=np.uint64),
        numbers={"turn": np.zeros(50)},
        labels={},
        verdicts={},
    )
    report = compare(side, side)
    assert (report.columns, report.share_drifted, report.too_few) == ((), None, "")
    assert [one.name for one in report.skipped] == ["turn"]


def test_verdicts_of_two_scorers_of_one_dimension_are_never_compared_with_each_other() -> None:
    before, after = traffic(200, seed=1), traffic(200, seed=2)
    stricter = ("refusal", "c" * 64)
    after = replace(after, verdicts={stricter: np.ones(200)})
    report = compare(before, after)
    assert names(report) == set()
    assert {one.scorer_id for one in report.skipped if one.name == "refusal"} == {REFUSAL[1], stricter[1]}
    both = replace(before, verdicts={**before.verdicts, stricter: np.zeros(200)})
    again = replace(after, verdicts={**after.verdicts, REFUSAL: traffic(200, seed=2).verdicts[REFUSAL]})
    assert [one.scorer_id for one in compare(both, again).drifted] == [stricter[1]]


def test_rare_labels_are_one_and_a_label_cannot_break_out_of_the_page() -> None:
    before, after = traffic(300, seed=1), traffic(300, seed=2)
    many = np.array([f"tenant-{i}" for i in range(300)], dtype=object)
    hostile = np.where(np.arange(300) % 2 == 0, "</script><script>alert(1)</script>", "en").astype(object)
    before = replace(before, labels={**before.labels, "tenant": many, "locale": hostile})
    report = compare(before, replace(after, labels={**after.labels, "locale": hostile}), with_html=True)
    assert "<script>alert(1)" not in report.html
    assert "(other)" in report.html
    assert len(set(re.findall(r'"tenant-\d+"', report.html))) <= TOP_LABELS
    assert "html" not in report.as_json()
    assert compare(before, after).html == ""


@pytest.mark.parametrize("wrong", [0.0, -1.0, 11.0, math.nan])
def test_an_effect_that_is_none_is_refused(wrong: float) -> None:
    side = traffic(50, seed=1)
    with pytest.raises(InputError, match="smallest effect"):
        compare(side, side, min_effect=wrong)


@pytest.mark.parametrize(
    "change",
    [
        {"probability": np.full(50, 1.5)},
        {"probability": np.zeros(50)},
        {"probability": np.full(50, math.nan)},
        {"conversation": np.arange(49, dtype=np.uint64)},
    ],
)
def test_columns_that_do_not_belong_together_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"rows|probabilities"):
        replace(traffic(50, seed=1), **change)


def test_the_reference_ends_where_the_current_span_begins() -> None:
    now = datetime(2026, 11, 23, 12, 20, tzinfo=UTC)
    reference, current = spans_before(24 * 3600, 7 * 24 * 3600, now=now)
    assert reference.until == current.since
    assert current.until - current.since == 25 * 3600, "24 hours, and the running one"
    assert reference.until - reference.since == 7 * 24 * 3600


@pytest.mark.parametrize(("since", "against"), [(0, 60), (3600, -1), (3600, 60)])
def test_a_span_of_nothing_is_refused(since: float, against: float) -> None:
    with pytest.raises(InputError):
        spans_before(since, against, now=datetime(2026, 11, 23, 12, 20, tzinfo=UTC))


def test_evidently_is_imported_only_by_a_comparison() -> None:
    code = "import sys, monitor.drift.detectors; sys.exit('evidently' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
