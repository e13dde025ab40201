"""The contract that ClickHouse's HTTP interface keeps with us, held by the embedded server and a real one."""

import gzip
import http.client
import json
import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import lz4.frame
import psutil
import pytest
import zstandard
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError
from clickhouse_connect.driver.external import ExternalData

if TYPE_CHECKING:
    from tests.contract.conftest import Server, StartEmbedded

CODE = "X-ClickHouse-Exception-Code"
ROWS = "a Int64, s String"


def send(
    server: "Server",
    query: str = "",
    body: bytes | Iterator[bytes] = b"",
    method: str = "POST",
    **options: Any,
) -> tuple[int, dict[str, str], bytes]:
    """Send one plain HTTP request; options are URL parameters and, as `headers`, headers."""
    headers = {"X-ClickHouse-User": server.user, "X-ClickHouse-Key": server.password} | options.pop("headers", {})
    parameters = urlencode(({"query": query} if query else {}) | options)
    connection = http.client.HTTPConnection(server.host, server.port, timeout=60)
    try:
        connection.request(
            method, f"/?{parameters}", body=body, headers=headers, encode_chunked=not isinstance(body, bytes)
        )
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def refused(action: Callable[[], object]) -> DatabaseError:
    """Run what must be refused and give the client's exception."""
    with pytest.raises(DatabaseError) as caught:
        action()
    return caught.value


def table(client: Client, name: str = "t", columns: str = ROWS, engine: str = "MergeTree ORDER BY a") -> str:
    """Make a table and give its name."""
    client.command(f"CREATE TABLE {name} ({columns}) ENGINE = {engine}")
    return name


def first(client: Client, query: str, **options: Any) -> tuple[Any, ...]:
    """Give a query's first row."""
    row = client.query(query, **options).first_row
    assert row is not None
    return tuple(row)


def value(client: Client, query: str, **options: Any) -> Any:
    """Give the first value of a query's first row."""
    return first(client, query, **options)[0]


def count(client: Client, name: str = "t") -> int:
    """Count a table's rows."""
    return int(value(client, f"SELECT count() FROM {name}"))


# Reaching it


def test_ping_answers_ok(server: "Server") -> None:
    connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
    for path in ("/ping", "/"):
        connection.request("GET", path)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"Ok.\n")
    connection.request("HEAD", "/ping")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"")
    connection.close()


def test_the_client_connects_and_learns_version_and_zone(client: Client) -> None:
    assert client.ping()
    assert str(client.server_version).split(".")[0].isdigit()
    assert client.command("SELECT timezone()") == "UTC"


def test_many_requests_share_one_connection(server: "Server") -> None:
    connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
    sockets = set()
    for number in range(5):
        headers = {"X-ClickHouse-User": server.user, "X-ClickHouse-Key": server.password}
        connection.request("POST", "/", body=f"SELECT {number}", headers=headers)
        assert connection.getresponse().read() == f"{number}\n".encode()
        sockets.add(connection.sock)
    connection.close()
    assert len(sockets) == 1


def test_the_response_names_query_format_zone_and_what_was_read(server: "Server") -> None:
    status, headers, body = send(server, "SELECT number FROM numbers(1000)", query_id="my-query", wait_end_of_query="1")
    assert status == 200
    assert body.endswith(b"999\n")
    assert headers["X-ClickHouse-Query-Id"] == "my-query"
    assert headers["X-ClickHouse-Format"] == "TabSeparated"
    assert headers["X-ClickHouse-Timezone"] == "UTC"
    assert headers["X-ClickHouse-Server-Display-Name"]
    assert headers["Content-Type"].startswith("text/tab-separated-values")
    summary = json.loads(headers["X-ClickHouse-Summary"])
    assert (summary["read_rows"], summary["result_rows"]) == ("1000", "1000")


