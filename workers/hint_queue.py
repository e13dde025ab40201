"""The queue of hints as a seam: all that the service asks of Redis, so that a fake can stand in for it."""

from collections.abc import Mapping
from typing import Protocol

from kombu.exceptions import KombuError
from redis import RedisError

from monitor.config import Settings
from monitor.errors import QueueUnavailable
from workers.celery_app import CLASSIFY, SCORE, make_app


class AnyHintQueue(Protocol):
    """Takes hints that samples are due; it may lose them, repeat them and hand them out in any order."""

    def send(self, window: int, sample_ids: list[str], *, again: bool = False) -> None:
        """Put one hint in the queue. `again` marks work whose earlier hint did not lead to an end.

        Raises:
            QueueUnavailable: it did not say that it took the hint; whether it has it cannot be told.
        """
        ...

    def depth(self) -> int:
        """Give the number of hints that wait; those that a worker has taken do not count.

        Raises:
            QueueUnavailable: it does not answer.
        """
        ...

    def close(self) -> None:
        """Give the connections back; never raises."""
        ...


class HintQueue:
    """The Celery queue in Redis. Every call blocks, at most for the socket timeouts; not shared between threads."""

    def __init__(
        self, settings: Settings, *, queue: str = CLASSIFY, task: str = SCORE, told: Mapping[str, str] | None = None
    ) -> None:
        """Connect with the first call; hints start `task`, and tell it `told` beside the samples."""
        self._app, self._queue, self._task, self._told = make_app(settings), queue, task, dict(told or {})
        # Who sends hints has something better to do than to wait until Redis is back.
        self._app.conf.broker_transport_options |= {"max_retries": 0, "retry_on_timeout": False}

    def send(self, window: int, sample_ids: list[str], *, again: bool = False) -> None:
        """Put one hint in the queue (see `AnyHintQueue`)."""
        try:
            told = {**self._told, **({"again": True} if again else {})}
            self._app.send_task(self._task, args=(window, sample_ids), kwargs=told, retry=False)
        except (KombuError, RedisError, OSError) as error:
            raise _unavailable("did not take a hint", error) from error

    def depth(self) -> int:
        """Give the number of hints that wait (see `AnyHintQueue`)."""
        try:
            with self._app.connection_for_read() as connection:
                return int(connection.default_channel.client.llen(self._queue))
        except (KombuError, RedisError, OSError) as error:
            raise _unavailable("does not say how many hints wait", error) from error

    def close(self) -> None:
        """Give the connections back."""
        self._app.close()


def _unavailable(what: str, error: Exception) -> QueueUnavailable:
    return QueueUnavailable(f"Redis {what} ({type(error).__name__})")
