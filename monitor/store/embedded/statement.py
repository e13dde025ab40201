"""What the HTTP layer must know of a statement before the engine runs it: its verb, format and inline data.

ClickHouse parses the statement itself; here only its outline is read, by a scan over tokens that knows
strings, quoted names and comments. Whatever the scan cannot place is left to the engine to judge.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from monitor.store.embedded.errors import ClickHouseError

_TOKEN = re.compile(
    rb"""
      (?P<space>\s+|--[^\n]*(?:\n|$)|\#[!\ ][^\n]*(?:\n|$)|/\*.*?\*/)
    | (?P<string>'(?:[^'\\]|\\.|'')*+'|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
    | (?P<quoted>"(?:[^"\\]|\\.|"")*+"|`(?:[^`\\]|\\.|``)*+`)
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<number>\d[\w.]*)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT = re.compile(rb"--|#|/\*")
_TAIL_FORMAT = re.compile(rb"\bFORMAT\s+([A-Za-z][A-Za-z0-9_]*)\s*;?\s*\Z", re.IGNORECASE)
# Table functions and engines by which a statement reaches files or code of the machine that serves.
_FILE_FUNCTIONS = frozenset(
    b"FILE FILECLUSTER FILESYSTEM EXECUTABLE EXECUTABLEPOOL SQLITE PYTHON "
    b"ICEBERGLOCAL DELTALAKELOCAL PAIMONLOCAL".split()
)
_FILE_ACCESS = re.compile(
    rb"\b(?:" + b"|".join(sorted(_FILE_FUNCTIONS)) + rb"|OUTFILE)\b|file:|[`\"'][/.~]", re.IGNORECASE
)
_BEFORE_TABLE = frozenset({b"FROM", b"JOIN", b"INTO", b"TABLE"})
_PATH = re.compile(rb"""[`"'](?:/|\.\.?/|~/)""")
_QUERY_VERBS = frozenset({"SELECT", "WITH", "FROM", "("})
# A statement of these verbs has a result even when it holds no rows.
_RESULT_VERBS = _QUERY_VERBS | {"SHOW", "DESCRIBE", "DESC", "EXISTS", "EXPLAIN", "CHECK", "KILL"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """One token: its kind (string, quoted, word, number, other), text, offset and depth of parentheses."""

    kind: str
    text: bytes
    start: int
    end: int
    depth: int

    @property
    def upper(self) -> bytes:
        """The text in capitals, to compare keywords."""
        return self.text.upper()


def tokens(sql: bytes, start: int = 0) -> Iterator[Token]:
    """Yield the tokens of a statement; space and comments are left out."""
    depth = 0
    for match in _TOKEN.finditer(sql, start):
        kind = match.lastgroup or "other"
        if kind == "space":
            continue
        text = match.group()
        if text in (b")", b"]", b"}"):
            depth -= 1
        yield Token(
            kind="string" if kind == "tag" else kind,
            text=text,
            start=match.start(),
            end=match.end(),
            depth=depth,
        )
        if text in (b"(", b"[", b"{"):
            depth += 1


def verb(sql: bytes) -> str:
    """Give the first word in capitals (`SELECT`), `(` for a statement in parentheses, or an empty text."""
    first = next(tokens(sql), None)
    if first is None or (first.kind != "word" and first.text != b"("):
        return ""
    return first.upper.decode()


def is_query(verb_: str) -> bool:
    """Tell whether the verb starts a query whose rows chDB can stream."""
    return verb_ in _QUERY_VERBS


def has_result(verb_: str) -> bool:
    """Tell whether the verb answers with rows, be it none."""
    return verb_ in _RESULT_VERBS


@dataclass(frozen=True, kw_only=True, slots=True)
class FormatClause:
    """A FORMAT clause: the format's name and where the clause starts."""

    name: str
    start: int


def output_format(sql: bytes) -> FormatClause | None:
    """Find the FORMAT clause of a query; None when it has none."""
    tail = _TAIL_FORMAT.search(sql)
    if tail is not None and _COMMENT.search(sql) is None:
        return FormatClause(name=tail.group(1).decode(), start=tail.start())
    found: FormatClause | None = None
    before: Token | None = None
    for token in tokens(sql):
        if token.depth == 0 and token.kind == "word" and before is not None and before.upper == b"FORMAT":
            found = FormatClause(name=token.text.decode(), start=before.start)
        before = token if token.kind == "word" and token.depth == 0 else None
    # `FORMAT` right after another word that makes it a name (SELECT format FROM t) is no clause.
    return found if found is not None and found.name.upper() not in {"FROM", "AS", "WHERE", "ORDER"} else None


@dataclass(frozen=True, kw_only=True, slots=True)
class InsertOutline:
    """An INSERT statement that carries data: its parts, the data's format, and where the data begins."""

    head: bytes
    """The statement up to its clauses: INSERT INTO t (a, b)."""
    settings: bytes
    """Its SETTINGS clause, or nothing."""
    format: str
    data_start: int
    explicit: bool = True
    """The format is named (FORMAT or VALUES), so the statement is known to end where it seems to."""


def insert_outline(sql: bytes, default_format: str = "Values") -> InsertOutline | None:
    """Split an INSERT into statement and data; None when the rows come from a SELECT.

    `sql` may be cut short inside the data, never inside the statement. The data of FORMAT begins after the
    first line break behind the format's name, or else after the blanks there, as ClickHouse has it.

    Raises:
        ClickHouseError: 78 for FROM INFILE, which would read the server's own files, 48 for input().
    """
    scan = tokens(sql)
    selects = False
    end = 0
    settings_start: int | None = None

    def outline(stop: int, format_: str, data_start: int, *, explicit: bool = True) -> InsertOutline:
        middle = stop if settings_start is None else settings_start
        return InsertOutline(
            head=sql[:middle],
            settings=sql[middle:stop],
            format=format_,
            data_start=data_start,
            explicit=explicit,
        )

    for keyword, token in _insert_clauses(scan):
        end = token.end
        if keyword in (b"SELECT", b"WITH"):
            selects = True
        elif keyword == b"SETTINGS" and not selects:
            settings_start = token.start
        elif keyword == b"VALUES" and not selects:
            return outline(token.start, "Values", token.end)
        elif keyword == b"FORMAT" and not selects:
            name = next(scan, None)
            if name is None or name.kind != "word":
                break
            return outline(token.start, name.text.decode(), _after_format(sql, name.end))
    return None if selects else outline(end, default_format, end, explicit=False)


def _insert_clauses(scan: Iterator[Token]) -> Iterator[tuple[bytes, Token]]:
    """Yield each token of an INSERT with its keyword, which is empty where it is a name or a value."""
    previous = b"INSERT"
    target = True
    for token in scan:
        word = token.upper if token.kind == "word" and previous != b"." else b""
        if target and word in (b"INSERT", b"INTO", b"TABLE", b"FUNCTION"):
            continue
        if word == b"INFILE" and previous.upper() == b"FROM":
            message = "Query has infile and was send directly to server"
            raise ClickHouseError(78, "UNKNOWN_TYPE_OF_QUERY", message)
        if word == b"INPUT" and previous.upper() == b"FROM":
            message = "INSERT ... SELECT ... FROM input() is not spoken by the embedded server"
            raise ClickHouseError(48, "NOT_IMPLEMENTED", message)
        # Whatever comes first is the table's name, be it called `values`.
        opens_select = word in (b"SELECT", b"WITH") and token.depth == 1 and previous == b"("
        yield (word if not target and (token.depth == 0 or opens_select) else b""), token
        target = False
        previous = token.text


def _after_format(sql: bytes, start: int) -> int:
    while sql[start : start + 1] in (b" ", b"\t", b"\f"):
        start += 1
    if sql[start : start + 1] == b"\r":
        start += 1
    if sql[start : start + 1] == b"\n":
        start += 1
    return start


def forbid_files(sql: bytes) -> None:
    """Refuse statements that read or write files of this machine: the engine alone would run them.

    Raises:
        ClickHouseError: 358 for INTO OUTFILE, 291 for the table functions and engines over files.
    """
    if _FILE_ACCESS.search(sql) is None:
        return
    before = earlier = b""
    for token in tokens(sql):
        if token.upper == b"OUTFILE" and before == b"INTO":
            raise ClickHouseError(358, "INTO_OUTFILE_NOT_ALLOWED", "INTO OUTFILE is not allowed")
        # A table may be called `file`: INSERT INTO file (a), CREATE TABLE file (a Int8).
        calls = token.text == b"(" and before in _FILE_FUNCTIONS and earlier not in (b"INTO", b"TABLE", b".")
        by_url = before == b"(" and earlier == b"URL" and token.text[1:6].lower() == b"file:"
        # chDB's default database takes a path for a table's name.
        names = _BEFORE_TABLE if token.kind == "string" else _BEFORE_TABLE | {b",", b"."}
        by_name = before in names and _PATH.match(token.text) is not None
        if calls or by_url or by_name:
            raise ClickHouseError(
                291,
                "DATABASE_ACCESS_DENIED",
                "The statement would reach files of the machine that serves the database, which the embedded "
                "server refuses. Send the data in the request instead",
            )
        earlier, before = before, token.upper if token.kind in ("word", "other") else b""


def with_outfile(sql: bytes, path: str, output_format_: str) -> bytes:
    """Let a query write its result to a file, in the format of its FORMAT clause or else the one given."""
    literal = path.replace("\\", "\\\\").replace("'", "\\'")
    target = f"\nINTO OUTFILE '{literal}' TRUNCATE\n".encode()
    clause = output_format(sql)
    if clause is not None:
        return sql[: clause.start] + target + sql[clause.start :]
    end = 0
    for token in tokens(sql):
        if token.text != b";":
            end = token.end
    return sql[:end] + target + b"FORMAT " + output_format_.encode()
