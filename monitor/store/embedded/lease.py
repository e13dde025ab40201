"""A connection made ready for one request, and made clean again when it outlives the request."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from monitor.store.embedded.engine import SERVER_DEFAULTS, Engine, Session, quoted_name
from monitor.store.embedded.request import Request
from monitor.store.embedded.sessions import Sessions, parse_timeout
from monitor.store.embedded.spool import Spool
from monitor.store.embedded.statement import InsertOutline


def leaves_state(verb: str, sql: bytes) -> bool:
    """Tell whether a statement leaves something in its session: SET, USE, a temporary table."""
    return verb in ("SET", "USE") or (verb in ("CREATE", "REPLACE") and b"TEMPORARY" in sql[:200].upper())


def open_for(
    request: Request,
    engine: Engine,
    sessions: Sessions,
    stack: ExitStack,
    *,
    keeps: bool,
    mark: str | None,
    folder: Path,
) -> Session:
    """Give a connection with the request's database, external tables and settings.

    What must happen after the request is put on `stack`: closing the connection or, in a session that goes
    on, setting everything back, since a request's settings never reach another.

    Raises:
        ClickHouseError: 81 unknown database, 115 unknown setting, 372 and 373 for sessions.
    """
    session_id = request.params.get("session_id")
    if session_id:
        key = f"{request.credentials[0]}\0{session_id}"
        if request.flag("close_session"):
            stack.callback(sessions.forget, key)
        session, lives_on = stack.enter_context(
            sessions.open(
                key,
                timeout_s=parse_timeout(request.params.get("session_timeout")),
                must_exist=request.flag("session_check"),
                keeps=keeps,
            )
        )
    else:
        session, lives_on = engine.session(), False
        stack.callback(session.close)
    settings = _settings(request, mark)
    if lives_on:
        stack.callback(session.restore, session.snapshot(settings))
    _use_database(request, session, stack, lives_on=lives_on)
    for table in request.tables:
        name = quoted_name(table.name)
        session.run(f"CREATE TEMPORARY TABLE {name} ({table.structure})".encode())
        if lives_on:
            stack.callback(session.run, f"DROP TEMPORARY TABLE {name}".encode())
        outline = InsertOutline(head=f"INSERT INTO {name}".encode(), settings=b"", format=table.format, data_start=0)
        with Spool(folder) as spool:
            spool.add(table.data)
            session.insert(outline, spool.path, {})
    session.set(settings if lives_on else SERVER_DEFAULTS | settings)
    return session


def _settings(request: Request, mark: str | None) -> dict[str, str]:
    settings = dict(request.settings)
    if request.method in ("GET", "HEAD"):
        # As in ClickHouse, a GET changes nothing; 2 still lets it choose settings.
        settings["readonly"] = "1" if settings.get("readonly") == "1" else "2"
    if mark:
        settings["log_comment"] = mark
    return settings


def _use_database(request: Request, session: Session, stack: ExitStack, *, lives_on: bool) -> None:
    database = request.headers.get("x-clickhouse-database") or request.params.get("database")
    if not database:
        return
    if lives_on:
        current = session.run(b"SELECT currentDatabase()", "TSVRaw").data.decode().rstrip("\n")
        stack.callback(session.use, current)
    session.use(database)
