"""Matrix products in which a row of the result depends on the row that it is made from alone, to the bit.

A BLAS adds up in another order at the edges of its tiles. OpenBLAS 0.3.31 has kernels for processors without AVX-512
(`Haswell`, which also serves AMD's Zen) that round the first and the last eight columns of each panel of up to 320
columns one way in the first six rows of twelve, another way in the other six, and a third way in rows left over. So the
weights are cut into narrower panels that begin and end with columns of zeros, which are thrown away, and rows come in
multiples of twelve. It holds on one thread: several share a panel out anew.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Rows: TypeAlias = npt.NDArray[np.float32]

ROWS = 12
"""The number of rows must be a multiple of this, or belong to one text alone."""
PANEL = 256
MARGIN = 8


class Weights:
    """A matrix that others are multiplied with, shape (inner, columns)."""

    def __init__(self, weights: Rows) -> None:
        """Copy the weights into panels."""
        inner, self._columns = weights.shape
        self._panels = []
        for start in range(0, self._columns, PANEL):
            part = weights[:, start : start + PANEL]
            panel = np.zeros((inner, part.shape[1] + 2 * MARGIN), dtype=np.float32)
            panel[:, MARGIN:-MARGIN] = part
            self._panels.append(panel)

    def product(self, rows: Rows) -> Rows:
        """Give `rows @ weights`, shape (n, columns)."""
        if len(self._panels) == 1:
            return (rows @ self._panels[0])[:, MARGIN:-MARGIN]
        found = np.empty((len(rows), self._columns), dtype=np.float32)
        for number, panel in enumerate(self._panels):
            part = rows @ panel
            found[:, number * PANEL : (number + 1) * PANEL] = part[:, MARGIN:-MARGIN]
        return found
