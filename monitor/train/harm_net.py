"""Trains the network of `monitor.scoring.classifiers.pooled`, in numpy, seeded."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitor.scoring.classifiers import pooled
from monitor.scoring.classifiers.weights import ARRAY
from monitor.train.adam import Adam

Ints = npt.NDArray[np.int64]
Inputs = tuple[ARRAY, ARRAY]
"""What `pooled.run` reads of one interaction: rows (sentences, a) and the rest (b,)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """How a network is trained."""

    epochs: int = 6
    members: int = 3
    batch: int = 128
    rate: float = 1e-3
    decay: float = 0.02
    """Of the weights towards 0, a step and unit of rate."""
    width: int = 32
    mix: int = 24
    drop: float = 0.25
    """Share of the inputs left out at each step (Srivastava et al. 2014)."""
    blind: int = 0
    """So many of the leading columns of the rows are not seen: members that see no embedding err otherwise."""
    soften: float = 0.03
    """So much of each label is spread over all: labels are wrong now and then (Szegedy et al. 2016)."""


def fit(
    inputs: Sequence[Inputs], labels: Ints, weights: ARRAY, *, seed: int, plans: Sequence[Plan]
) -> dict[str, ARRAY]:
    """Give the arrays of the members of all plans; the same arguments give the same arrays on one machine."""
    arrays: dict[str, ARRAY] = {}
    member = 0
    for plan in plans:
        seen = [(rows[:, plan.blind :], rest) for rows, rest in inputs]
        for _ in range(plan.members):
            parts = _member(seen, labels, weights / weights.mean(), np.random.default_rng((seed, member)), plan)
            unseen = np.zeros((plan.blind, plan.width), dtype=np.float32)
            parts["rows"] = np.concatenate([unseen, parts["rows"]])
            arrays.update({f"{member}.{name}": value for name, value in parts.items()})
            member += 1
    return arrays


def _member(
    inputs: Sequence[Inputs], labels: Ints, scale: ARRAY, dice: np.random.Generator, plan: Plan
) -> dict[str, ARRAY]:
    net = _Net(dice, inputs[0][0].shape[1], inputs[0][1].shape[0], int(labels.max()) + 1, plan)
    steps = -(-len(inputs) // plan.batch) * plan.epochs
    step = 0
    for _ in range(plan.epochs):
        order = dice.permutation(len(inputs))
        for start in range(0, len(order), plan.batch):
            chosen = order[start : start + plan.batch]
            # The rate falls to nothing along half a cosine: the last steps settle.
            rate = plan.rate * 0.5 * (1 + float(np.cos(np.pi * step / steps)))
            net.step([inputs[n] for n in chosen], labels[chosen], scale[chosen], rate)
            step += 1
    return net.parts


def logits(arrays: dict[str, ARRAY], inputs: Sequence[Inputs]) -> ARRAY:
    """Give a matrix of shape (len(inputs), labels), each row as the scorer would compute it."""
    return np.stack([pooled.run(arrays, rows, rest) for rows, rest in inputs])


class _Net:
    def __init__(self, dice: np.random.Generator, a: int, b: int, count: int, plan: Plan) -> None:
        shapes = {"rows": (a, plan.width), "mix": (3 * plan.width + b, plan.mix), "out": (plan.mix, count)}
        self.parts: dict[str, ARRAY] = {}
        for name, shape in shapes.items():
            # He et al. 2015.
            self.parts[name] = (dice.standard_normal(shape) * np.sqrt(1.0 / shape[0])).astype(np.float32)
            self.parts[f"{name}_bias"] = np.zeros(shape[1], dtype=np.float32)
        self._optimiser = Adam(self.parts, decay=plan.decay)
        self._dice, self._plan, self._count = dice, plan, count

    def step(self, batch: list[Inputs], labels: Ints, weights: ARRAY, rate: float) -> None:
        keep = np.float32(1 - self._plan.drop)
        sizes = np.array([len(rows) for rows, _ in batch])
        owner = np.repeat(np.arange(len(batch)), sizes)
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        rows = self._dropped(np.concatenate([rows for rows, _ in batch]), keep)
        rest = self._dropped(np.stack([rest for _, rest in batch]), keep)
        p, width = self.parts, self._plan.width

        each = np.maximum(rows @ p["rows"] + p["rows_bias"], 0)
        mean = np.add.reduceat(each, starts, axis=0) / sizes[:, None].astype(np.float32)
        most = np.maximum.reduceat(each, starts, axis=0)
        joined = np.concatenate([mean, most, each[starts], rest], axis=1)
        mixed = np.maximum(joined @ p["mix"] + p["mix_bias"], 0)
        out = mixed @ p["out"] + p["out_bias"]
        chance = np.exp(out - out.max(axis=1, keepdims=True))
        chance /= chance.sum(axis=1, keepdims=True)

        target = np.full_like(chance, self._plan.soften / self._count)
        target[np.arange(len(batch)), labels] += np.float32(1 - self._plan.soften)
        d_out = (chance - target) * (weights / len(batch))[:, None]
        d_mixed = (d_out @ p["out"].T) * (mixed > 0)
        d_joined = d_mixed @ p["mix"].T
        d_each = d_joined[owner, :width] / sizes[owner][:, None].astype(np.float32)
        d_each += d_joined[owner, width : 2 * width] * (each == most[owner])
        d_each[starts] += d_joined[:, 2 * width : 3 * width]
        d_each *= each > 0
        self._optimiser.step(
            {
                "rows": rows.T @ d_each,
                "rows_bias": d_each.sum(axis=0),
                "mix": joined.T @ d_mixed,
                "mix_bias": d_mixed.sum(axis=0),
                "out": mixed.T @ d_out,
                "out_bias": d_out.sum(axis=0),
            },
            rate,
        )

    def _dropped(self, values: ARRAY, keep: np.float32) -> ARRAY:
        return values * (self._dice.random(values.shape, dtype=np.float32) < keep) / keep
