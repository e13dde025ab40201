"""What the HTTP layer knows of ClickHouse's output formats."""

from __future__ import annotations

# chDB encodes each block of a stream as if it were a whole result. Only where results may stand one behind
# the other is the stream the result; a JSON document, Arrow, Parquet or a header line would come repeatedly.
_STREAMABLE = frozenset(
    {
        "native",
        "tabseparated",
        "tsv",
        "tabseparatedraw",
        "tsvraw",
        "raw",
        "csv",
        "jsoneachrow",
        "jsonlines",
        "ndjson",
        "jsonstringseachrow",
        "jsoncompacteachrow",
        "jsoncompactstringseachrow",
        "rowbinary",
        "lineasstring",
    }
)

_TSV = "text/tab-separated-values; charset=UTF-8"
_JSON = "application/json; charset=UTF-8"


def is_streamable(name: str) -> bool:
    """Tell whether blocks in this format, one behind the other, are the whole result in this format."""
    return name.lower() in _STREAMABLE


def content_type(name: str) -> str:
    """Give the Content-Type that ClickHouse sends for a format."""
    lower = name.lower()
    if lower.startswith(("tabseparated", "tsv")):
        return _TSV
    if lower.startswith("csv"):
        return f"text/csv; charset=UTF-8; header={'present' if 'withnames' in lower else 'absent'}"
    if lower in ("ndjson", "jsonlines") or (lower.startswith("json") and "eachrow" in lower):
        return "application/x-ndjson; charset=UTF-8"
    if lower.startswith("json"):
        return _JSON
    if lower == "xml":
        return "application/xml; charset=UTF-8"
    if (
        lower in ("native", "parquet", "arrow", "arrowstream", "orc", "avro", "msgpack", "protobuf")
        or "rowbinary" in lower
    ):
        return "application/octet-stream"
    return "text/plain; charset=UTF-8"
