"""ClickHouse errors as its HTTP interface shows them: a code, a name, a status and one line of text."""

from __future__ import annotations

import re

# Which status ClickHouse answers for a code (its exceptionCodeToHTTPStatus); every other code is 500.
_STATUS: dict[int, int] = {
    **dict.fromkeys((6, 8, 15, 25, 26, 27, 36, 37, 38, 41, 44, 53, 62, 72, 117, 123, 167, 168, 223), 400),
    **dict.fromkeys((321, 376, 427, 441, 675, 676), 400),
    194: 401,
    **dict.fromkeys((192, 193, 497, 512, 516), 403),
    **dict.fromkeys((46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511), 404),
    159: 408,
    381: 411,
    229: 413,
    779: 415,
    48: 501,
    **dict.fromkeys((76, 209, 439), 503),
}

_HEAD = re.compile(r"Code: (\d+)\. DB::Exception: ")
_NAME = re.compile(r"\(([A-Z][A-Z0-9_]+)\)\s*$")
# The data of an insert reaches the engine as a file, which is no news for the client.
_SPOOL = re.compile(r":? ?\(in file/uri /proc/self/fd/\d+\)")
_VERSION = re.compile(r"\s*\(version [^)]*\)\.?\s*$")


class ClickHouseError(Exception):
    """A failed request: what the client gets as code, status and text. The text holds no stack trace."""

    def __init__(self, code: int, name: str, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.name = name
        self.message = message
        self.status = status if status is not None else _STATUS.get(code, 500)

    def text(self, version: str) -> str:
        """Give the response body: `Code: 60. DB::Exception: ... (UNKNOWN_TABLE) (version 26.9.2.1)`."""
        return f"Code: {self.code}. DB::Exception: {self.message} ({self.name}) (version {version})"

    @classmethod
    def from_engine(cls, error: BaseException) -> ClickHouseError:
        """Read chDB's exception text; an error that carries no code becomes STD_EXCEPTION (1001)."""
        # chDB quotes the statement in its messages; one that is not UTF-8 fails to decode there.
        raw = error.object.decode("utf-8", "replace") if isinstance(error, UnicodeDecodeError) else str(error)
        text = raw.strip()
        head = _HEAD.search(text)
        if head is None:
            return cls(1001, "STD_EXCEPTION", text or type(error).__name__)
        code = int(head.group(1))
        text = text[head.end() :]
        # An error inside SETTINGS comes wrapped in itself: keep the inner one.
        while (inner := _HEAD.match(text)) is not None:
            text = text[inner.end() :]
            text = re.sub(r"\s*\(version [^)]*\)\.\s*\([A-Z0-9_]+\)\s*$", "", text)
        text = _SPOOL.sub("", _VERSION.sub("", text))
        name = _NAME.search(text)
        if name is None:
            return cls(code, "UNKNOWN_EXCEPTION", text)
        return cls(code, name.group(1), text[: name.start()].rstrip())
