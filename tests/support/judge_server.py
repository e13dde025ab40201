"""A scripted endpoint of judges: real HTTP, OpenAI's chat completions and Anthropic's messages on one port.

A script says what happens with each request: a list of steps in the order of arrival (the last one stays), or a
function of the request. In tests it runs in a thread of its own:

    with JudgeServer([failing(429, headers={"retry-after": "1"}), Step()]) as server:
        ...  # server.openai_url, server.anthropic_url, server.calls, server.most_in_flight

For the bench: `python -m tests.support.judge_server --latency-ms 500` prints `ready PORT` and serves until killed.
"""

import argparse
import asyncio
import json
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, Self, cast

HOST = "127.0.0.1"
MODEL = "scripted-1"
VERDICT = '{"reason": "it says no", "label": "refusal", "confidence": 0.9}'

Stop = Literal["end", "length", "refusal", "filter"]
Fault = Literal["", "hang", "reset", "cut", "cut-chunked", "drip", "leave"]
Provider = Literal["openai", "anthropic"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One request as it came."""

    path: str
    head: str
    """All header lines."""
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body, read."""
        return cast("dict[str, Any]", json.loads(self.body))

    @property
    def provider(self) -> Provider:
        """Which protocol the path belongs to."""
        return "anthropic" if self.path.endswith("/messages") else "openai"

    @property
    def text(self) -> str:
        """What stands in the user's part: the fenced transcript."""
        content = next(one["content"] for one in reversed(self.json["messages"]) if one["role"] == "user")
        return content if isinstance(content, str) else "".join(one.get("text", "") for one in content)


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What happens with one request."""

    text: str = VERDICT
    """What the judge says; wrapped in the protocol's envelope."""
    stop: Stop = "end"
    status: int = 200
    body: bytes | None = None
    """Sent as it is, instead of an envelope."""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    delay_s: float = 0.0
    """Before the first byte of the answer."""
    fault: Fault = ""
    """`hang`: no answer. `reset`: the connection is reset. `cut`, `cut-chunked`: it closes half-way through the body.
    `drip`: the body comes a byte at a time, for ever. `leave`: the answer is whole, then the connection closes."""
    usage: tuple[int, int, int] = (100, 20, 40)
    """Tokens of input, of output, and of input that was cached."""


def failing(
    status: int, code: str = "", message: str = "no", *, param: str = "", headers: dict[str, str] | None = None
) -> Step:
    """Give an error as both protocols write it (each reads the fields that it knows)."""
    error = {"message": message, "type": code or "error", "param": param or None, "code": code or None}
    body = json.dumps({"type": "error", "error": error}).encode()
    return Step(status=status, body=body, headers=tuple((headers or {}).items()))


Script = Sequence[Step] | Callable[[Request], Step]


def _openai(step: Step, *, logprobs: bool) -> dict[str, Any]:
    refused = step.stop == "refusal"
    given, written, cached = step.usage
    reason = {"length": "length", "filter": "content_filter"}.get(step.stop, "stop")
    message = {
        "role": "assistant",
        "content": None if refused else step.text,
        "refusal": step.text if refused else None,
    }
    tokens: list[dict[str, Any]] = [
        {"token": one, "logprob": -0.125, "bytes": None, "top_logprobs": []} for one in step.text.split(" ")
    ]
    choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": reason, "logprobs": None}
    if logprobs:
        choice["logprobs"] = {"content": tokens, "refusal": None}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_800_000_000,
        "model": MODEL,
        "choices": [choice],
        "usage": {
            "prompt_tokens": given,
            "completion_tokens": written,
            "total_tokens": given + written,
            "prompt_tokens_details": {"cached_tokens": cached},
        },
    }


def _anthropic(step: Step, *, tool: str) -> dict[str, Any]:
    given, written, cached = step.usage
    content: dict[str, Any] = {"type": "text", "text": step.text}
    if tool and step.stop != "refusal":
        try:
            content = {"type": "tool_use", "id": "toolu_1", "name": tool, "input": json.loads(step.text)}
        except ValueError:
            content = {"type": "text", "text": step.text}
    reason = {"length": "max_tokens", "refusal": "refusal", "filter": "refusal"}.get(step.stop)
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": [content],
        "stop_reason": reason or ("tool_use" if content["type"] == "tool_use" else "end_turn"),
        "stop_sequence": None,
        "usage": {
            "input_tokens": given - cached,
            "output_tokens": written,
            "cache_read_input_tokens": cached,
            "cache_creation_input_tokens": 0,
        },
    }


@lru_cache(maxsize=256)
def _body(step: Step, provider: Provider, tool: str, *, logprobs: bool) -> bytes:
    if step.body is not None:
        return step.body
    made = _anthropic(step, tool=tool) if provider == "anthropic" else _openai(step, logprobs=logprobs)
    return json.dumps(made).encode()


