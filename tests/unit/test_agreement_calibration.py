"""Calibration of a judge's confidences: scores, bins, and maps measured on groups that they have not seen."""

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.metrics import brier_score_loss

from monitor.estimate.agreement_calibration import Calibration, calibration
from monitor.estimate.agreement_recalibration import MAX_FOLDS, Isotonic, Method, Platt, Recalibrated, recalibrate
from monitor.estimate.variance import Floats


def sure(n: int, *, honest: bool, seed: int = 2) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Confidences of a judge that is right as often as it says, or less and less often the surer it is."""
    random = np.random.default_rng(seed)
    probability = random.random(n)
    return probability, random.random(n) < (probability if honest else 0.3 + 0.4 * probability)


def made(n: int, *, honest: bool) -> Calibration:
    return calibration(*sure(n, honest=honest), np.arange(n), draws=300)


def test_the_brier_score_equals_scikit_learn_and_its_parts_add_up() -> None:
    probability, outcome = sure(700, honest=False)
    found = calibration(probability, outcome, np.arange(700), draws=200)
    assert found.brier.value == pytest.approx(brier_score_loss(outcome, probability), abs=1e-12)
    parts = (found.reliability, found.resolution, found.uncertainty, found.within)
    reliability, resolution, uncertainty, within = (one if one is not None else np.nan for one in parts)
    assert reliability - resolution + uncertainty + within == pytest.approx(found.brier.value, abs=1e-12)
    assert abs(within) < 0.01


def test_parts_of_the_brier_score_by_hand() -> None:
    # Two confidences: 0.2 comes true once in four, 0.8 four times in four; 5 of 8 in all.
    probability = np.array([0.2] * 4 + [0.8] * 4)
    outcome = np.array([True, False, False, False, True, True, True, True])
    found = calibration(probability, outcome, np.arange(8), draws=10)
    assert [bar.n for bar in found.bars] == [4, 4]
    assert found.reliability == pytest.approx((0.05**2 + 0.2**2) / 2)
    assert found.resolution == pytest.approx(((0.25 - 0.625) ** 2 + (1 - 0.625) ** 2) / 2)
    assert found.uncertainty == pytest.approx(0.625 * 0.375)
    assert found.within == pytest.approx(0.0, abs=1e-12)
    assert found.ece.value == pytest.approx((0.05 + 0.2) / 2)


def test_honest_confidences_show_no_more_error_than_chance() -> None:
    honest, boastful = made(2_000, honest=True), made(2_000, honest=False)
    assert honest.ece.value is not None
    assert honest.ece_by_chance is not None
    assert honest.ece.value < 2 * honest.ece_by_chance
    assert boastful.ece.low is not None
    assert boastful.ece_by_chance is not None
    assert boastful.ece.low > 3 * boastful.ece_by_chance


def test_bars_hold_their_confidence_when_it_is_honest_and_every_item_once() -> None:
    found = made(2_000, honest=True)
    assert sum(bar.n for bar in found.bars) == 2_000
    inside = [(bar.observed.low or 0) <= bar.confidence <= (bar.observed.high or 0) for bar in found.bars]
    assert len(inside) == 10
    assert sum(inside) >= 9


def test_nothing_to_hold_against_gives_a_reason_and_wrong_numbers_are_refused() -> None:
    nothing = np.zeros(0)
    found = calibration(nothing, nothing.astype(bool), nothing.astype(int))
    assert found.n == 0
    assert found.brier.reason
    assert found.ece.value is None
    for wrong in (1.5, -0.1, float("nan")):
        with pytest.raises(ValueError, match=r"\[0, 1\]"):
            calibration(np.array([wrong]), np.array([True]), np.array([0]))
    with pytest.raises(ValueError, match="same shape"):
        calibration(np.array([0.5]), np.array([True, False]), np.array([0]))


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_a_map_learnt_elsewhere_repairs_confidences_of_unseen_groups(method: Method) -> None:
    probability, outcome = sure(1_500, honest=False)
    found = recalibrate(probability, outcome, np.arange(1_500) // 30, method=method)
    assert isinstance(found, Recalibrated)
    assert found.folds == MAX_FOLDS
    assert found.helps
    assert found.after.ece.value is not None
    assert found.before.ece.value is not None
    assert found.after.ece.value < found.before.ece.value / 2
    mapped = found.map.apply(np.linspace(0, 1, 50))
    assert np.all(np.diff(mapped) >= 0)
    assert 0 <= mapped[0] < mapped[-1] <= 1


def test_figures_come_from_groups_that_the_map_did_not_see() -> None:
    # Each group has its own truth that the others do not have: a map can only help where it has looked.
    group = np.repeat(np.arange(8), 50)
    probability = (group + 1) / 10
    outcome = group % 2 == 0
    found = recalibrate(probability, outcome, group, method="isotonic")
    assert isinstance(found, Recalibrated)
    assert found.folds == 8
    fitted = np.mean((found.map.apply(probability) - outcome) ** 2)
    assert found.after.brier.value is not None
    assert found.after.brier.value > fitted + 0.05


def test_separated_classes_do_not_drive_platts_slope_away() -> None:
    probability = np.concatenate([np.full(30, 0.3), np.full(30, 0.7)])
    found = recalibrate(probability, probability > 0.5, np.arange(60), method="platt")
    assert isinstance(found, Recalibrated)
    assert isinstance(found.map, Platt)
    assert 1.0 < found.map.slope < 20.0


def test_maps_are_plain_numbers() -> None:
    assert Isotonic(at=(0.2, 0.8), to=(0.1, 0.5)).apply(np.array([0.0, 0.5, 1.0])) == pytest.approx([0.1, 0.3, 0.5])
    assert Platt(slope=1.0, intercept=0.0).apply(np.array([0.25])) == pytest.approx([0.25])


def test_one_group_or_one_outcome_is_not_enough_for_a_map() -> None:
    probability, outcome = sure(40, honest=True)
    assert "one group" in str(recalibrate(probability, outcome, np.zeros(40, int)))
    assert "the same" in str(recalibrate(probability, np.full(40, True), np.arange(40)))
