"""The queries that run now: their ids are taken, and those whose client went away can be found."""

from __future__ import annotations

import select
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from monitor.store.embedded.errors import ClickHouseError


class Running:
    """Query ids and their clients' sockets. Safe for many threads."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[str | None, socket.socket]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def enter(self, query_id: str, sock: socket.socket, *, cancellable: bool) -> Iterator[str | None]:
        """Hold an id while its query runs; gives the mark (a log_comment) by which it can be cancelled.

        Raises:
            ClickHouseError: 216 when a query of that id runs already.
        """
        # chDB makes its own query ids, so the comment is what tells a query in system.processes.
        mark = f"http:{uuid.uuid4()}" if cancellable else None
        with self._lock:
            if query_id in self._entries:
                message = f"Query with id = {query_id} is already running."
                raise ClickHouseError(216, "QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING", message)
            self._entries[query_id] = (mark, sock)
        try:
            yield mark
        finally:
            with self._lock:
                del self._entries[query_id]

    def abandoned(self) -> list[str]:
        """Give the marks of queries whose clients closed their end."""
        with self._lock:
            waiting = {sock.fileno(): mark for mark, sock in self._entries.values() if mark}
        waiting.pop(-1, None)
        if not waiting:
            return []
        poll = select.poll()
        for descriptor in waiting:
            poll.register(descriptor, select.POLLRDHUP)
        return [waiting[descriptor] for descriptor, _event in poll.poll(0)]
