"""The small network that the heads about harm share: each sentence by itself, then all of them together."""

import numpy as np

from monitor.scoring.classifiers.weights import ARRAY

SCALE = np.float32(22.0)
"""Unit vectors of 512 numbers are raised to numbers about 1: what the network was trained on."""


def run(arrays: dict[str, ARRAY], rows: ARRAY, rest: ARRAY) -> ARRAY:
    """Give the logits.

    `rows` has shape (sentences, a), at least one; `rest` has shape (b,). The arrays of member N of the ensemble are
    `N.rows` (a, h), `N.rows_bias`, `N.mix` (3h + b, m), `N.mix_bias`, `N.out` (m, labels), `N.out_bias`; the logits of
    the members are averaged. The shapes of all products depend on this interaction alone.
    """
    total: ARRAY | None = None
    members = sum(1 for name in arrays if name.endswith(".rows"))
    for n in range(members):
        each = np.maximum(rows @ arrays[f"{n}.rows"] + arrays[f"{n}.rows_bias"], 0)
        joined = np.concatenate([each.mean(axis=0), each.max(axis=0), each[0], rest])
        mixed = np.maximum(joined @ arrays[f"{n}.mix"] + arrays[f"{n}.mix_bias"], 0)
        logits = mixed @ arrays[f"{n}.out"] + arrays[f"{n}.out_bias"]
        total = logits if total is None else total + logits
    assert total is not None  # noqa: S101 - a file without members is no head's
    return np.asarray(total / np.float32(members), dtype=np.float32)
