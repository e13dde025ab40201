"""HTTP sessions: `session_id` keeps temporary tables, SET and USE between requests.

Most sessions keep nothing (clickhouse-connect makes up an id for each client), so a connection is held only
from the first statement on that leaves something behind. Until then each request gets a fresh one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from monitor.store.embedded.engine import SERVER_DEFAULTS, Engine, Session
from monitor.store.embedded.errors import ClickHouseError

DEFAULT_TIMEOUT_S = 60
MAX_TIMEOUT_S = 3600
MAX_HELD = 256
"""Sessions with state at a time: each holds an engine connection."""


@dataclass(slots=True)
class _Entry:
    busy: bool
    expires: float
    held: Session | None = None


class Sessions:
    """The sessions that clients named, by user and id. Safe for many threads."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._lock = threading.Lock()

    @contextmanager
    def open(self, session_id: str, *, timeout_s: int, must_exist: bool, keeps: bool) -> Iterator[tuple[Session, bool]]:
        """Lend the session's connection for one request, and whether it outlives the request.

        `keeps` says that the statement leaves something behind (SET, USE, a temporary table).

        Raises:
            ClickHouseError: 372 when it must exist and does not, 373 while another request uses it.
        """
        entry = self._take(session_id, must_exist=must_exist, keeps=keeps)
        try:
            if entry.held is None and keeps:
                entry.held = self._engine.session()
                entry.held.set(SERVER_DEFAULTS)
            if entry.held is not None:
                yield entry.held, True
            else:
                session = self._engine.session()
                try:
                    yield session, False
                finally:
                    session.close()
        finally:
            with self._lock:
                entry.busy = False
                entry.expires = self._clock() + timeout_s

    def _take(self, session_id: str, *, must_exist: bool, keeps: bool) -> _Entry:
        with self._lock:
            self._expire()
            entry = self._entries.get(session_id)
            if entry is None:
                if must_exist:
                    raise ClickHouseError(372, "SESSION_NOT_FOUND", f"Session {session_id} not found")
                entry = _Entry(busy=False, expires=0.0)
            if entry.busy:
                raise ClickHouseError(
                    373, "SESSION_IS_LOCKED", f"Session {session_id} is locked by a concurrent client"
                )
            if keeps and entry.held is None and sum(one.held is not None for one in self._entries.values()) >= MAX_HELD:
                raise ClickHouseError(
                    202,
                    "TOO_MANY_SIMULTANEOUS_QUERIES",
                    f"More than {MAX_HELD} sessions hold settings or tables",
                )
            entry.busy = True
            self._entries[session_id] = entry
            return entry

    def _expire(self) -> None:
        now = self._clock()
        for key in [key for key, entry in self._entries.items() if not entry.busy and entry.expires < now]:
            self._drop(key)

    def _drop(self, session_id: str) -> None:
        entry = self._entries.pop(session_id)
        if entry.held is not None:
            entry.held.close()

    def forget(self, session_id: str) -> None:
        """End a session now (`close_session=1`)."""
        with self._lock:
            if session_id in self._entries and not self._entries[session_id].busy:
                self._drop(session_id)

    def close(self) -> None:
        """Close all connections that are held. No request may be running."""
        with self._lock:
            for key in list(self._entries):
                self._drop(key)


def parse_timeout(text: str | None) -> int:
    """Read `session_timeout` in seconds; raises ClickHouseError 374 for a wrong one."""
    if text is None:
        return DEFAULT_TIMEOUT_S
    if not text.isascii() or not text.isdigit():
        raise ClickHouseError(374, "INVALID_SESSION_TIMEOUT", f"Invalid session timeout: '{text}'")
    if int(text) > MAX_TIMEOUT_S:
        message = f"Session timeout '{text}' is larger than max_session_timeout: {MAX_TIMEOUT_S}."
        raise ClickHouseError(374, "INVALID_SESSION_TIMEOUT", message)
    return int(text)
