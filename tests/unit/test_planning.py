"""What a half-width takes: foretold numbers against simulated intervals, and what cannot be foretold."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from bench import coverage_world
from bench.coverage_world import Case, Classifier, draw
from monitor.estimate.phase_terms import PhaseTerms
from monitor.estimate.phases import phase_rate
from monitor.estimate.planning import Need, plan
from monitor.estimate.terms import StratumTotal
from monitor.estimate.variance import Floats

Window = tuple[PhaseTerms, list[StratumTotal]]
PILOTS = 11
WINDOWS = 25


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Set how many records the judge of the made-up world sees."""
    return lambda number: monkeypatch.setattr(coverage_world, "JUDGED", number)


def case(rate: float, labels: int, *, good: bool = True, classifier: Classifier = "good") -> Case:
    sensitivity, specificity = (0.9, 0.95) if good else (0.7, 0.8)
    return Case(rate=rate, sensitivity=sensitivity, specificity=specificity, labels=labels, classifier=classifier)


def windows(one: Case, count: int, seed: int) -> Iterator[Window]:
    rng = np.random.default_rng(seed)
    return (draw(one, rng) for _ in range(count))


def half_width(window: Window) -> float:
    found = phase_rate(*window)
    return (found.sampling_high - found.sampling_low) / 2.0


def mean_half_width(one: Case, seed: int) -> float:
    return float(np.mean([half_width(window) for window in windows(one, WINDOWS, seed)]))


