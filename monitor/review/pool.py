"""Connections to ClickHouse for the threads that serve pages: a `Store` is not shared between threads."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, Full, LifoQueue

from monitor.errors import StoreRejected
from monitor.store.client import Store

IDLE_STORES = 4


class StorePool:
    """Connections for threads that come and go; each is lent to one thread at a time."""

    def __init__(self, connect: Callable[[], Store], *, keep: int = IDLE_STORES) -> None:
        """Keep at most `keep` idle ones; connect on demand."""
        self._connect = connect
        self._idle: LifoQueue[Store] = LifoQueue(maxsize=keep)

    @contextmanager
    def borrow(self) -> Iterator[Store]:
        """Lend a connection; one that failed is closed, not kept."""
        try:
            store = self._idle.get_nowait()
        except Empty:
            store = self._connect()
        try:
            yield store
        except StoreRejected:
            # ClickHouse answered: the connection is fine.
            self._keep(store)
            raise
        except BaseException:
            store.close()
            raise
        self._keep(store)

    def close(self) -> None:
        """Close the idle ones."""
        while True:
            try:
                self._idle.get_nowait().close()
            except Empty:
                return

    def _keep(self, store: Store) -> None:
        try:
            self._idle.put_nowait(store)
        except Full:
            store.close()
