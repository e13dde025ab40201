"""A ClickHouse that misbehaves on the wire: what waiting helps for is waited for, and rows are blamed for rows only."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from monitor.config import ClickHouseSettings
from monitor.errors import StoreRejected, StoreUnavailable
from monitor.store.client import Store
from monitor.store.sql import blocks
from tests.contract.conftest import Server
from tests.support.proxy import Action, HttpFaults, Mode, TcpProxy

ROW: list[list[Any]] = [[0], ["id"], ["{}"], [0]]
TABLE = "policies"


@pytest.fixture
def settings(server: Server) -> Iterator[ClickHouseSettings]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    made = ClickHouseSettings(
        host=server.host,
        port=server.port,
        username=server.user,
        password=SecretStr(server.password),
        database=name,
        timeout_s=1.0,
    )
    with Store.connect(made, database="default") as setup:
        setup.create_database(name)
    with Store.connect(made) as setup:
        setup.run(blocks("schema.sql")[TABLE])
    yield made
    with server.connect() as client:
        client.command(f"DROP DATABASE {name} SYNC")


@pytest.fixture
def wire(server: Server) -> Iterator[HttpFaults]:
    with HttpFaults(server.port) as proxy:
        yield proxy


@pytest.fixture
def store(settings: ClickHouseSettings, wire: HttpFaults) -> Iterator[Store]:
    with Store.connect(settings.model_copy(update={"host": "127.0.0.1", "port": wire.port})) as opened:
        yield opened


def stored(store: Store) -> int:
    return len(store.query("policies"))


@pytest.mark.parametrize(
    "code",
    [
        60,  # UNKNOWN_TABLE
        74,  # CANNOT_READ_FROM_FILE_DESCRIPTOR: the disk
        173,  # CANNOT_ALLOCATE_MEMORY
        201,  # QUOTA_EXCEEDED
        241,  # MEMORY_LIMIT_EXCEEDED
        242,  # TABLE_IS_READ_ONLY
        243,  # NOT_ENOUGH_SPACE
        285,  # TOO_FEW_LIVE_REPLICAS
        497,  # ACCESS_DENIED: a right was taken away
        499,  # S3_ERROR
        1001,  # STD_EXCEPTION
    ],
)
def test_an_error_of_the_server_is_waited_out_and_the_rows_are_not_blamed(
    store: Store, wire: HttpFaults, code: int
) -> None:
    fault = wire.add("answer", TABLE, code=code)
    with pytest.raises(StoreUnavailable, match=str(code)):
        store.insert(TABLE, ROW)
    assert fault.hits == 1
    wire.lift()
    store.insert(TABLE, ROW)
    assert stored(store) == 1


@pytest.mark.parametrize("code", [27, 53, 252])
def test_an_error_about_the_rows_is_told_with_its_code(store: Store, wire: HttpFaults, code: int) -> None:
    wire.add("answer", TABLE, code=code)
    with pytest.raises(StoreRejected) as error:
        store.insert(TABLE, ROW)
    assert error.value.code == code


@pytest.mark.parametrize("status", [200, 302, 401, 403, 404, 413, 429, 500, 502, 503, 504])
def test_a_gateway_that_answers_in_clickhouses_place_has_neither_stored_nor_refused_anything(
    store: Store, wire: HttpFaults, status: int
) -> None:
    wire.add("answer", TABLE, status=status)
    with pytest.raises(StoreUnavailable):
        store.insert(TABLE, ROW)
    wire.lift()
    assert stored(store) == 0


def test_a_reset_before_and_after_the_work_is_done_leaves_the_row_there_once(store: Store, wire: HttpFaults) -> None:
    """The library sends an insert again after a reset, and so do we: the token makes them one (I3)."""
    actions: tuple[Action, ...] = ("reset", "reset_after")
    for action in actions:
        fault = wire.add(action, TABLE)
        with pytest.raises(StoreUnavailable):
            store.insert(TABLE, ROW)
        assert fault.hits
        wire.lift()
        store.insert(TABLE, ROW)
        assert stored(store) == 1


def test_a_server_that_hangs_is_given_up_after_the_timeout_and_may_still_do_the_work(
    store: Store, wire: HttpFaults
) -> None:
    fault = wire.add("hang", TABLE)
    with pytest.raises(StoreUnavailable, match="does not answer"):
        store.insert(TABLE, ROW)
    assert fault.hits == 1
    wire.lift()
    store.insert(TABLE, ROW)
    assert stored(store) == 1


@pytest.mark.parametrize("mode", ["hang", "refuse"])
def test_a_server_that_cannot_be_reached_comes_back_on_the_same_connection(
    settings: ClickHouseSettings, server: Server, mode: Mode
) -> None:
    with (
        TcpProxy(server.port) as wire,
        Store.connect(settings.model_copy(update={"host": "127.0.0.1", "port": wire.port})) as store,
    ):
        assert stored(store) == 0
        wire.mode = mode
        with pytest.raises(StoreUnavailable):
            store.insert(TABLE, ROW)
        with pytest.raises(StoreUnavailable):
            store.query("policies")
        wire.mode = "pass"
        store.insert(TABLE, ROW)
        assert stored(store) == 1
