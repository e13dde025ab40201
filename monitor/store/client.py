"""The one way into ClickHouse: named queries, inserts with a content token, errors by what the caller does."""

import hashlib
import logging
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Self

import clickhouse_connect
from clickhouse_connect.driver import options
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import (
    ClickHouseError,
    DatabaseError,
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
)
from clickhouse_connect.driver.transform import NativeTransform
from urllib3.exceptions import HTTPError

from monitor.config import ClickHouseSettings
from monitor.errors import MonitorError, StoreRejected, StoreUnavailable
from monitor.store.rows import TABLES
from monitor.store.sql import blocks

# Its errors are translated below; what it logs beside them can quote rows.
logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)

Row = dict[str, Any]
_STATUS = re.compile(r"HTTP status \d{3}")

RETRYABLE_CODES = frozenset(
    {
        159,  # TIMEOUT_EXCEEDED
        164,  # READONLY
        202,  # TOO_MANY_SIMULTANEOUS_QUERIES
        203,  # NO_FREE_CONNECTION
        209,  # SOCKET_TIMEOUT
        210,  # NETWORK_ERROR
        241,  # MEMORY_LIMIT_EXCEEDED
        242,  # TABLE_IS_READ_ONLY
        243,  # NOT_ENOUGH_SPACE
        319,  # UNKNOWN_STATUS_OF_INSERT
        394,  # QUERY_WAS_CANCELLED
        425,  # SYSTEM_ERROR
        516,  # AUTHENTICATION_FAILED: a person must act, but no row is at fault
        60,  # UNKNOWN_TABLE: not migrated yet
        81,  # UNKNOWN_DATABASE: not migrated yet
        999,  # KEEPER_EXCEPTION
    }
)
"""Errors that can pass by themselves or by what a person does to the server."""

ROW_CODES = frozenset(
    {
        6,  # CANNOT_PARSE_TEXT
        7,  # INCORRECT_NUMBER_OF_COLUMNS
        9,  # SIZES_OF_COLUMNS_DOESNT_MATCH
        20,  # NUMBER_OF_COLUMNS_DOESNT_MATCH
        25,  # CANNOT_PARSE_ESCAPE_SEQUENCE
        26,  # CANNOT_PARSE_QUOTED_STRING
        27,  # CANNOT_PARSE_INPUT_ASSERTION_FAILED
        32,  # ATTEMPT_TO_READ_AFTER_EOF
        33,  # CANNOT_READ_ALL_DATA
        36,  # BAD_ARGUMENTS
        38,  # CANNOT_PARSE_DATE
        41,  # CANNOT_PARSE_DATETIME
        43,  # ILLEGAL_TYPE_OF_ARGUMENT
        44,  # ILLEGAL_COLUMN
        53,  # TYPE_MISMATCH
        69,  # ARGUMENT_OUT_OF_BOUND
        70,  # CANNOT_CONVERT_TYPE
        72,  # CANNOT_PARSE_NUMBER
        117,  # INCORRECT_DATA
        128,  # TOO_LARGE_ARRAY_SIZE
        130,  # CANNOT_READ_ARRAY_FROM_TEXT
        131,  # TOO_LARGE_STRING_SIZE
        158,  # TOO_MANY_ROWS
        190,  # SIZES_OF_ARRAYS_DONT_MATCH
        252,  # TOO_MANY_PARTS: more than 100 partitions in one insert, or too many parts to merge
        307,  # TOO_MANY_BYTES
        321,  # VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
        349,  # CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
        376,  # CANNOT_PARSE_UUID
        396,  # TOO_MANY_ROWS_OR_BYTES
        407,  # DECIMAL_OVERFLOW
        467,  # CANNOT_PARSE_BOOL
        469,  # VIOLATED_CONSTRAINT
    }
)
"""Errors that rows can be at fault for. Of an insert all others are waited out: what is wrong with the server, or not
known to us, must never bury rows that nothing is wrong with."""

INSERT_SETTINGS: Mapping[str, Any] = {
    # The default may be 1, and then an insert is acknowledged before it is durable.
    "async_insert": 0,
    "insert_deduplicate": 1,
    "wait_end_of_query": 1,
    # With the token the block must stay one block.
    "max_insert_block_size": 10_000_000,
}


def spare_data_frames() -> None:
    """Keep this process from ever loading pandas and pyarrow: for workers, called before their first insert.

    clickhouse-connect looks for data frames in what it is given, and imports both to do so: a second of waiting and
    80 MB a process. We never hand it any; a test holds this against its next versions.
    """
    options.pd = options.pd_time_test = options.arrow = None


