"""Native blocks as clients of newer protocol revisions read them.

chDB writes Native as of revision 0. A client that sends `client_protocol_version` (Grafana's plugin through
clickhouse-go) reads each block with a block info before it and, from 54454 on, a byte behind each column's type
that says whether its serialization is a special one. To place that byte, a block's columns must be measured.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from monitor.store.embedded.errors import ClickHouseError

CUSTOM_SERIALIZATION_REVISION = 54454
# Field 1 (no overflow rows) and field 2 (no bucket number), then the end of the fields.
_BLOCK_INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"
_KEYS_FOLLOW = 1 << 9

_WIDTHS = {
    **dict.fromkeys(("Int8", "UInt8", "Bool", "Enum8", "Nothing"), 1),
    **dict.fromkeys(("Int16", "UInt16", "Enum16", "Date", "BFloat16"), 2),
    **dict.fromkeys(("Int32", "UInt32", "Float32", "Date32", "DateTime", "Time", "IPv4"), 4),
    **dict.fromkeys(("Int64", "UInt64", "Float64", "DateTime64", "Time64"), 8),
    **dict.fromkeys(("Int128", "UInt128", "UUID", "IPv6", "Point"), 16),
    **dict.fromkeys(("Int256", "UInt256"), 32),
}
_NAME = re.compile(r"\s*(\w+)")
_ELEMENT_NAME = re.compile(r"\s*(?:`(?:[^`\\]|\\.)*`|\w+)\s+(?=\w)")


@dataclass(frozen=True, slots=True)
class _Type:
    name: str
    arguments: tuple[str, ...]

    @property
    def nested(self) -> tuple[_Type, ...]:
        if self.name == "SimpleAggregateFunction":
            return (_parse(self.arguments[1]),)
        if self.name in ("Array", "Nullable", "LowCardinality", "Map"):
            return tuple(_parse(argument) for argument in self.arguments)
        if self.name in ("Tuple", "Nested"):
            return tuple(_parse(_ELEMENT_NAME.sub("", argument, count=1)) for argument in self.arguments)
        return ()


def _parse(text: str) -> _Type:
    match = _NAME.match(text)
    if match is None:
        raise _unreadable(text)
    rest = text[match.end() :].strip()
    return _Type(match.group(1), tuple(_split(rest[1:-1])) if rest.startswith("(") else ())


def _split(text: str) -> list[str]:
    parts: list[str] = []
    depth = start = 0
    for match in re.finditer(r"'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|[(),]", text):
        sign = match.group()
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            parts.append(text[start : match.start()].strip())
            start = match.end()
    return [*parts, text[start:].strip()]


def _unreadable(text: str) -> ClickHouseError:
    return ClickHouseError(
        48,
        "NOT_IMPLEMENTED",
        f"The embedded server cannot send a column of type {text} in the Native format of this protocol revision: "
        "convert it in the query, for instance with toString()",
    )


def with_revision(data: bytes, revision: int) -> bytes:
    """Give blocks of revision 0 as a client of the revision reads them; older clients read them as they are.

    Raises:
        ClickHouseError: 48 for a column type that cannot be measured (AggregateFunction, JSON, Variant, Dynamic).
    """
    if revision < CUSTOM_SERIALIZATION_REVISION:
        return data
    out: list[bytes] = []
    measure = _Measure(data)
    while measure.at < len(data):
        start = measure.at
        columns = measure.number()
        rows = measure.number()
        out += [_BLOCK_INFO, data[start : measure.at]]
        for _ in range(columns):
            start = measure.at
            measure.skip(measure.number())
            type_end = measure.number() + measure.at
            type_ = _parse(data[measure.at : type_end].decode())
            out += [data[start:type_end], b"\0"]
            measure.at = type_end
            if rows:
                measure.prefixes(type_)
                measure.values(type_, rows)
            out.append(data[type_end : measure.at])
    if measure.at != len(data):
        raise _unreadable("unknown size")
    return b"".join(out)


class _Measure:
    """Walks over the values of a column to find where they end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def skip(self, size: int) -> None:
        self.at += size

    def number(self) -> int:
        value = shift = 0
        while True:
            byte = self._data[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    def _fixed(self) -> int:
        value = int.from_bytes(self._data[self.at : self.at + 8], "little")
        self.at += 8
        return value

    def prefixes(self, type_: _Type) -> None:
        """Skip what stands before all values of a column: the version of each dictionary."""
        if type_.name == "LowCardinality":
            self.skip(8)
            return
        for nested in type_.nested:
            self.prefixes(nested)

    def values(self, type_: _Type, rows: int) -> None:
        """Skip the values of so many rows."""
        name = type_.name
        if name in _WIDTHS:
            self.skip(rows * _WIDTHS[name])
        elif name == "String":
            self._strings(rows)
        elif name == "Nullable":
            self.skip(rows)
            self.values(type_.nested[0], rows)
        elif name in ("Array", "Map", "Nested"):
            self._arrays(type_, rows)
        elif name in ("Tuple", "SimpleAggregateFunction"):
            for nested in type_.nested:
                self.values(nested, rows)
            if not type_.nested:
                self.skip(rows)
        elif name == "LowCardinality":
            self._dictionary(type_.nested[0], rows)
        else:
            self.skip(rows * _width(type_))

    def _strings(self, rows: int) -> None:
        data, at = self._data, self.at
        for _ in range(rows):
            size = data[at]
            at += 1
            if size > 127:
                self.at = at - 1
                size = self.number()
                at = self.at
            at += size
        self.at = at

    def _arrays(self, type_: _Type, rows: int) -> None:
        if not rows:
            return
        self.skip(8 * (rows - 1))
        inner = self._fixed()
        for nested in type_.nested:
            self.values(nested, inner)

    def _dictionary(self, keys: _Type, rows: int) -> None:
        if not rows:
            return
        flags = self._fixed()
        if flags & _KEYS_FOLLOW:
            self.values(keys.nested[0] if keys.name == "Nullable" else keys, self._fixed())
        self.skip(self._fixed() << (flags & 255))


def _width(type_: _Type) -> int:
    if type_.name == "FixedString":
        return int(type_.arguments[0])
    if type_.name == "Decimal":
        digits = int(type_.arguments[0])
        return 4 if digits <= 9 else 8 if digits <= 18 else 16 if digits <= 38 else 32
    if type_.name.startswith("Interval"):
        return 8
    raise _unreadable(type_.name)