@lru_cache(maxsize=256)
def _head(step: Step, length: int) -> bytes:
    lines = [f"HTTP/1.1 {step.status} -", f"content-type: {step.content_type}"]
    lines += [f"{name}: {value}" for name, value in step.headers]
    lines.append("transfer-encoding: chunked" if step.fault == "cut-chunked" else f"content-length: {length}")
    return "\r\n".join([*lines, "", ""]).encode()


class _Connection(asyncio.Protocol):
    """One connection: one request at a time, kept alive."""

    def __init__(self, server: "JudgeServer") -> None:
        self._server = server
        self._buffer = b""
        self._later: asyncio.TimerHandle | None = None
        self._busy = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._server.connections += 1
        self._server.open_now += 1

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._server.open_now -= 1
        if self._later:
            self._later.cancel()
        if self._busy:
            self._server.abandoned += 1
            self._done()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].decode("latin-1")
        length = int(found[1]) if (found := re.search(r"(?i)\r\ncontent-length: *(\d+)", head)) else 0
        if len(self._buffer) < end + 4 + length:
            return
        body, self._buffer = self._buffer[end + 4 : end + 4 + length], self._buffer[end + 4 + length :]
        self._busy = True
        request = Request(path=head.split(" ", 2)[1], head=head, body=body)
        step = self._server.take(request)
        if step.fault == "hang":
            return
        self._later = asyncio.get_running_loop().call_later(step.delay_s, self._answer, request, step)

    def _answer(self, request: Request, step: Step) -> None:
        if step.fault == "reset":
            self._done()
            made: socket.socket = self._transport.get_extra_info("socket")
            made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
            return
        # Read only where it matters: most requests of a bench are never parsed.
        tool = request.json["tool_choice"]["name"] if b'"tool_choice"' in request.body else ""
        body = _body(step, request.provider, tool, logprobs=b'"logprobs":true' in request.body)
        if step.fault == "drip":
            self._transport.write(_head(step, 1 << 30))
            self._drip()
            return
        half = body[: len(body) // 2]
        if step.fault == "cut":
            self._transport.write(_head(step, len(body)) + half)
        elif step.fault == "cut-chunked":
            self._transport.write(_head(step, 0) + b"%x\r\n%s\r\n" % (len(half), half))
        else:
            self._transport.write(_head(step, len(body)) + body)
        self._done()
        if step.fault:
            self._transport.close()

    def _drip(self) -> None:
        self._transport.write(b" ")
        self._later = asyncio.get_running_loop().call_later(0.02, self._drip)

    def _done(self) -> None:
        self._busy = False
        self._server.in_flight -= 1


@dataclass(kw_only=True)
class _Counts:
    calls: list[Request] = field(default_factory=list)
    """Whole requests, in order of arrival."""
    count: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    connections: int = 0
    open_now: int = 0
    """Connections that are open."""
    abandoned: int = 0
    """Requests whose connection went away before their answer was sent whole."""


class JudgeServer(_Counts):
    """The endpoint in a thread of its own; read its counts while it runs or after."""

    def __init__(
        self, script: Script = (Step(),), *, port: int = 0, keep: bool = True, tls: ssl.SSLContext | None = None
    ) -> None:
        """Listen on `port` (0 = a free one) from entering the context on; `keep` = keep all requests in `calls`."""
        super().__init__()
        self.script, self.port, self._keep, self._tls = script, port, keep, tls
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()
        self._stop = asyncio.Event()

    @property
    def openai_url(self) -> str:
        """What `base_url` is set to."""
        return f"{self.anthropic_url}/v1"

    @property
    def anthropic_url(self) -> str:
        """What `base_url` is set to; the client itself adds `/v1`."""
        return f"http{'s' if self._tls else ''}://{HOST}:{self.port}"

    def take(self, request: Request) -> Step:
        """Count a request and say what happens with it."""
        number, self.count = self.count, self.count + 1
        if self._keep:
            self.calls.append(request)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        script = self.script
        return script(request) if callable(script) else script[min(number, len(script) - 1)]

    async def serve(self) -> None:
        """Serve on the running loop until it is told to stop."""
        made = await asyncio.get_running_loop().create_server(
            lambda: _Connection(self), HOST, self.port, backlog=1024, ssl=self._tls
        )
        self.port = made.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        made.close()
        # One more turn, so that closed sockets are gone before the loop is.
        await asyncio.sleep(0)

    def __enter__(self) -> Self:
        """Listen."""
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the scripted endpoint did not start")
        return self

    def __exit__(self, *_: object) -> None:
        """Stop and wait for the thread."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._loop.close()

    def _run(self) -> None:
        self._loop.run_until_complete(self.serve())


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description="A scripted endpoint of judges.")
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    server = JudgeServer([Step(delay_s=options.latency_ms / 1000)], port=options.port, keep=False)
    with server:
        print(f"ready {server.port}", flush=True)  # noqa: T201 - whoever starts it waits for this line
        threading.Event().wait()


if __name__ == "__main__":
    main()
