"""Agreement figures against scikit-learn, the krippendorff package and tables worked out by hand."""

import krippendorff
import numpy as np
import pytest
from sklearn import metrics

from monitor.estimate.agreement import MAX_CATEGORIES, MISSING, Agreement, Figure, Ratings, agreement, ratings
from monitor.estimate.agreement_reference import against_reference
from monitor.estimate.variance import Ints

EXACT = 1e-12


def pairs(first: list[int] | Ints, second: list[int] | Ints, *, q: int, ordered: bool = False) -> Ratings:
    codes = np.stack([np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)], axis=1)
    categories = tuple("abcdefghijklmnop"[:q])
    return Ratings(codes=codes, group=np.arange(len(codes)), categories=categories, ordered=ordered)


def random_codes(seed: int, *, raters: int, q: int, n: int = 150, missing: float = 0.0) -> Ints:
    """Raters who mostly copy the first one."""
    random = np.random.default_rng(seed)
    truth = random.choice(q, size=n, p=random.dirichlet(np.ones(q)))
    columns = [np.where(random.random(n) < 0.6, truth, random.integers(0, q, n)) for _ in range(raters)]
    codes = np.stack(columns, axis=1)
    return np.where(random.random(codes.shape) < missing, MISSING, codes)


def table(cells: list[list[int]]) -> tuple[list[int], list[int]]:
    """Write a table of counts out as two lists of labels."""
    rows = [(i, j) for i, row in enumerate(cells) for j, count in enumerate(row) for _ in range(count)]
    return [i for i, _ in rows], [j for _, j in rows]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("q", [2, 3, 6])
def test_kappas_equal_scikit_learn(seed: int, q: int) -> None:
    codes = random_codes(seed, raters=2, q=q)
    found = agreement(pairs(codes[:, 0], codes[:, 1], q=q, ordered=True), draws=10)
    labels = list(range(q))
    for figure, weights in ((found.kappa, None), (found.kappa_linear, "linear"), (found.kappa_quadratic, "quadratic")):
        expected = metrics.cohen_kappa_score(codes[:, 0], codes[:, 1], labels=labels, weights=weights)
        assert figure.value == pytest.approx(expected, abs=EXACT)
    assert found.raw.value == pytest.approx(metrics.accuracy_score(codes[:, 0], codes[:, 1]), abs=EXACT)
    assert np.array_equal(found.table, metrics.confusion_matrix(codes[:, 0], codes[:, 1], labels=labels))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("raters", "missing"), [(2, 0.0), (2, 0.2), (4, 0.0), (4, 0.4)])
def test_alphas_equal_the_krippendorff_package(seed: int, raters: int, missing: float) -> None:
    q = 4
    codes = random_codes(seed, raters=raters, q=q, missing=missing)
    rated = Ratings(codes=codes, group=np.arange(len(codes)), categories=tuple("abcd"), ordered=True)
    found = agreement(rated, draws=10)
    data = np.where(codes == MISSING, np.nan, codes.astype(float)).T
    domain = list(range(q))
    nominal = krippendorff.alpha(reliability_data=data, level_of_measurement="nominal", value_domain=domain)
    ordinal = krippendorff.alpha(reliability_data=data, level_of_measurement="ordinal", value_domain=domain)
    assert found.alpha.value == pytest.approx(nominal, abs=EXACT)
    assert found.alpha_ordinal.value == pytest.approx(ordinal, abs=EXACT)


def test_confusion_measures_equal_scikit_learn() -> None:
    codes = random_codes(3, raters=2, q=3, n=400, missing=0.1)
    found = against_reference(pairs(codes[:, 0], codes[:, 1], q=3), positive=("b", "c"))
    both = np.all(codes != MISSING, axis=1)
    said, true = codes[both, 0] > 0, codes[both, 1] > 0
    for figure, expected in (
        (found.accuracy, metrics.accuracy_score(true, said)),
        (found.sensitivity, metrics.recall_score(true, said)),
        (found.specificity, metrics.recall_score(true, said, pos_label=False)),
        (found.precision, metrics.precision_score(true, said)),
        (found.f1, metrics.f1_score(true, said)),
    ):
        assert figure.value == pytest.approx(expected, abs=EXACT)
        assert figure.low is not None
        assert figure.high is not None
        assert figure.low < expected < figure.high
    assert found.missing == np.count_nonzero(~both)


