"""The data of an insert, whole before the engine sees it, where the engine can read it as a file."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from monitor.store.embedded.bodies import PIECE, Reader

MEMORY_BYTES = 32 << 20
"""Larger bodies go to disk."""


class Spool:
    """A body as a file without a name, which goes when it is closed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: IO[bytes] = _memory_file(folder)
        self.size = 0

    def fill(self, source: Reader) -> None:
        """Read the source to its end. Blocks on the client; raises what the source raises."""
        while piece := source.read(PIECE):
            self.add(piece)

    def add(self, piece: bytes) -> None:
        """Append a piece."""
        self.size += len(piece)
        if self.size > MEMORY_BYTES >= self.size - len(piece):
            on_disk = _disk_file(self._folder)
            self._file.seek(0)
            while data := self._file.read(PIECE):
                on_disk.write(data)
            self._file.close()
            self._file = on_disk
        self._file.write(piece)

    @property
    def path(self) -> str:
        """Where this process can open the data. All that was added is there."""
        self._file.flush()
        linux = Path(f"/proc/self/fd/{self._file.fileno()}")
        return str(linux) if linux.exists() else str(self._file.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def _memory_file(folder: Path) -> IO[bytes]:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("insert"), "w+b")
    return _disk_file(folder)


def _disk_file(folder: Path) -> IO[bytes]:
    return tempfile.NamedTemporaryFile(dir=folder)
