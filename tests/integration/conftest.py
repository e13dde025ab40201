"""One running stack for the tests that only read from it or send to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.live import Live, stack


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    # All default scorers, the encoder among them.
    with stack(Path(tmp_path_factory.mktemp("stack")), SCORING__SCORERS="[]") as running:
        yield running