def test_ac1_of_a_table_by_hand() -> None:
    # 100 items, 90 equal: pa = 0.9; shares of "b" are 13 % and 7 %, mean 0.1; pe = 2 * 0.1 * 0.9 = 0.18.
    first, second = table([[85, 2], [8, 5]])
    assert agreement(pairs(first, second, q=2), draws=10).ac1.value == pytest.approx((0.9 - 0.18) / (1 - 0.18))


def test_ac1_counts_categories_that_nobody_used() -> None:
    # The same shares over three categories: pe = (0.1 * 0.9 + 0.9 * 0.1) / 2 = 0.09.
    first, second = table([[85, 2], [8, 5]])
    assert agreement(pairs(first, second, q=3), draws=10).ac1.value == pytest.approx((0.9 - 0.09) / (1 - 0.09))


def test_ac1_of_three_raters_with_gaps_by_hand() -> None:
    # Items: aaa, aab, ab-, b--. Pair shares 1, 1/3, 0 over 3 items: pa = 4/9. Share of "a": (1 + 2/3 + 1/2 + 0) / 4.
    codes = np.array([[0, 0, 0], [0, 0, 1], [0, 1, MISSING], [1, MISSING, MISSING]])
    found = agreement(Ratings(codes=codes, group=np.arange(4), categories=("a", "b")), draws=10)
    share = (1 + 2 / 3 + 1 / 2) / 4
    chance = 2 * share * (1 - share)
    assert found.raw.value == pytest.approx(4 / 9)
    assert found.ac1.value == pytest.approx((4 / 9 - chance) / (1 - chance))
    assert (found.n, found.missing) == (3, 1)


def test_kappa_falls_and_ac1_does_not_where_one_class_prevails() -> None:
    found = agreement(pairs(*table([[118, 5], [2, 0]]), q=2), draws=10)
    assert found.raw.value == pytest.approx(118 / 125)
    assert found.kappa.value is not None
    assert found.kappa.value < 0
    assert found.ac1.value is not None
    assert found.ac1.value > 0.93


def figures(found: Agreement) -> list[Figure]:
    return [
        found.raw,
        found.kappa,
        found.kappa_linear,
        found.kappa_quadratic,
        found.ac1,
        found.alpha,
        found.alpha_ordinal,
    ]


@pytest.mark.parametrize("raters", [2, 3])
@pytest.mark.parametrize("codes", [[], [0], [0, 1], [0, 0, 0, 0], [MISSING, 0], [MISSING] * 3])
def test_too_little_to_say_gives_a_reason_and_never_nan(codes: list[int], raters: int) -> None:
    columns = np.stack([np.asarray(codes, dtype=np.int64)] * raters, axis=1)
    found = agreement(
        Ratings(codes=columns, group=np.arange(len(codes)), categories=("a", "b"), ordered=True), draws=50
    )
    for one in figures(found):
        assert one.value is None or not np.isnan(one.value)
        assert (one.low is None) == (one.high is None)
        assert bool(one.reason) == (one.low is None)
        assert one.low is None or (not np.isnan(one.low) and not np.isnan(one.high or 0.0))


def test_one_class_only_leaves_kappa_and_alpha_open() -> None:
    found = agreement(pairs([0] * 30, [0] * 30, q=2))
    assert found.kappa.value is None
    assert found.alpha.value is None
    assert "one class" in found.kappa.reason
    assert found.raw.value == 1.0


def test_a_single_category_cannot_disagree() -> None:
    found = agreement(pairs([0] * 30, [0] * 30, q=1))
    assert "one category" in found.ac1.reason
    assert "one category" in found.kappa.reason


def test_reference_measures_without_a_positive_give_a_reason() -> None:
    found = against_reference(pairs([0] * 12, [0] * 12, q=2), positive=("b",))
    assert "no positive" in found.sensitivity.reason
    assert "no positive" in found.precision.reason
    assert found.f1.value is None
    assert found.specificity.value == 1.0


def test_wrong_input_is_refused() -> None:
    with pytest.raises(ValueError, match="no category"):
        ratings([["a"], ["x"]], ["g"], categories=("a", "b"))
    with pytest.raises(ValueError, match="one label or None"):
        ratings([["a", "b"], ["a"]], ["g"], categories=("a", "b"))
    with pytest.raises(ValueError, match="no category"):
        pairs([0, 2], [0, 1], q=2)
    with pytest.raises(ValueError, match="join rare ones"):
        Ratings(codes=np.zeros((1, 2), int), group=np.zeros(1, int), categories=tuple(map(str, range(99))))
    with pytest.raises(ValueError, match="some, not all"):
        against_reference(pairs([0], [0], q=2), positive=("a", "b"))
    assert MAX_CATEGORIES >= 11