def test_a_web_page_cannot_send_statements(start_embedded: "StartEmbedded") -> None:
    server = start_embedded()
    for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
        status, _, body = send(server, "SELECT 1", headers=headers)
        assert (status, b"ACCESS_DENIED" in body) == (403, True)


def test_a_wrong_password_is_refused(start_embedded: "StartEmbedded") -> None:
    server = start_embedded(environment={"ALIGNMENT_MONITOR_EMBEDDED_PASSWORD": "right"})
    status, headers, body = send(server, "SELECT 1", headers={"X-ClickHouse-Key": "wrong"})
    assert (status, headers[CODE]) == (403, "516")
    assert b"Authentication failed" in body
    server.password = "right"
    assert send(server, "SELECT 1")[2] == b"1\n"
    with server.connect() as client:
        assert client.command("SELECT 1") == 1


# Values there and back

VALUES: dict[str, list[Any]] = {
    "String": ["", "plain", "zero\0byte", "é ğ ş 漢字", "😀🏳️‍🌈", "tab\t line\n quote' \\"],
    "Int64": [-(2**63), 0, 2**63 - 1],
    "UInt64": [0, 2**64 - 1],
    "Int8": [-128, 127],
    "Float64": [math.inf, -math.inf, 0.1, 1e308, -0.0],
    "Nullable(String)": [None, "", "x"],
    "Nullable(Float64)": [None, 1.5],
    "Array(String)": [[], ["a", "b\0"]],
    "Array(Array(UInt8))": [[[1], []], []],
    "Map(String, UInt64)": [{}, {"k": 1, "ü": 2**64 - 1}],
    "Tuple(String, Int32)": [("a", 1)],
    "UUID": [uuid.UUID(int=0), uuid.uuid4()],
    "DateTime64(3, 'UTC')": [datetime(2100, 1, 2, 3, 4, 5, 678000), datetime(1970, 1, 1)],  # noqa: DTZ001
    "LowCardinality(String)": ["a", "b", "a", ""],
    "LowCardinality(Nullable(String))": [None, "a"],
    "FixedString(4)": [b"abcd", b"\0\1\2\3"],
    "Bool": [True, False],
    "Enum8('no' = 0, 'yes' = 1)": ["no", "yes"],
}


@pytest.mark.parametrize("type_", VALUES)
def test_values_come_back_as_they_went_in(client: Client, type_: str) -> None:
    values = VALUES[type_]
    table(client, columns=f"a UInt32, v {type_}")
    client.insert("t", list(enumerate(values)), column_names=["a", "v"])
    rows = client.query("SELECT v FROM t ORDER BY a").result_rows
    assert [row[0] for row in rows] == values


def test_nan_comes_back_as_nan(client: Client) -> None:
    table(client, columns="a Float64")
    client.insert("t", [[math.nan]], column_names=["a"])
    assert math.isnan(value(client, "SELECT a FROM t"))


def test_a_bitmap_fed_from_a_null_table_through_a_view_is_a_set_union(client: Client) -> None:
    table(client, "feed", "part UInt32, offset UInt64", "Null")
    table(
        client,
        "ledger",
        "part UInt32, offsets AggregateFunction(groupBitmap, UInt64)",
        "AggregatingMergeTree ORDER BY part",
    )
    client.command(
        "CREATE MATERIALIZED VIEW feed_to_ledger TO ledger AS "
        "SELECT part, groupBitmapState(offset) AS offsets FROM feed GROUP BY part"
    )
    for start in (0, 500, 500):
        client.insert("feed", [[7, offset] for offset in range(start, start + 1000)], column_names=["part", "offset"])
    answer = client.query("SELECT part, groupBitmapMerge(offsets) FROM ledger GROUP BY part").result_rows
    assert answer == [(7, 1500)]


# Parameters, settings, sessions


