"""Intervals of agreement hold what they promise: simulated coverage, published variances, groups, the edges."""

import math

import numpy as np
import pytest

from monitor.estimate.agreement import Agreement, Figure, Ratings, agreement
from monitor.estimate.kappa import cohen_kappa, gwet_ac1, krippendorff_alpha
from monitor.estimate.variance import Floats, Ints

CELLS = np.array([[0.50, 0.08], [0.12, 0.30]])
RUNS = 400


def rated(kind: Ints, group: Ints, q: int = 2) -> Ratings:
    codes = np.stack(np.divmod(kind, q), axis=1)
    return Ratings(codes=codes, group=group, categories=tuple("abcdefghi"[:q]))


def covers(figure: Figure, truth: float) -> bool:
    assert figure.low is not None
    assert figure.high is not None
    return figure.low <= truth <= figure.high


def coverage(groups: int, alike: float, size: int) -> dict[str, float]:
    """Share of samples of `groups` groups whose 95 % intervals hold the truth.

    With probability `alike` a whole group repeats one pair of labels: groups matter, the true table stays.
    """
    random = np.random.default_rng(20)
    share = CELLS.sum(axis=0) / 2 + CELLS.sum(axis=1) / 2
    truth = {
        "raw": float(np.trace(CELLS)),
        "kappa": float(cohen_kappa(CELLS)),
        "ac1": float(gwet_ac1(np.array(np.trace(CELLS)), np.ones(()), share, np.ones(()))),
        # In the limit of many items, where n - 1 is n.
        "alpha": float(krippendorff_alpha(1e9 * (CELLS + CELLS.T))),
    }
    hits = dict.fromkeys(truth, 0)
    for _ in range(RUNS):
        kind = random.choice(4, size=(groups, size), p=CELLS.reshape(-1))
        kind = np.where(random.random((groups, 1)) < alike, kind[:, :1], kind).reshape(-1)
        found = agreement(rated(kind, np.repeat(np.arange(groups), size)), draws=500)
        for name, true in truth.items():
            hits[name] += covers(getattr(found, name), true)
    return {name: count / RUNS for name, count in hits.items()}


def test_intervals_cover_the_truth_at_200_pairs() -> None:
    for name, share in coverage(groups=200, alike=0.0, size=1).items():
        assert 0.92 <= share <= 0.98, name


def test_intervals_cover_the_truth_where_groups_are_alike() -> None:
    for name, share in coverage(groups=60, alike=0.7, size=4).items():
        assert 0.92 <= share <= 0.985, name


def sample(n: int = 800) -> Ints:
    return np.random.default_rng(5).choice(4, size=n, p=CELLS.reshape(-1))


def width(figure: Figure) -> float:
    assert figure.low is not None
    assert figure.high is not None
    return figure.high - figure.low


def fleiss_variance(p: Floats, n: int) -> float:
    """Variance of kappa for large samples (Fleiss, Cohen and Everitt 1969, equation 13)."""
    row, column = p.sum(axis=1), p.sum(axis=0)
    agreed, chance = np.trace(p), float(row @ column)
    kappa = (agreed - chance) / (1 - chance)
    same = sum(p[i, i] * (1 - (row[i] + column[i]) * (1 - kappa)) ** 2 for i in range(2))
    other = (1 - kappa) ** 2 * sum(p[i, j] * (column[i] + row[j]) ** 2 for i in range(2) for j in range(2) if i != j)
    return float((same + other - (kappa - chance * (1 - kappa)) ** 2) / (n * (1 - chance) ** 2))


def test_width_of_kappa_is_that_of_the_published_variance() -> None:
    kind = sample()
    found = agreement(rated(kind, np.arange(kind.size)), draws=4_000)
    p = np.bincount(kind, minlength=4).reshape(2, 2) / kind.size
    assert width(found.kappa) == pytest.approx(2 * 1.96 * math.sqrt(fleiss_variance(p, kind.size)), rel=0.06)


def test_width_of_ac1_is_that_of_the_published_variance() -> None:
    kind = sample()
    first, second = np.divmod(kind, 2)
    found = agreement(rated(kind, np.arange(kind.size)), draws=4_000)
    share = (first.mean() + second.mean()) / 2
    chance = 2 * share * (1 - share)
    ac1 = found.ac1.value
    assert ac1 is not None
    # Gwet 2008, section 5: each item's own coefficient, corrected for its part in the chance agreement.
    own = ((first == second) - chance) / (1 - chance)
    item_share = (first + second) / 2
    item_chance = item_share * (1 - share) + (1 - item_share) * share
    star = own - 2 * (1 - ac1) * (item_chance - chance) / (1 - chance)
    deviation = math.sqrt(np.sum((star - ac1) ** 2) / (kind.size - 1) / kind.size)
    assert width(found.ac1) == pytest.approx(2 * 1.96 * deviation, rel=0.06)


def all_low(found: Agreement) -> list[float]:
    return [one.low for one in (found.raw, found.kappa, found.ac1, found.alpha) if one.low is not None]


def test_pairs_that_repeat_in_a_group_do_not_narrow_the_interval() -> None:
    kind = sample(100)
    once = agreement(rated(kind, np.arange(100)))
    repeated = agreement(rated(np.repeat(kind, 20), np.repeat(np.arange(100), 20)))
    taken_apart = agreement(rated(np.repeat(kind, 20), np.arange(2_000)))
    assert width(repeated.kappa) == pytest.approx(width(once.kappa), rel=0.1)
    assert width(repeated.raw) > 0.9 * width(once.raw)
    assert width(taken_apart.kappa) < 0.4 * width(once.kappa)


def test_perfect_agreement_still_has_a_width_that_shrinks_with_n() -> None:
    few = agreement(rated(np.array([0, 3] * 10), np.arange(20)))
    many = agreement(rated(np.array([0, 3] * 500), np.arange(1_000)))
    for low_few, low_many in zip(all_low(few), all_low(many), strict=True):
        assert 0.5 < low_few < 0.9
        assert 0.98 < low_many < 1.0
    assert few.kappa.value == few.kappa.high == 1.0


def test_the_same_data_and_seed_give_the_same_interval_in_any_order() -> None:
    kind = sample(300)
    group = np.arange(300) // 3
    order = np.random.default_rng(1).permutation(300)
    here, there = agreement(rated(kind, group)), agreement(rated(kind[order], 1_000 - group[order]))
    assert (here.kappa, here.ac1, here.alpha) == (there.kappa, there.ac1, there.alpha)
    assert here.raw.low == pytest.approx(there.raw.low, abs=1e-12)
    assert agreement(rated(kind, group)).kappa != agreement(rated(kind, group), seed=8).kappa


def test_few_groups_give_a_value_but_no_bootstrap_interval() -> None:
    found = agreement(rated(sample(400), np.arange(400) % 9))
    assert found.kappa.value is not None
    assert found.kappa.low is None
    assert "9 groups" in found.kappa.reason
    assert found.raw.low is not None


def test_a_class_seen_once_gives_a_reason_instead_of_an_interval() -> None:
    kind = np.zeros(40, dtype=np.int64)
    kind[0] = 1
    found = agreement(rated(kind, np.arange(40)))
    assert found.kappa.value == 0.0
    assert "rare" in found.kappa.reason
    assert found.ac1.low is not None


def test_a_higher_confidence_gives_a_wider_interval() -> None:
    kind = sample(300)
    narrow, wide = (agreement(rated(kind, np.arange(300)), confidence=level) for level in (0.8, 0.99))
    for name in ("raw", "kappa", "ac1", "alpha"):
        assert width(getattr(narrow, name)) < width(getattr(wide, name))
