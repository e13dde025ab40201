"""The chances of a draw for people: how many, how large, never smaller, and sums that are unbiased."""

from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest

from monitor.estimate.terms import Bools
from monitor.estimate.variance import Floats
from monitor.report.labels_draw import chances, gains
from monitor.report.phase_frame import Frame, finished

NAN = float("nan")


def frame(
    *,
    f: Floats | float = NAN,
    g: Floats | float = NAN,
    pi1: Floats | float = 1.0,
    pi2: Floats | float = 1.0,
    judged: Bools | bool | None = None,
    size: int = 1000,
) -> Frame:
    """Give a span of samples of which none was drawn; `judged` None = there is no judge."""

    def floats(value: Floats | float) -> Floats:
        return np.broadcast_to(np.asarray(value, dtype=np.float64), (size,)).copy()

    return Frame(
        window=np.zeros(size, dtype=np.int64),
        sample_id=[UUID(int=n + 1) for n in range(size)],
        stratum=["all"] * size,
        pi1=floats(pi1),
        conversation=np.arange(size, dtype=np.uint64),
        f=floats(f),
        g=floats(g),
        pi2=floats(pi2),
        judged=np.broadcast_to(np.asarray(True if judged is None else judged, dtype=np.bool_), (size,)).copy(),
        open=np.zeros(size, dtype=np.bool_),
        number=[0] * size,
        chance=floats(0.0),
        drawn=np.zeros(size, dtype=np.bool_),
        yes=floats(NAN),
        labelled=np.zeros(size, dtype=np.bool_),
        done=np.zeros(size, dtype=np.bool_),
        has_judge=judged is not None,
        fields={},
    )


def after(one: Frame, u: Floats, chance: Floats) -> Frame:
    return replace(one, chance=chance, drawn=one.drawn | (one.eligible & (u < chance)))


def uniform(seed: int, size: int = 1000) -> Floats:
    return np.random.default_rng(seed).random(size)


@pytest.mark.parametrize("n", [1, 20, 999, 1000, 5000])
def test_as_many_are_drawn_as_asked_for_or_all(n: int) -> None:
    u = uniform(1)
    one = frame(f=uniform(2), pi1=0.01 + 0.99 * uniform(3))
    chance = chances(one, u, n)
    assert np.count_nonzero(u < chance) == min(n, 1000)
    assert np.all((chance > 0.0) & (chance <= 1.0))


def test_while_as_many_wait_nothing_changes() -> None:
    u = uniform(1)
    first = after(frame(f=0.3), u, chances(frame(f=0.3), u, 20))
    assert np.array_equal(chances(first, u, 20), first.chance)
    assert np.array_equal(chances(first, u, 5), first.chance)


def test_more_are_drawn_as_labels_come_and_no_chance_ever_falls() -> None:
    """Though what classifier says changes from draw to draw, and labels come for samples that nobody drew."""
    rng = np.random.default_rng(7)
    u, one = uniform(1), frame()
    for _ in range(15):
        one = replace(one, f=rng.random(1000))
        chance = chances(one, u, 30)
        assert np.all(chance >= one.chance)
        next_one = after(one, u, chance)
        assert np.all(next_one.drawn >= one.drawn), "a draw is not taken back"
        assert np.count_nonzero(next_one.drawn & ~next_one.done) == 30
        one = replace(
            next_one, done=next_one.done | (next_one.drawn & (rng.random(1000) < 0.7)) | (rng.random(1000) < 0.01)
        )


def test_doubt_and_weight_make_a_chance_larger_within_bounds() -> None:
    f = np.array([0.5, 0.9, 0.0, 0.0, 1.0, 0.1, NAN, 0.5])
    g = np.array([NAN, 0.0, 0.0, NAN, 1.0, 1.0, NAN, NAN])
    pi1 = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.1])
    gain = gains(frame(f=f, g=g, pi1=pi1, judged=True, size=8))
    assert gain[0] == pytest.approx(0.5)
    assert gain[1] == pytest.approx(gain[5]) == pytest.approx(np.sqrt(0.45 * 0.55)), "they differ"
    assert gain[2] == gain[3] == gain[4] == pytest.approx(0.1), "both sure of one thing may be wrong all the same"
    assert gain[6] == pytest.approx(0.5), "nothing is known"
    assert gain[7] == pytest.approx(5.0)


