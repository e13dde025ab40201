"""Agreement on any ratings: symmetric, indifferent to names and order, inside its bounds."""

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.estimate.agreement import MISSING, Agreement, Ratings, agreement

Q = 4
LABEL = st.integers(MISSING, Q - 1)


@st.composite
def any_ratings(draw: st.DrawFn, *, raters: int | None = None) -> Ratings:
    columns = raters or draw(st.integers(2, 4))
    rows = draw(st.lists(st.lists(LABEL, min_size=columns, max_size=columns), max_size=40))
    size = draw(st.integers(1, 3))
    return Ratings(
        codes=np.array(rows, dtype=np.int64).reshape(len(rows), columns),
        group=np.arange(len(rows)) // size,
        categories=tuple("abcd"),
        ordered=True,
    )


NAMES = ("raw", "kappa", "kappa_linear", "kappa_quadratic", "ac1", "alpha", "alpha_ordinal")
UNORDERED = ("raw", "kappa", "ac1", "alpha")


def values(found: Agreement, names: tuple[str, ...] = NAMES) -> list[Any]:
    return [None if (v := getattr(found, name).value) is None else pytest.approx(v, abs=1e-9) for name in names]


def changed(rated: Ratings, codes: Any, group: Any = None) -> Ratings:
    return Ratings(
        codes=codes, group=rated.group if group is None else group, categories=rated.categories, ordered=rated.ordered
    )


@settings(deadline=None)
@given(any_ratings())
def test_every_figure_is_a_number_in_its_bounds_or_has_a_reason(rated: Ratings) -> None:
    found = agreement(rated, draws=100)
    for name in NAMES:
        one = getattr(found, name)
        if one.value is None:
            assert one.reason
            assert one.low is None
            continue
        if name in {"raw", "ac1", "kappa"}:
            assert one.value >= (0.0 if name == "raw" else -1.0) - 1e-9
        assert one.value <= 1.0 + 1e-9
        if one.low is None:
            assert one.reason
        else:
            assert one.low <= one.value <= one.high <= 1.0 + 1e-9
    assert found.n + found.missing == len(rated.codes)


@settings(deadline=None)
@given(any_ratings(), st.randoms(use_true_random=False))
def test_the_order_of_raters_does_not_matter(rated: Ratings, random: Any) -> None:
    order = list(range(rated.codes.shape[1]))
    random.shuffle(order)
    assert values(agreement(rated, draws=1)) == values(agreement(changed(rated, rated.codes[:, order]), draws=1))


@settings(deadline=None)
@given(any_ratings(), st.permutations(range(Q)))
def test_renaming_labels_does_not_matter_and_turning_their_order_round_neither(
    rated: Ratings, names: list[int]
) -> None:
    before = agreement(rated, draws=1)
    renamed = np.where(rated.codes == MISSING, MISSING, np.array(names)[rated.codes])
    turned = np.where(rated.codes == MISSING, MISSING, Q - 1 - rated.codes)
    assert values(agreement(changed(rated, renamed), draws=1), UNORDERED) == values(before, UNORDERED)
    assert values(agreement(changed(rated, turned), draws=1)) == values(before)


@settings(deadline=None)
@given(any_ratings(), st.randoms(use_true_random=False))
def test_the_order_of_items_does_not_matter_for_intervals_too(rated: Ratings, random: Any) -> None:
    order = list(range(len(rated.codes)))
    random.shuffle(order)
    chosen = np.array(order, dtype=np.int64)
    shuffled = changed(rated, rated.codes[chosen], 7 * rated.group[chosen] + 3)
    before, after = (asdict(agreement(one, draws=50)) for one in (rated, shuffled))
    for name in NAMES:
        for part in ("value", "low", "high"):
            assert before[name][part] == pytest.approx(after[name][part], abs=1e-9)


@settings(deadline=None)
@given(any_ratings(raters=2))
def test_equal_labels_agree_fully_where_agreement_is_defined(rated: Ratings) -> None:
    found = agreement(changed(rated, np.repeat(rated.codes[:, :1], 2, axis=1)), draws=1)
    for name in NAMES:
        value = getattr(found, name).value
        assert value is None or value == pytest.approx(1.0)
