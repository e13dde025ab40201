"""The labelled public data beside the repository."""

import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("ALIGNMENT_MONITOR_DATA", Path(__file__).parents[3] / "shared" / "data"))


def public(name: str) -> Path:
    """Give a data file; without the data a test is skipped at home and fails in CI."""
    path = FOLDER / name
    if not path.exists():
        message = f"{path} is not there; set ALIGNMENT_MONITOR_DATA to the folder of labelled data"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return path
