"""One HTTP exchange with an endpoint, through the vendor's own client: the answer's JSON, or what went wrong.

What matters for the bill is how far it came: before the answer's first line nothing was read and the same request may
be sent again; after a good first line the answer counts as paid, and is never asked for again, whole or not.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol

# Of the extra `judge`: the client under both vendors' own, on aiohttp.
import httpx2

MAX_BYTES = 4 << 20
"""Of an answer: more is not a verdict."""
MAX_PACKED_BYTES = 256 << 10
"""Of a compressed answer, which unpacks to a thousand times as much at worst."""

Json = dict[str, Any]


class Client(Protocol):
    """What AsyncOpenAI and AsyncAnthropic share."""

    async def post(self, path: str, *, cast_to: type[httpx2.Response], body: object) -> httpx2.Response:
        """Send and give the response; raises for any other status than 2xx."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


class NoAnswer(Exception):  # noqa: N818 - not an error of ours: caught in this package
    """Nothing was read; the text names what happened, not whom it was about."""

    def __init__(self, what: str, *, sent: bool = True) -> None:
        """`sent` is false where there was no connection to send anything on."""
        super().__init__(what)
        self.sent = sent


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """An answer that is no 2xx. Its fields but `status` are the endpoint's own words: not for logs as they are."""

    status: int
    code: str = ""
    """The provider's error code, or its type where it has no code."""
    param: str = ""
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Progress:
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


_progress: ContextVar[_Progress] = ContextVar("progress")


class _Bounded(httpx2.AsyncByteStream):
    """A body that ends in an error when it is too long."""

    def __init__(self, inner: httpx2.AsyncByteStream, limit: int) -> None:
        self._inner, self._left = inner, limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._inner:
            self._left -= len(piece)
            if self._left < 0:
                raise httpx2.ReadError("the answer is too long")
            yield piece

    async def aclose(self) -> None:
        await self._inner.aclose()


async def _begun(response: httpx2.Response) -> None:
    """Note that the head of an answer is there, and bound its body."""
    progress = _progress.get()
    progress.status, progress.headers = response.status_code, response.headers
    if isinstance(response.stream, httpx2.AsyncByteStream):
        packed = response.headers.get("content-encoding", "identity") != "identity"
        response.stream = _Bounded(response.stream, MAX_PACKED_BYTES if packed else MAX_BYTES)


def http_options(concurrency: int, timeout_s: float) -> dict[str, Any]:
    """Give what the client under a vendor's is made with. Redirects are not followed: one could carry the key off."""
    return {
        "limits": httpx2.Limits(max_connections=concurrency, max_keepalive_connections=concurrency),
        "timeout": httpx2.Timeout(timeout_s, connect=min(timeout_s, 10.0)),
        "follow_redirects": False,
        "event_hooks": {"response": [_begun]},
    }


async def exchange(client: Client, path: str, body: Json, *, timeout_s: float) -> Json | Refusal | None:
    """Send once, and give the answer's JSON object, or the refusal, or None for a paid answer that cannot be read.

    Raises:
        NoAnswer: no connection, or no first line of an answer in time.
    """
    progress = _Progress()
    _progress.set(progress)
    problem, sent = "", True
    try:
        # The client's own limits are for each read: an answer that drips would never end.
        async with asyncio.timeout(timeout_s):
            response = await client.post(path, cast_to=httpx2.Response, body=body)
            return _object(response.content)
    except TimeoutError:
        problem = f"no answer in {timeout_s:g} s"
    except Exception as error:  # noqa: BLE001 - whatever fails under two vendors' clients and aiohttp
        if (status := getattr(error, "status_code", None)) and progress.status:
            return _refusal(status, getattr(error, "body", None), progress.headers)
        # The name of the first cause: OpenAI's client calls every error of a connection a timeout.
        problem, sent = f"no answer ({_root(error)})", not _unconnected(error)
    if progress.status is None:
        raise NoAnswer(problem, sent=sent)
    return None if httpx2.codes.is_success(progress.status) else _refusal(progress.status, None, progress.headers)


def _unconnected(error: BaseException | None) -> bool:
    while error and not isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        error = error.__cause__
    return error is not None


def _root(error: BaseException) -> str:
    """Name the first cause by its type: its text can hold an address with a password."""
    while error.__cause__:
        error = error.__cause__
    return type(error).__name__


def _object(content: bytes) -> Json | Refusal | None:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    error = found.get("error")
    if isinstance(error, dict) and type(error.get("code")) is int and 400 <= error["code"] < 600:
        # Gateways that have sent their first line before they know (OpenRouter) say it in the body.
        return _refusal(error["code"], found, {})
    return found


def _refusal(status: int, body: object, headers: Mapping[str, str]) -> Refusal:
    inner = body.get("error", body) if isinstance(body, dict) else None
    told = inner if isinstance(inner, dict) else {}
    code = told.get("code") if isinstance(told.get("code"), str) else told.get("type")
    return Refusal(
        status=status,
        code=code if isinstance(code, str) else "",
        param=told["param"] if isinstance(told.get("param"), str) else "",
        message=told["message"][:2_000] if isinstance(told.get("message"), str) else "",
        headers=headers,
    )
