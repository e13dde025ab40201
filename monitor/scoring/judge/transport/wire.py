"""One HTTP exchange with an endpoint: the answer's JSON, or what went wrong.

What matters for the bill is how far it came: before the answer's first line nothing was read and the same request may
be sent again; after a good first line the answer counts as paid, and is never asked for again, whole or not.
"""

import asyncio
import json
import zlib
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

# Of the extra `judge`.
import aiohttp

from monitor.scoring.judge.transport.address import Address, trusted

MAX_BYTES = 4 << 20
"""Of an answer, packed and unpacked: more is not a verdict."""
CONNECT_S = 10.0
"""At most, for name, connection and TLS."""
GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS

Json = dict[str, Any]


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


class Client:
    """Connections to one address, at most `concurrency`; belongs to the event loop of its first call.

    Nothing but what it is given says where it connects: no proxy of the environment, no cookie, no redirect, which
    could carry the key off. Certificates are checked; see `address.trusted`.
    """

    def __init__(self, address: Address, *, concurrency: int, timeout_s: float) -> None:
        self._address, self._concurrency, self._timeout_s = address, concurrency, timeout_s
        self._made: aiohttp.ClientSession | None = None

    def post(self, body: bytes) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Begin one request; entering what is given sends it and gives the head of the answer."""
        if self._made is None:
            self._made = self._session()
        return self._made.post(self._address.url, data=body, allow_redirects=False)

    async def close(self) -> None:
        """Close connections."""
        if self._made is not None:
            await self._made.close()

    def _session(self) -> aiohttp.ClientSession:
        secure = self._address.url.scheme == "https"
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._concurrency, ssl=trusted() if secure else True),
            # One limit for the whole exchange is in `exchange`: those for each read never end an answer that drips.
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=min(self._timeout_s, CONNECT_S)),
            headers={
                "Content-Type": "application/json",
                "Accept": "application/json",
                # A verdict is short: packing it costs both sides more than it saves.
                "Accept-Encoding": "identity",
                "User-Agent": "alignment-monitor",
                **self._address.headers,
            },
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )


async def exchange(client: Client, body: bytes, *, timeout_s: float) -> Json | Refusal | None:
    """Send once, and give the answer's JSON object, or the refusal, or None for a paid answer that cannot be read.

    Raises:
        NoAnswer: no connection, or no first line of an answer in time.
    """
    head: aiohttp.ClientResponse | None = None
    content, problem, sent = None, "", True
    try:
        async with asyncio.timeout(timeout_s), client.post(body) as head:
            content = await _content(head)
    # The name of the first cause alone: texts of errors can hold addresses and headers.
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        problem, sent = f"no connection ({_root(error)})", False
    except TimeoutError:
        problem = f"no answer in {timeout_s:g} s"
    except Exception as error:  # noqa: BLE001 - whatever a hostile answer makes of the client
        problem = f"no answer ({_root(error)})"
    if head is None:
        raise NoAnswer(problem, sent=sent)
    if not 200 <= head.status < 300:
        return _refusal(head.status, _json(content), head.headers)
    return _answer(_json(content))


async def _content(head: aiohttp.ClientResponse) -> bytes:
    """Read the body.

    Raises:
        ValueError: it is too long.
        zlib.error: it is not packed as it says.
    """
    pieces, left = [], MAX_BYTES
    async for piece in head.content.iter_any():
        left -= len(piece)
        if left < 0:
            raise ValueError("the answer is too long")
        pieces.append(piece)
    body = b"".join(pieces)
    if head.headers.get("content-encoding", "identity").lower() not in {"gzip", "x-gzip", "deflate"}:
        return body
    # Unpacked up to the limit and no further: it could be a thousand times as much.
    packed = zlib.decompressobj(GZIP_OR_ZLIB)
    body = packed.decompress(body, MAX_BYTES)
    if not packed.eof:
        raise ValueError("the answer is too long, or cut")
    return body


def _root(error: BaseException) -> str:
    while error.__cause__:
        error = error.__cause__
    return type(error).__name__


def _json(content: bytes | None) -> Json | None:
    try:
        found = json.loads(content) if content else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _answer(found: Json | None) -> Json | Refusal | None:
    error = found.get("error") if found else None
    if isinstance(error, dict) and type(error.get("code")) is int and 400 <= error["code"] < 600:
        # Gateways that have sent their first line before they know (OpenRouter) say it in the body.
        return _refusal(error["code"], found, {})
    return found


def _refusal(status: int, body: Json | None, headers: Mapping[str, str]) -> Refusal:
    inner = body.get("error", body) if body else None
    told = inner if isinstance(inner, dict) else {}
    code = told.get("code") if isinstance(told.get("code"), str) else told.get("type")
    return Refusal(
        status=status,
        code=code if isinstance(code, str) else "",
        param=told["param"] if isinstance(told.get("param"), str) else "",
        message=told["message"][:2_000] if isinstance(told.get("message"), str) else "",
        headers=headers,
    )
