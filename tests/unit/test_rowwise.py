"""A row of a product is the same wherever it stands, on the kernels of processors that this machine may not be."""

import os
import subprocess
import sys

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from monitor.scoring.rowwise import ROWS, Weights

KERNELS = ("Nehalem", "Sandybridge", "Haswell")
"""Of OpenBLAS, for x86 processors without AVX-512, oldest first."""
SHAPES = ((384, 512, 768), (384, 512, 256), (384, 1280, 256), (36, 1280, 512), (36, 320, 512))


def differing() -> int:
    """Count the shapes in which equal rows have unequal products."""
    rng = np.random.default_rng(1)
    found = 0
    for count, inner, columns in SHAPES:
        rows = np.repeat(rng.normal(size=(1, inner)).astype(np.float32), count, axis=0)
        with threadpool_limits(1, user_api="blas"):
            product = Weights(rng.normal(size=(inner, columns)).astype(np.float32)).product(rows)
        found += bool((product != product[0]).any())
    return found


def test_equal_rows_have_equal_products_here() -> None:
    assert differing() == 0


@pytest.mark.parametrize("kernel", KERNELS)
def test_equal_rows_have_equal_products_on_the_kernel_of_another_processor(kernel: str) -> None:
    script = "from tests.unit.test_rowwise import differing; print(differing())"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "OPENBLAS_CORETYPE": kernel},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == "0"


@pytest.mark.parametrize("columns", [1, 255, 256, 257, 768])
def test_a_product_is_what_numpy_makes_of_it(columns: int) -> None:
    rng = np.random.default_rng(columns)
    rows = rng.normal(size=(2 * ROWS, 40)).astype(np.float32)
    weights = rng.normal(size=(40, columns)).astype(np.float32)
    product = Weights(weights).product(rows)
    assert product.shape == (2 * ROWS, columns)
    np.testing.assert_allclose(product, rows.astype(float) @ weights, rtol=1e-4, atol=1e-4)
