"""The real servers that the fault tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from workers.stack.supervisor import Stack


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Run broker, queue and engine, and no worker."""
    with Stack(Path(tmp_path_factory.mktemp("servers")), say=print, services=False) as stack:
        yield stack