def median(needs: list[Need | None]) -> int:
    """Give the number that the middle one of the pilots foretells."""
    found = sorted(10**9 if one is None or one.needed is None else one.needed for one in needs)
    return found[len(found) // 2]


@pytest.mark.parametrize(
    ("rate", "good", "classifier", "pilot", "times"),
    [
        (0.02, True, "useless", 100, 3.0),
        (0.1, False, "good", 300, 2.0),
        (0.3, True, "good", 300, 0.5),
        (0.3, False, "weak", 100, 4.0),
    ],
)
def test_the_foretold_labels_give_the_half_width(
    judged: Callable[[int], None], rate: float, good: bool, classifier: Classifier, pilot: int, times: float
) -> None:
    judged(2000)
    target = mean_half_width(case(rate, int(pilot * times), good=good, classifier=classifier), seed=1)
    pilots = windows(case(rate, pilot, good=good, classifier=classifier), PILOTS, seed=2)
    labels = median([plan(*window, target=target).labels for window in pilots])
    assert abs(labels / pilot - 1.0) > 0.2, "else nothing is foretold"
    reached = mean_half_width(case(rate, labels, good=good, classifier=classifier), seed=3)
    assert reached == pytest.approx(target, rel=0.15)


@pytest.mark.parametrize(
    ("rate", "good", "classifier", "times"),
    [(0.02, True, "good", 3.0), (0.1, False, "useless", 0.4), (0.3, False, "good", 3.0)],
)
def test_the_foretold_judge_calls_give_the_half_width_of_the_judges_rate(
    judged: Callable[[int], None], rate: float, good: bool, classifier: Classifier, times: float
) -> None:
    one = case(rate, 0, good=good, classifier=classifier)
    judged(int(1000 * times))
    target = mean_half_width(one, seed=1)
    judged(1000)
    plans = [plan(*window, target=target) for window in windows(one, PILOTS, seed=2)]
    assert all(not made.corrected and made.labels is None for made in plans)
    calls = median([made.judge for made in plans])
    assert abs(calls / 1000 - 1.0) > 0.2, "else nothing is foretold"
    judged(calls)
    assert mean_half_width(one, seed=3) == pytest.approx(target, rel=0.15)


def test_both_together_reach_what_neither_reaches_alone(judged: Callable[[int], None]) -> None:
    judged(600)
    one = case(0.3, 150)
    target = 0.6 * mean_half_width(one, seed=1)
    plans = [plan(*window, target=target) for window in windows(one, PILOTS, seed=2)]
    assert median([made.judge for made in plans]) == 10**9, "calls alone do not reach it"
    assert all(made.judge is not None and made.judge.least > 0.0 for made in plans)
    labels, calls = (int(np.median([made.both[n] for made in plans if made.both])) for n in (0, 1))
    assert sum(made.both is not None for made in plans) > PILOTS // 2
    assert labels / 150 == pytest.approx(calls / 600, rel=0.1)
    judged(calls)
    assert mean_half_width(case(0.3, labels), seed=3) == pytest.approx(target, rel=0.15)


def test_the_half_width_that_there_is_takes_what_there_is(judged: Callable[[int], None]) -> None:
    judged(600)
    (window,) = windows(case(0.1, 100), 1, seed=4)
    now = half_width(window)
    made = plan(*window, target=now * (1.0 + 1e-9))
    assert made.half_width == pytest.approx(now)
    assert made.labels is not None
    assert made.judge is not None
    assert made.labels.needed in {made.labels.now, made.labels.now + 1}
    assert made.judge.needed == made.judge.now
    wider = plan(*window, target=now * 2.0)
    assert wider.labels is not None
    assert wider.labels.needed is not None
    assert wider.labels.needed < made.labels.now
    assert wider.judge is not None
    assert wider.judge.needed == made.judge.now, "fewer calls beside labels are not foretold"


def test_a_half_width_out_of_reach_says_how_near_all_labels_come(judged: Callable[[int], None]) -> None:
    judged(600)
    (window,) = windows(case(0.1, 100), 1, seed=4)
    made = plan(*window, target=0.0005)
    assert made.labels is not None
    assert made.labels.needed is None
    assert made.labels.most == phase_rate(*window).judge.n
    assert 0.0005 < made.labels.least < half_width(window)
    assert made.both is None


def test_more_labels_are_needed_the_narrower_the_wish(judged: Callable[[int], None]) -> None:
    judged(2000)
    (window,) = windows(case(0.1, 200), 1, seed=4)
    needs = [plan(*window, target=target).labels for target in (0.1, 0.07, 0.05, 0.04)]
    found = [one.needed for one in needs if one is not None and one.needed is not None]
    assert len(found) == 4
    assert found == sorted(found)


def test_a_half_width_at_less_confidence_takes_fewer_labels(judged: Callable[[int], None]) -> None:
    judged(2000)
    (window,) = windows(case(0.1, 200), 1, seed=4)
    found = [plan(*window, target=0.06, confidence=confidence).labels for confidence in (0.8, 0.9, 0.99)]
    needed = [one.needed for one in found if one is not None and one.needed is not None]
    # A normal interval would take them in the ratio of the squared quantiles.
    assert needed[0] < 0.75 * needed[1] < 0.75 * needed[2]


def even(*, chosen: float, f: Floats | float, labels: int = 0, size: int = 5000) -> Window:
    """Give a window of single records, all of one chance: a share judged, some labelled, of whom none disagrees."""
    rng = np.random.default_rng(1)
    g = (rng.random(size) < 0.3).astype(float)
    second = rng.random(size) < chosen
    third = second & (rng.random(size) < labels / (size * chosen))
    terms = PhaseTerms(
        pi1=np.full(size, 0.1),
        stratum=np.zeros(size, dtype=np.int64),
        conversation=np.arange(size),
        f=np.broadcast_to(f, (size,)) if isinstance(f, float) else np.where(g == 1.0, f[1], f[0]),
        selected2=second,
        pi2=np.full(size, chosen),
        g=np.where(second, g, np.nan),
        selected3=third,
        pi3=np.full(size, max(labels / (size * chosen), 1e-9)),
        y=np.where(third, g, np.nan),
    )
    return terms, [StratumTotal(name="all", sampled=size, sampled_out=9 * size)]


def test_more_calls_gain_little_where_the_classifier_foretells_the_judge() -> None:
    def calls(f: Floats | float) -> Need:
        window = even(chosen=0.1, f=f)
        made = plan(*window, target=0.85 * half_width(window)).judge
        assert made is not None
        return made

    blind, seeing = calls(0.5), calls(np.array([0.05, 0.95]))
    assert blind.needed == pytest.approx(blind.now / 0.85**2, rel=0.05)
    assert seeing.needed is None or seeing.needed > 2.0 * seeing.now


def test_a_pilot_without_a_disagreement_is_not_taken_for_a_perfect_judge() -> None:
    """Were its rates 0 and 1, half the width would take twice the labels; at rates in between up to four times."""
    window = even(chosen=1.0, f=0.5, labels=60, size=40_000)
    found = [plan(*window, target=target).labels for target in (0.04, 0.02)]
    few, many = (one.needed or 0 for one in found if one is not None)
    assert many > 2.5 * few > 0


def test_without_a_judge_labels_are_all_there_is_to_have_more_of(judged: Callable[[int], None]) -> None:
    judged(400)
    (first,) = windows(case(0.3, 0), 1, seed=4)
    terms, totals = first
    people = replace(terms, g=np.full_like(terms.g, np.nan), selected3=terms.selected2, y=terms.g)
    target = half_width(first) / 2.0
    made, as_judge = plan(people, totals, target=target), plan(terms, totals, target=target)
    assert made.judge is None
    assert made.corrected
    assert made.labels == as_judge.judge


def test_where_nobody_judged_or_labelled_nothing_is_foretold(judged: Callable[[int], None]) -> None:
    judged(400)
    ((terms, totals),) = windows(case(0.3, 0), 1, seed=4)
    none = np.zeros_like(terms.selected2)
    made = plan(replace(terms, selected2=none, g=np.full_like(terms.g, np.nan)), totals, target=0.01)
    assert (made.labels, made.judge, made.both, made.half_width) == (None, None, None, None)
    assert "nothing can be foretold" in made.reason


def test_a_judge_that_always_says_the_same_and_a_single_label_still_give_a_plan(judged: Callable[[int], None]) -> None:
    judged(300)
    ((terms, totals),) = windows(case(0.1, 50), 1, seed=4)
    never = replace(terms, g=np.where(terms.selected2, 0.0, np.nan))
    first = np.arange(terms.f.size) == np.flatnonzero(terms.selected3)[0]
    lonely = replace(terms, selected3=first, y=np.where(first, terms.y, np.nan))
    for one in (never, lonely):
        made = plan(one, totals, target=0.05)
        assert made.labels is not None
        assert 0.0 <= made.labels.least <= 0.5


@pytest.mark.parametrize("target", [0.0, -0.01, 0.6, float("nan")])
def test_a_target_that_is_no_half_width_is_refused(judged: Callable[[int], None], target: float) -> None:
    judged(100)
    ((terms, totals),) = windows(case(0.3, 0), 1, seed=4)
    with pytest.raises(ValueError, match=r"\(0, 0\.5\]"):
        plan(terms, totals, target=target)
