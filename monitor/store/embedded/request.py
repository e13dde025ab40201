"""One HTTP request as ClickHouse reads it: credentials, settings, parameters, and a body that streams."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO
from urllib.parse import parse_qsl

from monitor.store.embedded.bodies import Reader
from monitor.store.embedded.errors import ClickHouseError

# Parameters of the HTTP interface itself; every other one is a setting of the query.
_RESERVED = frozenset(
    {
        "query",
        "compress",
        "decompress",
        "user",
        "password",
        "quota_key",
        "query_id",
        "stacktrace",
        "role",
        "buffer_size",
        "wait_end_of_query",
        "session_id",
        "session_timeout",
        "session_check",
        "client_protocol_version",
        "close_session",
        "database",
        "default_format",
        "",
    }
)
_EXTERNAL_SUFFIXES = ("_format", "_types", "_structure")
MAX_FORM_BYTES = 256 << 20
"""A multipart form is held in memory; larger data belongs into an INSERT."""


class ClientGoneError(ConnectionError):
    """The client closed the connection inside its request."""


class Body:
    """The request's body as it arrives: by Content-Length or in chunks. `read` blocks on the client."""

    def __init__(self, source: BinaryIO, *, length: int | None, chunked: bool) -> None:
        self._source = source
        self._chunked = chunked
        self._left = 0 if chunked else (length or 0)
        self._done = not chunked and not self._left

    def read(self, size: int, /) -> bytes:
        """Give up to `size` bytes, none at the end. Raises ClientGoneError when the body stops short."""
        if self._done:
            return b""
        if self._chunked and not self._left and not self._next_chunk():
            return b""
        data = self._source.read(min(size, self._left))
        if not data:
            self._done = True
            raise ClientGoneError("the client closed the connection inside the request body")
        self._left -= len(data)
        if not self._left:
            if self._chunked:
                self._source.readline(8)
            else:
                self._done = True
        return data

    def _next_chunk(self) -> bool:
        line = self._source.readline(1024)
        if not line:
            self._done = True
            raise ClientGoneError("the client closed the connection inside the request body")
        try:
            self._left = int(line.split(b";")[0].strip(), 16)
        except ValueError:
            self._done = True
            raise ClickHouseError(1000, "POCO_EXCEPTION", "Malformed chunk in the request body", status=400) from None
        if self._left:
            return True
        while self._source.readline(65536).strip():
            pass  # trailers
        self._done = True
        return False

    def drain(self, limit: int) -> bool:
        """Read and forget what the client still sends; False when that is more than `limit`."""
        while not self._done and limit > 0:
            limit -= len(self.read(1 << 16))
        return self._done


@dataclass(frozen=True, kw_only=True, slots=True)
class ExternalTable:
    """A table that came with the request, as a file of a multipart form."""

    name: str
    structure: str
    format: str
    data: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A query: `params` are HTTP's own, `settings` go to the engine, `binds` fill `{name:Type}`."""

    method: str
    params: Mapping[str, str]
    settings: Mapping[str, str]
    binds: Mapping[str, str]
    query: bytes
    body: Reader
    headers: Mapping[str, str]
    tables: tuple[ExternalTable, ...] = field(default=())

    def flag(self, name: str) -> bool:
        """Read a switch that is a parameter or a setting; absent is off."""
        value = self.params.get(name, self.settings.get(name, "0"))
        return value.strip().lower() in ("1", "true", "yes", "on")

    @property
    def credentials(self) -> tuple[str, str]:
        """User and password, from the headers, basic authorization or the URL."""
        user = self.headers.get("x-clickhouse-user")
        key = self.headers.get("x-clickhouse-key")
        if user is not None or key is not None:
            return user or "default", key or ""
        scheme, _, given = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                name, _, word = base64.b64decode(given, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                return "", ""
            return name or "default", word
        return self.params.get("user", "default"), self.params.get("password", "")

    @property
    def has_credentials(self) -> bool:
        """Tell whether the client named itself at all."""
        return bool(
            {"x-clickhouse-user", "x-clickhouse-key", "authorization"} & self.headers.keys()
            or {"user", "password"} & self.params.keys()
        )


def build(*, method: str, query_string: str, headers: Mapping[str, str], body: Reader) -> Request:
    """Sort a request's parts. `headers` have names in small letters; `body` is already decoded.

    Raises:
        ClickHouseError: a multipart form that cannot be read.
    """
    pairs = parse_qsl(query_string, keep_blank_values=True, errors="surrogateescape", max_num_fields=10_000)
    content_type = headers.get("content-type", "")
    files: list[tuple[str, bytes]] = []
    external = content_type.lower().startswith("multipart/form-data")
    if external:
        fields, files = _multipart(content_type, body)
        pairs += fields
    params: dict[str, str] = {}
    settings: dict[str, str] = {}
    binds: dict[str, str] = {}
    query = ""
    for name, value in pairs:
        if name == "query":
            query += value
        elif name in _RESERVED or (external and name.endswith(_EXTERNAL_SUFFIXES)):
            params[name] = value
        elif name.startswith("param_"):
            binds[name.removeprefix("param_")] = value
        else:
            settings[name] = value
    return Request(
        method=method,
        params=params,
        settings=settings,
        binds=binds,
        query=query.encode("utf-8", "surrogateescape"),
        body=body,
        headers=headers,
        tables=tuple(_external(name, data, params) for name, data in files),
    )


def _external(name: str, data: bytes, params: Mapping[str, str]) -> ExternalTable:
    structure = params.get(f"{name}_structure", "")
    if not structure:
        types = params.get(f"{name}_types", "")
        if not types:
            raise ClickHouseError(36, "BAD_ARGUMENTS", f"Neither {name}_structure nor {name}_types came with the table")
        structure = ", ".join(f"_{number} {one}" for number, one in enumerate(_split_types(types), start=1))
    return ExternalTable(name=name, structure=structure, format=params.get(f"{name}_format", "TabSeparated"), data=data)


def _split_types(types: str) -> list[str]:
    parts = [""]
    depth = 0
    for char in types:
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return parts


_DISPOSITION = re.compile(rb'(?:^|;)\s*(name|filename)="([^"]*)"', re.IGNORECASE)


def _multipart(content_type: str, body: Reader) -> tuple[list[tuple[str, str]], list[tuple[str, bytes]]]:
    boundary = re.search(r'boundary="?([^";]+)"?', content_type, re.IGNORECASE)
    if boundary is None:
        raise ClickHouseError(36, "BAD_ARGUMENTS", "The multipart form names no boundary")
    raw = bytearray()
    while piece := body.read(1 << 20):
        raw += piece
        if len(raw) > MAX_FORM_BYTES:
            raise ClickHouseError(36, "BAD_ARGUMENTS", f"The multipart form is larger than {MAX_FORM_BYTES} bytes")
    fields: list[tuple[str, str]] = []
    files: list[tuple[str, bytes]] = []
    for part in (b"\r\n" + bytes(raw)).split(b"\r\n--" + boundary.group(1).encode())[1:-1]:
        head, _, data = part.lstrip(b"\r\n").partition(b"\r\n\r\n")
        names: dict[bytes, bytes] = {}
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-disposition:"):
                names = {key.lower(): value for key, value in _DISPOSITION.findall(line.split(b":", 1)[1])}
        name = names.get(b"name", b"").decode("utf-8", "surrogateescape")
        if b"filename" in names:
            files.append((name, data))
        else:
            fields.append((name, data.decode("utf-8", "surrogateescape")))
    return fields, files
