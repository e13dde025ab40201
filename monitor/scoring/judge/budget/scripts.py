"""The steps of the budget as Redis runs them: one script a step, each atomic, all over the same two keys."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from monitor.errors import QueueUnavailable

STEPS = ("reserve", "sent", "settle", "release", "begin", "open", "caps", "state")
TIMEOUT_S = 2.0


@cache
def source(step: str) -> str:
    """Give a step's script with what all of them begin with."""
    folder = files("monitor.scoring.judge.budget")
    return "".join(folder.joinpath(f"{name}.lua").read_text("utf-8") for name in ("common", step))


class Scripts:
    """A connection to Redis that runs the steps; may be shared between threads, each call blocks for `TIMEOUT_S`."""

    def __init__(self, url: str, root: str) -> None:
        """Take the address and the name of the hash; connect with the first call."""
        # Every step can be run twice with one outcome, so a connection that had died is tried again once.
        self._client: Any = redis.Redis.from_url(
            url,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 1),
            decode_responses=True,
        )
        self._root = root
        self._steps = {step: self._client.register_script(source(step)) for step in STEPS}

    def run(self, step: str, arguments: Mapping[str, Any]) -> Any:
        """Run a step.

        Raises:
            QueueUnavailable: Redis did not say that it ran; whether it did cannot be told.
        """
        try:
            return self._steps[step](keys=[self._root], args=[json.dumps(arguments)])
        except (redis.RedisError, OSError) as error:
            raise _unavailable(error) from error

    def forget(self, fields: list[str]) -> None:
        """Delete fields of the hash.

        Raises:
            QueueUnavailable: as above.
        """
        try:
            self._client.hdel(self._root, *fields)
        except (redis.RedisError, OSError) as error:
            raise _unavailable(error) from error

    def unlock(self) -> None:
        """Give the right to open back, so that the next who asks need not wait.

        Raises:
            QueueUnavailable: as above.
        """
        try:
            self._client.delete(f"{self._root}:lock")
        except (redis.RedisError, OSError) as error:
            raise _unavailable(error) from error

    def close(self) -> None:
        """Close connections."""
        self._client.close()


def _unavailable(error: Exception) -> QueueUnavailable:
    # Not its message: it can hold the address with its password.
    return QueueUnavailable(
        f"the judges' budget cannot be asked: Redis does not answer as it should ({type(error).__name__}); "
        "no paid call is made until it does (alignment-monitor doctor)"
    )