class Store:
    """A connection to ClickHouse; not shared between threads.

    Every call blocks, at most for the settings' timeouts, and raises `StoreUnavailable` when waiting can help and
    `StoreRejected` when it cannot.
    """

    def __init__(self, client: Client) -> None:
        """Wrap a client whose database is ours."""
        self._client = client

    @classmethod
    def connect(cls, settings: ClickHouseSettings, *, database: str | None = None) -> Self:
        """Open a connection.

        Raises:
            StoreUnavailable: ClickHouse does not answer at the address in the settings.
        """
        try:
            client = clickhouse_connect.get_client(
                host=settings.host,
                port=settings.port,
                secure=settings.secure,
                username=settings.username,
                password=settings.password.get_secret_value(),
                database=database or settings.database,
                connect_timeout=settings.connect_timeout_s,
                send_receive_timeout=settings.timeout_s,
                autogenerate_session_id=False,
                query_retries=0,
                compress="lz4",
                client_name="alignment-monitor",
            )
        except (ClickHouseError, HTTPError, OSError) as error:
            raise _translated(error, f"connecting to {settings.host}:{settings.port}") from error
        return cls(client)

    def __enter__(self) -> Self:
        """Close on leaving."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def run(self, statement: str) -> None:
        """Run one statement that returns nothing, for migrations."""
        try:
            self._client.command(statement)
        except (ClickHouseError, HTTPError, OSError) as error:
            raise _translated(error, "running a migration") from error

    def create_database(self, name: str) -> None:
        """Create our database if it is not there."""
        try:
            self._client.command("CREATE DATABASE IF NOT EXISTS {name:Identifier}", parameters={"name": name})
        except (ClickHouseError, HTTPError, OSError) as error:
            raise _translated(error, f"creating the database {name}") from error

    def query(self, name: str, **parameters: Any) -> list[Row]:
        """Run the block `name` of queries.sql and give its rows as dicts."""
        try:
            result = self._client.query(blocks("queries.sql")[name], parameters=parameters)
        except (ClickHouseError, HTTPError, OSError) as error:
            raise _translated(error, f"query {name}") from error
        return list(result.named_results())

    def columns(self, name: str, **parameters: Any) -> dict[str, Sequence[Any]]:
        """Run the block `name` of queries.sql and give its columns: for many rows."""
        try:
            result = self._client.query(blocks("queries.sql")[name], parameters=parameters, column_oriented=True)
        except (ClickHouseError, HTTPError, OSError) as error:
            raise _translated(error, f"query {name}") from error
        # A Native result without rows has no block, and so no column names either.
        found: dict[str, Sequence[Any]] = defaultdict(list)
        found.update(zip(result.column_names, result.result_columns or [], strict=bool(result.result_columns)))
        return found

    def insert(self, table: str, columns: Sequence[Sequence[Any]]) -> None:
        """Insert rows, given as columns in the order of `TABLES[table]`; durable when this returns.

        The token is the sha256 of the bytes that are sent, which name the table and hold every value (I3): the same
        rows sent again are dropped by the engine, and other rows never are.
        """
        if not columns or not len(columns[0]):
            return
        body = self._encoded(table, columns)
        settings = {**INSERT_SETTINGS, "insert_deduplication_token": hashlib.sha256(body).hexdigest()}
        try:
            answer = self._client.raw_insert(
                None,  # type: ignore[arg-type] # the body begins with the statement
                None,
                body,
                settings=settings,
                fmt="Native",
                compression=self._client.write_compression,
            )
        except (ClickHouseError, HTTPError, OSError) as error:
            raise _translated(error, f"inserting into {table}", blame=ROW_CODES) from error
        if not answer.query_id():
            # A gateway's page with status 200 is no receipt.
            raise StoreUnavailable(f"inserting into {table}: something that is not ClickHouse answered")

    def _encoded(self, table: str, columns: Sequence[Sequence[Any]]) -> bytes:
        """Write the insert as it goes over the wire; the types come from schema.sql, so no table is described."""
        names, types = TABLES[table]
        unfit: list[Exception] = []
        try:
            context = self._client.create_insert_context(
                table, names, column_type_names=types, column_oriented=True, data=columns
            )
            context.compression = self._client.write_compression
            body = b"".join(NativeTransform.build_insert(context, unfit.append))
        except ClickHouseError as error:
            raise _translated(error, f"inserting into {table}") from error
        if unfit:
            raise StoreRejected(f"inserting into {table}: a value does not fit ({type(unfit[0]).__name__})") from unfit[
                0
            ]
        return body


def _translated(error: Exception, doing: str, *, blame: frozenset[int] | None = None) -> MonitorError:
    # Not the server's whole message: it can quote rows.
    code = getattr(error, "code", None)
    if isinstance(error, (HTTPError, OSError, InterfaceError)) or (
        isinstance(error, OperationalError) and code is None
    ):
        return StoreUnavailable(f"{doing}: ClickHouse does not answer ({type(error).__name__})")
    if code is None and type(error) is DatabaseError:
        status = _STATUS.search(str(error))
        return StoreUnavailable(
            f"{doing}: something that is not ClickHouse answered{f' ({status[0]})' if status else ''}"
        )
    if isinstance(code, int) and (code in RETRYABLE_CODES or (blame is not None and code not in blame)):
        return StoreUnavailable(f"{doing}: ClickHouse answered with error {code} ({_name(error)})")
    if isinstance(error, (ProgrammingError, InternalError)) and code is None:
        # The client library found fault with our call, not the server with a row: a bug must never bury rows.
        return StoreUnavailable(f"{doing}: the client library refused ({type(error).__name__})")
    return StoreRejected(f"{doing}: ClickHouse refused with error {code} ({_name(error)})", code=code)


def _name(error: Exception) -> str:
    name = getattr(error, "name", None)
    return str(name) if name else type(error).__name__
