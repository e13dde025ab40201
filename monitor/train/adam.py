"""Adam with decoupled weight decay (Kingma and Ba 2015, Loshchilov and Hutter 2019), in place over named arrays."""

from collections.abc import Mapping

import numpy as np

from monitor.scoring.classifiers.weights import ARRAY

SECOND = 0.001
"""1 - beta 2."""


class Adam:
    """Moves the arrays against their gradients; arrays whose name ends in `bias` are not drawn towards 0."""

    def __init__(self, arrays: dict[str, ARRAY], *, decay: float) -> None:
        """Start with no memory; `decay` is the pull towards 0, a step and unit of rate."""
        self._arrays, self._decay, self._steps = arrays, decay, 0
        self._first = {name: np.zeros_like(array) for name, array in arrays.items()}
        self._second = {name: np.zeros_like(array) for name, array in arrays.items()}

    def step(self, gradients: Mapping[str, ARRAY], rate: float, *, momentum: float = 0.9) -> None:
        """Move each array that has a gradient; `momentum` is beta 1, and may change from step to step."""
        self._steps += 1
        for name, gradient in gradients.items():
            first, second, array = self._first[name], self._second[name], self._arrays[name]
            first += (1 - momentum) * (gradient - first)
            second += SECOND * (gradient * gradient - second)
            mean = first / (1 - momentum**self._steps)
            spread = second / (1 - (1 - SECOND) ** self._steps)
            if not name.endswith("bias"):
                array *= 1 - rate * self._decay
            array -= rate * mean / (np.sqrt(spread) + 1e-8)