@pytest.mark.parametrize("form", [False, True], ids=["in the URL", "in a form"])
def test_parameters_are_bound_by_the_server(server: "Server", form: bool) -> None:
    given = {
        "n": 41,
        "s": "it's \\ a\ttab\n😀",
        "l": ["x'y", ""],
        "d": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    }
    with server.connect(form_encode_query_params=form) as client:
        row = first(
            client,
            "SELECT {n:Int64} + 1, {s:String}, {l:Array(String)}, toUnixTimestamp({d:DateTime('UTC')})",
            parameters=given,
        )
    assert row == (42, given["s"], given["l"], 1767323045)


def test_an_identifier_parameter_names_the_table_of_an_insert(server: "Server", client: Client) -> None:
    table(client)
    query = "INSERT INTO {name:Identifier} FORMAT JSONEachRow"
    body = b'{"a": 1, "s": "x"}'
    assert send(server, query, body, param_name="t", database=client.database)[0] == 200
    assert count(client) == 1


def test_a_setting_holds_for_its_request_only(server: "Server") -> None:
    with server.connect() as client:
        read = "SELECT getSetting('max_block_size')"
        before = value(client, read)
        assert value(client, read, settings={"max_block_size": 1234}) == 1234
        assert value(client, read) == before


def test_an_unknown_setting_is_error_115(client: Client) -> None:
    error = refused(lambda: client.query("SELECT 1", settings={"no_such_setting": 1}))
    assert (error.code, error.name) == (115, "UNKNOWN_SETTING")


def test_a_session_keeps_temporary_tables_and_settings_to_itself(server: "Server") -> None:
    with (
        server.connect(autogenerate_session_id=True) as one,
        server.connect(autogenerate_session_id=True) as other,
    ):
        one.command("CREATE TEMPORARY TABLE mine (a UInt8)")
        one.insert("mine", [[1], [2]], column_names=["a"])
        one.command("SET max_block_size = 4321")
        assert first(one, "SELECT sum(a), getSetting('max_block_size') FROM mine") == (3, 4321)
        assert value(one, "SELECT getSetting('max_block_size')", settings={"max_block_size": 5}) == 5
        assert value(one, "SELECT getSetting('max_block_size')") == 4321
        assert refused(lambda: other.query("SELECT * FROM mine")).code == 60
        assert value(other, "SELECT getSetting('max_block_size')") != 4321


def test_a_session_that_must_exist_and_does_not_is_error_372(server: "Server") -> None:
    status, headers, _ = send(server, "SELECT 1", session_id=uuid.uuid4().hex, session_check="1")
    assert (status, headers[CODE]) == (500, "372")


def test_a_get_request_changes_nothing(server: "Server") -> None:
    assert send(server, "SELECT 1", method="GET")[2] == b"1\n"
    status, headers, _ = send(server, "CREATE TABLE never (a UInt8) ENGINE = Memory", method="GET")
    assert (status, headers[CODE]) == (500, "164")


def test_external_data_can_be_joined(client: Client) -> None:
    data = ExternalData(file_name="ext", fmt="CSV", structure="a Int32, b String", data=b'1,"x"\n2,y\n')
    assert client.query("SELECT * FROM ext ORDER BY a", external_data=data).result_rows == [
        (1, "x"),
        (2, "y"),
    ]


# Inserts


@pytest.mark.parametrize("compress", ["lz4", "zstd", "gzip", False])
def test_inserts_and_results_travel_in_each_encoding(server: "Server", client: Client, compress: str | bool) -> None:
    table(client)
    rows = [[number, f"row {number} " + "x" * 50] for number in range(50_000)]
    with server.connect(database=client.database, compress=compress) as other:
        summary = other.insert("t", rows, column_names=["a", "s"])
        assert summary.written_rows == len(rows)
        back = other.query("SELECT a, s FROM t ORDER BY a").result_rows
    assert [list(row) for row in back] == rows


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "lz4": lz4.frame.compress,
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