def test_with_a_judge_only_what_has_its_verdict_is_drawn_with_at_most_its_chance() -> None:
    u = uniform(1)
    judged = u < 0.2
    g = np.where(judged & (uniform(2) < 0.9), (uniform(3) < 0.5).astype(float), NAN)
    one = frame(f=0.4, g=g, pi2=0.2, judged=judged)
    few, all_of_them = chances(one, u, 20), chances(one, u, 1000)
    assert np.count_nonzero(u < few) == 20
    assert not np.any((u < few) & np.isnan(g))
    assert np.array_equal(u < all_of_them, one.eligible)
    assert all_of_them.max() == 0.2
    assert np.all(few[~one.eligible] == 0.0), "what was not considered has no chance"


def test_weighted_sums_over_draws_are_unbiased_though_their_number_is_fixed() -> None:
    """Two draws one after the other, of a share of yes that classifier foretells badly."""
    size, rng = 120, np.random.default_rng(5)
    y = (rng.random(size) < 0.3).astype(float)
    f = np.clip(0.3 + 0.4 * (rng.random(size) - 0.5) - 0.2 * y, 0.0, 1.0)
    one = frame(f=f, pi1=0.2 + 0.8 * rng.random(size), size=size)
    found = []
    for _ in range(4000):
        u = rng.random(size)
        first = after(one, u, chances(one, u, 10))
        second = after(first, u, chances(replace(first, done=first.drawn), u, 15))
        found.append(np.sum(y[second.drawn] / second.chance[second.drawn]))
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found) - y.sum()) < 4.0 * error
    assert error < 0.02 * y.sum(), "else this would show nothing"


def test_labels_that_came_another_way_than_down_the_list_do_not_bias_what_is_finished() -> None:
    """Somebody labelled every yes before anything was drawn; then half of the list is worked off."""
    size, rng = 200, np.random.default_rng(3)
    y = rng.random(size) < 0.2
    start = replace(frame(f=0.2 + 0.6 * rng.random(size), size=size), labelled=y, done=y)
    fair, naive = [], []
    for _ in range(3000):
        u = rng.random(size)
        drawn = after(start, u, chances(start, u, 30))
        wait = np.flatnonzero(drawn.drawn & ~drawn.done)
        labelled = y.copy()
        labelled[wait[np.argsort(u[wait] / drawn.chance[wait])][:15]] = True
        chance, counted = finished(replace(drawn, labelled=labelled, number=[int(one * 2.0**64) for one in u]))
        assert np.all(labelled[counted])
        fair.append(np.sum(y[counted] / chance[counted]) / np.sum(1.0 / chance[counted]))
        careless = drawn.drawn & labelled
        naive.append(np.sum(y[careless] / drawn.chance[careless]) / np.sum(1.0 / drawn.chance[careless]))
    assert np.mean(fair) == pytest.approx(y.mean(), rel=0.03)
    assert np.mean(naive) > 1.3 * y.mean(), "what is held back is held back for a reason"


def test_an_informed_draw_needs_fewer_labels_than_an_even_one() -> None:
    """Mean squared error of the weighted mean of the judge's errors, 60 labels of 2000 judged samples."""
    size, rng = 2000, np.random.default_rng(11)
    f = rng.beta(0.3, 0.7, size)
    y = (rng.random(size) < f).astype(float)
    g = np.where(rng.random(size) < 0.15, 1.0 - y, y)
    one = frame(f=f, g=g, judged=True, size=size)
    flat = replace(one, f=np.full(size, NAN), g=np.full(size, 0.5))
    errors: dict[str, list[float]] = {"informed": [], "even": []}
    for _ in range(400):
        u = rng.random(size)
        for name, drawn_from in (("informed", one), ("even", flat)):
            chance = chances(drawn_from, u, 60)
            drawn = u < chance
            errors[name].append(float(np.sum((y - g)[drawn] / chance[drawn]) / size - np.mean(y - g)))
    assert np.mean(np.square(errors["informed"])) < 0.8 * np.mean(np.square(errors["even"]))


def test_a_list_of_nothing_cannot_be_asked_for() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        chances(frame(), uniform(1), 0)
