"""Work that was cut off: the cut is at the gap, a stray gap costs nothing else, and sums stay unbiased."""

import numpy as np
import pytest

from monitor.estimate.tail import cuts
from monitor.estimate.variance import Floats


def cut(rank: Floats, done: list[bool] | np.ndarray) -> float:
    found = cuts(rank, np.asarray(done, dtype=np.bool_), np.zeros(rank.size, dtype=np.int64), 1)
    return float(found[0])


def test_a_tail_is_cut_where_it_begins() -> None:
    rank = np.random.default_rng(1).random(1000)
    assert cut(rank, rank < 0.5) == rank[rank >= 0.5].min()


def test_nothing_is_cut_where_all_is_done_or_nothing() -> None:
    rank = np.random.default_rng(1).random(50)
    assert cut(rank, np.ones(50, dtype=np.bool_)) == 1.0
    assert cut(rank, np.zeros(50, dtype=np.bool_)) == 1.0


def test_one_that_is_stuck_does_not_take_the_others_away() -> None:
    rank = np.arange(1000) / 1000
    done = np.ones(1000, dtype=np.bool_)
    done[100] = False
    assert cut(rank, done) == 1.0
    done[600:] = False
    assert cut(rank, done) == 0.6


def test_what_is_undone_here_and_there_among_few_is_left_to_the_bounds() -> None:
    done = np.ones(40, dtype=np.bool_)
    done[[2, 7, 12, 17, 22]] = False
    assert cut(np.arange(40) / 40, done) == 1.0


def test_turns_of_one_conversation_stay_together() -> None:
    rank = np.repeat(np.arange(50) / 50, 4)
    done = rank < 0.5
    done[np.flatnonzero(rank == 0.5)[:2]] = True
    assert cut(rank, done) == 0.5


def test_groups_are_cut_apart() -> None:
    rank = np.tile(np.arange(100) / 100, 2)
    group = np.repeat([0, 1], 100)
    assert cuts(rank, (group == 1) | (rank < 0.3), group, 3).tolist() == [0.3, 1.0, 1.0]


@pytest.mark.parametrize("left", [3, 40, 150])
def test_sums_over_what_is_kept_are_unbiased(left: int) -> None:
    rng = np.random.default_rng(left)
    value = rng.random(400) < 0.3
    pi = np.where(value, 0.3, 0.8)
    found = []
    for _ in range(4000):
        u = rng.random(400)
        drawn = u < pi
        rank = u[drawn] / pi[drawn]
        done = np.argsort(np.argsort(rank)) < left
        threshold = cut(rank, done)
        kept = done & (rank < threshold) if threshold < 1.0 else done
        found.append(float(np.sum((value[drawn] / (pi[drawn] * threshold))[kept])))
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found) - value.sum()) < 4 * error
    assert error < 0.05 * value.sum()