@pytest.mark.parametrize("encoding", ENCODERS)
def test_a_body_may_hold_several_compressed_frames(server: "Server", client: Client, encoding: str) -> None:
    table(client)
    lines = [b'{"a": %d, "s": "%d"}\n' % (number, number) for number in range(10_000)]
    body = b"".join(ENCODERS[encoding](b"".join(lines[start : start + 1000])) for start in range(0, 10_000, 1000))
    query = "INSERT INTO t FORMAT JSONEachRow"
    status, _, _ = send(server, query, body, database=client.database, headers={"Content-Encoding": encoding})
    assert status == 200
    assert first(client, "SELECT count(), uniqExact(a), sum(a) FROM t") == (
        10_000,
        10_000,
        49_995_000,
    )


@pytest.mark.parametrize("encoding", ENCODERS)
def test_a_compressed_body_that_ends_early_inserts_nothing(server: "Server", client: Client, encoding: str) -> None:
    table(client)
    body = ENCODERS[encoding](
        b"".join(b'{"a": %d, "s": "%s"}\n' % (n, os.urandom(9).hex().encode()) for n in range(5000))
    )
    query = "INSERT INTO t FORMAT JSONEachRow"
    headers = {"Content-Encoding": encoding}
    status, _, _ = send(server, query, body[: len(body) // 2], database=client.database, headers=headers)
    assert status >= 400
    assert count(client) == 0


def test_a_body_may_come_in_chunks_with_the_statement_at_its_head(server: "Server", client: Client) -> None:
    table(client)
    pieces = iter([b"INSERT INTO t (a, s) FOR", b"MAT TSV\n1\tone\n", b"2\ttwo\n"])
    assert send(server, body=pieces, database=client.database)[0] == 200
    assert client.query("SELECT * FROM t ORDER BY a").result_rows == [(1, "one"), (2, "two")]


def test_rows_can_be_inserted_as_values_from_a_select_and_as_json(client: Client) -> None:
    table(client)
    client.command("INSERT INTO t (a, s) VALUES (1, 'it''s'), (2, concat('a', 'b'))")
    client.command("INSERT INTO t SELECT number + 10, toString(number) FROM numbers(3)")
    client.raw_insert("t", ["a", "s"], b'{"a": 3, "s": "j"}\n', fmt="JSONEachRow")
    assert value(client, "SELECT groupArray(s) FROM (SELECT s FROM t ORDER BY a)") == [
        "it's",
        "ab",
        "j",
        "0",
        "1",
        "2",
    ]


ENGINES = {
    "MergeTree": "MergeTree ORDER BY a",
    "ReplacingMergeTree": "ReplacingMergeTree ORDER BY a",
    "AggregatingMergeTree": "AggregatingMergeTree ORDER BY a",
}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_deduplication_token_makes_a_repeated_insert_harmless(client: Client, engine: str) -> None:
    table(client, engine=f"{ENGINES[engine]} SETTINGS non_replicated_deduplication_window = 100")

    def insert(token: str, value: str) -> None:
        client.insert(
            "t",
            [[1, value]],
            column_names=["a", "s"],
            settings={"insert_deduplication_token": token, "insert_deduplicate": 1, "async_insert": 0},
        )

    insert("one", "x")
    insert("one", "y")  # the token decides, not the content: I3 of the design
    assert client.query("SELECT s FROM t").result_rows == [("x",)]
    insert("two", "x")
    assert count(client) == 2


def test_without_a_window_or_a_token_repeated_inserts_stay(client: Client) -> None:
    table(client)
    table(client, "windowed", engine="MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100")
    for _ in range(2):
        client.insert("t", [[1, "x"]], column_names=["a", "s"], settings={"insert_deduplication_token": "one"})
    for value in ("x", "y"):
        client.insert("windowed", [[1, value]], column_names=["a", "s"])
    assert (count(client), count(client, "windowed")) == (2, 2)


def test_a_token_reaches_the_bitmap_behind_a_view(client: Client) -> None:
    table(client, "feed", "part UInt32, offset UInt64", "Null")
    table(
        client,
        "ledger",
        "part UInt32, seen SimpleAggregateFunction(sum, UInt64)",
        "AggregatingMergeTree ORDER BY part SETTINGS non_replicated_deduplication_window = 100",
    )
    client.command(
        "CREATE MATERIALIZED VIEW feed_to_ledger TO ledger AS SELECT part, count() AS seen FROM feed GROUP BY part"
    )
    for token in ("one", "one", "two"):
        client.insert(
            "feed",
            [[1, 1]],
            column_names=["part", "offset"],
            settings={
                "insert_deduplication_token": token,
                "deduplicate_blocks_in_dependent_materialized_views": 1,
            },
        )
    assert value(client, "SELECT sum(seen) FROM ledger") == 2


# Errors


@pytest.mark.parametrize(
    ("query", "code", "status"),
    [
        ("SELECT * FROM no_such_table", 60, 404),
        ("SELEC 1", 62, 400),
        ("SELECT no_such_column FROM numbers(1)", 47, 404),
        ("SELECT no_such_function(1)", 46, 404),
        ("SELECT 1 FORMAT NoSuchFormat", 73, 404),
        ("SELECT * FROM no_such_database.t", 81, 404),
        ("SELECT {missing:Int8}", 456, 500),
        ("SELECT groupArray(number) FROM numbers(100000000) SETTINGS max_memory_usage = 50000000", 241, 500),
        (
            "SELECT count() FROM numbers(1e12) WHERE sipHash64(number) = 1 SETTINGS max_execution_time = 0.2",
            159,
            408,
        ),
        ("INSERT INTO no_such_table VALUES (1)", 60, 404),
        ("SELECT 1; SELECT 2", 62, 400),
        ("SELECT 1 INTO OUTFILE '/tmp/never'", 358, 500),
    ],
)
def test_an_error_has_clickhouses_code_status_and_text(server: "Server", query: str, code: int, status: int) -> None:
    got, headers, body = send(server, body=query.encode())
    assert (int(headers[CODE]), got) == (code, status)
    assert body.startswith(f"Code: {code}. DB::Exception: ".encode())
    assert b"(version " in body


def test_the_client_raises_errors_with_their_codes(client: Client) -> None:
    assert refused(lambda: client.query("SELECT * FROM nowhere")).code == 60
    assert refused(lambda: client.command("SELEC 1")).code == 62
    assert refused(lambda: client.insert("nowhere", [[1]], column_names=["a"])).code in (60, None)


def test_an_insert_into_too_many_partitions_is_error_252(client: Client) -> None:
    table(client, engine="MergeTree PARTITION BY a ORDER BY a")
    error = refused(lambda: client.insert("t", [[n, ""] for n in range(101)], column_names=["a", "s"]))
    assert error.code == 252
    assert count(client) == 0


@pytest.mark.parametrize(
    ("columns", "code"),
    [("a Int64, CONSTRAINT small CHECK a < 5", 469), ("a Int64, b UInt8 MATERIALIZED throwIf(a = 5)", 395)],
    ids=["a constraint", "a computed column"],
)
@pytest.mark.parametrize("through_view", [False, True], ids=["in the table", "behind a view"])
@pytest.mark.parametrize("rows", [10, 200_000])
def test_what_fails_behind_the_parser_is_told(
    client: Client, columns: str, code: int, through_view: bool, rows: int
) -> None:
    table(client, columns=columns)
    target = "t"
    if through_view:
        target = table(client, "feed", "a Int64", "Null")
        client.command("CREATE MATERIALIZED VIEW feed_to_t TO t AS SELECT a FROM feed")
    error = refused(lambda: client.insert(target, [[number] for number in range(rows)], column_names=["a"]))
    assert error.code == code
    assert count(client) == 0


def test_damaged_native_data_is_an_error_and_inserts_nothing(server: "Server", client: Client) -> None:
    table(client)
    status, headers, _ = send(server, "INSERT INTO t FORMAT Native", b"no block at all", database=client.database)
    assert status >= 400
    assert headers[CODE]
    assert count(client) == 0


def test_an_unknown_encoding_is_refused_in_words(server: "Server") -> None:
    status, _, body = send(server, "SELECT 1", b"x", headers={"Content-Encoding": "nonsense"})
    assert status in (400, 501)
    assert b"Unknown compression method" in body


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # the client drops the connection that was broken
@pytest.mark.parametrize("compress", ["lz4", "zstd", "gzip", False])
def test_an_error_in_mid_stream_raises_instead_of_cutting_the_result_short(
    server: "Server", compress: str | bool
) -> None:
    query = "SELECT number, throwIf(number = 5000000) FROM numbers(10000000)"
    with (
        server.connect(compress=compress) as client,
        pytest.raises(StreamFailureError, match="throwIf"),
        client.query_rows_stream(query) as stream,
    ):
        for _ in stream:
            pass


# Results


def test_each_format_is_one_document(server: "Server") -> None:
    query = "SELECT number AS n FROM numbers(200000)"
    document = json.loads(send(server, f"{query} FORMAT JSON")[2])
    assert (document["rows"], len(document["data"])) == (200_000, 200_000)
    lines = send(server, query, default_format="CSVWithNames")[2].splitlines()
    assert (lines[0], len(lines), lines.count(b'"n"')) == (b'"n"', 200_001, 1)
    parquet = send(server, query, default_format="Parquet")[2]
    assert (parquet[:4], parquet[-4:]) == (b"PAR1", b"PAR1")


@pytest.mark.parametrize("format_", ["JSON", "Parquet", "CSVWithNames", "TSV"])
def test_a_result_that_fails_at_its_end_is_an_error_to_who_waits_for_it(server: "Server", format_: str) -> None:
    query = f"SELECT number, throwIf(number = 2999999) FROM numbers(3000000) FORMAT {format_}"
    status, headers, body = send(server, body=query.encode(), wait_end_of_query="1")
    assert (status, headers[CODE]) == (500, "395")
    assert body.startswith(b"Code: 395")


def test_arrow_and_data_frames_can_be_read(client: Client) -> None:
    assert client.query_arrow("SELECT number FROM numbers(100000)").num_rows == 100_000
    assert client.query_df("SELECT number, toString(number) AS s FROM numbers(1000)").shape == (1000, 2)


@pytest.mark.parametrize("type_", VALUES)
def test_clients_of_a_newer_protocol_revision_get_its_native_blocks(
    server: "Server", client: Client, type_: str
) -> None:
    table(client, columns=f"a UInt32, v {type_}, w Array({type_}) DEFAULT [v, v]")
    client.insert("t", list(enumerate(VALUES[type_])), column_names=["a", "v"])
    query = "SELECT * FROM t ORDER BY a FORMAT Native"
    plain = send(server, query, database=client.database)[2]
    newer = send(server, query, database=client.database, client_protocol_version="54460")[2]
    info, columns = b"\1\0\2\xff\xff\xff\xff\0", plain[0]
    assert newer.startswith(info + plain[:2])
    assert len(newer) == len(info) + len(plain) + columns
    assert newer.endswith(plain[-4:])


def test_totals_come_behind_the_rows(server: "Server") -> None:
    query = "SELECT number % 2 AS k, count() FROM numbers(10) GROUP BY k WITH TOTALS ORDER BY k"
    assert send(server, query)[2] == b"0\t5\n1\t5\n\n0\t10\n"


def test_a_result_without_rows_still_has_its_format(client: Client, server: "Server") -> None:
    assert client.query("SELECT number FROM numbers(10) WHERE 0").result_rows == []
    assert client.query("SELECT number FROM numbers(10) LIMIT 0").column_names == ("number",)
    assert send(server, "SELECT 1 WHERE 0")[1]["X-ClickHouse-Format"] == "TabSeparated"


def test_statements_that_describe_answer_with_rows(client: Client) -> None:
    table(client)
    assert [row[0] for row in client.query("DESCRIBE TABLE t").result_rows] == ["a", "s"]
    assert client.query("SHOW TABLES").result_rows == [("t",)]
    assert client.command("EXISTS TABLE t") == 1
    assert "MergeTree" in str(client.command("SHOW CREATE TABLE t"))


def test_a_large_result_streams_in_bounded_memory(start_embedded: "StartEmbedded") -> None:
    server = start_embedded()
    process = psutil.Process(server.process.pid)
    send(server, "SELECT number FROM numbers(1000000)")
    before = highest = process.memory_info().rss
    connection = http.client.HTTPConnection(server.host, server.port, timeout=60)
    connection.request("POST", "/", body="SELECT number, repeat('x', 200) FROM numbers(4000000) FORMAT Native")
    answer = connection.getresponse()
    size = 0
    while piece := answer.read(1 << 20):
        size += len(piece)
        highest = max(highest, process.memory_info().rss)
    connection.close()
    assert size > 830_000_000
    assert highest - before < 250 << 20


def test_a_million_rows_arrive(client: Client) -> None:
    rows = 0
    with client.query_column_block_stream("SELECT number, toString(number) FROM numbers(1000000)") as stream:
        for block in stream:
            rows += len(block[0])
    assert rows == 1_000_000


# Many at once


def test_a_slow_query_does_not_hold_up_a_small_insert(server: "Server", client: Client) -> None:
    table(client)

    def slow() -> None:
        with server.connect() as other:
            other.query("SELECT sleepEachRow(0.1) FROM numbers(15)")

    thread = threading.Thread(target=slow)
    thread.start()
    time.sleep(0.3)
    started = time.monotonic()
    client.insert("t", [[1, "x"]], column_names=["a", "s"])
    took = time.monotonic() - started
    assert thread.is_alive()
    thread.join()
    assert took < 0.5


def test_readers_and_writers_work_at_once_and_lose_nothing(server: "Server", client: Client) -> None:
    table(client)
    failures: list[Exception] = []

    def write(writer: int) -> None:
        try:
            with server.connect(database=client.database) as other:
                for batch in range(10):
                    start = (writer * 10 + batch) * 1000
                    other.insert("t", [[n, "x"] for n in range(start, start + 1000)], column_names=["a", "s"])
        except Exception as error:  # noqa: BLE001 - shown by the assertion
            failures.append(error)

    def read() -> None:
        try:
            with server.connect(database=client.database) as other:
                seen = 0
                for _ in range(20):
                    now = count(other)
                    assert now >= seen
                    assert now % 1000 == 0  # an insert is seen whole or not at all
                    seen = now
        except Exception as error:  # noqa: BLE001 - shown by the assertion
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    threads += [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert first(client, "SELECT count(), uniqExact(a) FROM t") == (40_000, 40_000)


def test_an_insert_whose_client_goes_away_inserts_nothing_and_hurts_nobody(server: "Server", client: Client) -> None:
    table(client)
    with socket.create_connection((server.host, server.port)) as raw:
        query = f"INSERT INTO {client.database}.t FORMAT TSV"
        target = urlencode({"query": query, "user": server.user, "password": server.password})
        lines = [f"POST /?{target} HTTP/1.1", f"Host: {server.host}", "Content-Length: 1000000", "", ""]
        raw.sendall("\r\n".join(lines).encode() + b"1\tone\n" * 1000)
        time.sleep(0.2)
    time.sleep(0.3)
    assert count(client) == 0
    client.insert("t", [[1, "x"]], column_names=["a", "s"])
    assert count(client) == 1


def test_a_query_whose_client_goes_away_is_cancelled(start_embedded: "StartEmbedded") -> None:
    server = start_embedded()
    with socket.create_connection((server.host, server.port)) as raw:
        query = b"SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1"
        raw.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%b" % (len(query), query))
        time.sleep(0.3)
    with server.connect() as client:
        for _ in range(50):
            running = value(client, "SELECT count() FROM system.processes WHERE query LIKE '%sipHash64%'")
            if running == 1:  # this one
                return
            time.sleep(0.1)
    pytest.fail("the query still runs")


# Its life as a process


def test_data_is_there_after_a_restart(start_embedded: "StartEmbedded") -> None:
    server = start_embedded()
    with server.connect() as client:
        table(client, engine="MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100")
        client.insert("t", [[1, "x"]], column_names=["a", "s"], settings={"insert_deduplication_token": "one"})
    assert server.stop(signal.SIGTERM) == 0
    server = start_embedded()
    with server.connect() as client:
        client.insert("t", [[1, "x"]], column_names=["a", "s"], settings={"insert_deduplication_token": "one"})
        assert client.query("SELECT * FROM t").result_rows == [(1, "x")]
    assert server.stop(signal.SIGINT) == 0


def test_every_insert_that_was_answered_survives_a_kill(start_embedded: "StartEmbedded") -> None:
    server = start_embedded()
    answered: list[int] = []

    def write() -> None:
        with server.connect() as client:
            while True:
                client.insert("t", [[len(answered), "x"]], column_names=["a", "s"])
                answered.append(len(answered))

    def write_until_it_fails() -> None:
        try:
            write()
        except Exception:  # noqa: BLE001 - whichever error the kill causes
            return

    with server.connect() as client:
        table(client)
    thread = threading.Thread(target=write_until_it_fails)
    thread.start()
    while len(answered) < 50:
        time.sleep(0.01)
    server.stop(signal.SIGKILL)
    thread.join()
    server = start_embedded()
    with server.connect() as client:
        kept = {row[0] for row in client.query("SELECT a FROM t").result_rows}
    assert set(answered) <= kept


def test_a_running_request_is_finished_before_the_end(start_embedded: "StartEmbedded") -> None:
    server = start_embedded()
    answers: list[tuple[int, dict[str, str], bytes]] = []
    thread = threading.Thread(
        target=lambda: answers.append(send(server, "SELECT sum(sleepEachRow(0.1)) FROM numbers(10)"))
    )
    thread.start()
    time.sleep(0.4)
    assert server.stop(signal.SIGTERM) == 0
    thread.join()
    assert [(answer[0], answer[2]) for answer in answers] == [(200, b"0\n")]


def test_a_folder_in_use_is_said_in_one_line(start_embedded: "StartEmbedded") -> None:
    server = start_embedded()
    code, line = _start_in_vain("--path", str(server.folder), "--port", "0")
    assert code == 1
    assert str(server.folder) in line
    assert f"in use by process {server.process.pid}" in line
    assert "--path" in line


def test_a_port_that_is_taken_is_said_in_one_line(start_embedded: "StartEmbedded", tmp_path: Path) -> None:
    server = start_embedded()
    code, line = _start_in_vain("--path", str(tmp_path / "other"), "--port", str(server.port))
    assert code == 1
    assert f"port {server.port} on 127.0.0.1 is taken" in line
    assert "--port" in line


def _start_in_vain(*arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "monitor.store.embedded", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return done.returncode, lines[0]


def test_the_log_holds_no_statement_and_no_data(start_embedded: "StartEmbedded") -> None:
    server = start_embedded("--verbose")
    send(server, "SELECT 'secret-in-a-query'")
    send(server, "SELECT 'secret-in-an-error' FROM nowhere")
    server.stop()
    log = server.log.read_text()
    assert "POST SELECT 200" in log
    assert "code 60" in log
    assert "secret" not in log
