"""Who is asking what just now: so that two workers never pay for the same question at the same moment."""

from typing import Protocol
from uuid import uuid4

from pydantic import SecretStr
from redis import Redis, RedisError

from monitor.errors import QueueUnavailable

SOCKET_TIMEOUT_S = 10.0


class AnyClaims(Protocol):
    """What `Claims` does."""

    def take(self, question: str, *, seconds: float) -> bool: ...  # noqa: D102
    def give_back(self, question: str) -> None: ...  # noqa: D102


class Claims:
    """One worker's claims, in Redis. Every call blocks; a claim ends by itself when its worker died.

    Redis may lose them; then at worst a question that is under way is paid a second time.
    """

    def __init__(self, url: SecretStr, *, name: str) -> None:
        """`name` tells installations apart that share a Redis (the ClickHouse database)."""
        self._redis = Redis.from_url(
            url.get_secret_value(), socket_timeout=SOCKET_TIMEOUT_S, socket_connect_timeout=SOCKET_TIMEOUT_S
        )
        self._root, self._me = f"alignment-monitor:asking:{name}:", uuid4().hex

    def take(self, question: str, *, seconds: float) -> bool:
        """Claim a question for so long; False = another one is asking it.

        Raises:
            QueueUnavailable: Redis is away: nothing may be asked.
        """
        try:
            return bool(self._redis.set(self._root + question, self._me, nx=True, px=round(seconds * 1000)))
        except RedisError as error:
            raise QueueUnavailable(
                f"Redis does not take claims of judges' questions ({type(error).__name__})"
            ) from error

    def give_back(self, question: str) -> None:
        """End a claim early; if Redis is away it ends by itself."""
        try:
            # A claim that ran out may be another worker's by now.
            if self._redis.get(self._root + question) == self._me.encode():
                self._redis.delete(self._root + question)
        except RedisError:
            return

    def close(self) -> None:
        """Close connections."""
        self._redis.close()
