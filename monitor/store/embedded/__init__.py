"""The embedded ClickHouse: ClickHouse's HTTP protocol over the chDB engine, in one process of its own.

Start it with `python -m monitor.store.embedded --path DIR --port N`; it prints `ready http://HOST:PORT` and
answers `GET /ping` from then on. It exits with 0 after SIGTERM or SIGINT, with 1 and one line on stderr when
it cannot start. An insert that was answered with 200 survives a kill of the process. Clients see a ClickHouse
server of chDB's version: clickhouse-connect, curl and Grafana's plugin over HTTP need no special case.

Way of a request: server (connection) -> request (parts) -> runner (which way) -> lease (connection set up)
-> engine (chDB) -> reply. `statement` reads a statement's outline, `bodies` the encodings, `spool` holds an
insert's data, `native` fits blocks to newer clients, `sessions` keeps what SET, USE and temporary tables leave
behind, `running` knows what runs.

Differences from a real server:

- Only HTTP, one user, no roles or quotas. The password comes from the environment.
- Query ids are the client's in `X-ClickHouse-Query-Id`, but chDB's own in `system.processes` and `queryID()`,
  so `KILL QUERY WHERE query_id = ...` does not find them. A SELECT whose client closes the connection is
  cancelled, always (in ClickHouse with `cancel_http_readonly_queries_on_client_close` and `readonly` only).
- `async_insert` is taken and has no effect: each insert is written before it is answered.
- `client_protocol_version` is heeded from 54454 on (clickhouse-go, and so Grafana's plugin over HTTP), except for
  columns of AggregateFunction, JSON, Variant and Dynamic, which are refused then; below, Native blocks come as of
  revision 0, which clickhouse-connect finds out. Always, `DateTime('zone')` comes as `DateTime` in UTC: the instant
  is right, and `DateTime64` keeps its zone.
- `compress=1` and `decompress=1` (ClickHouse's own block compression) are refused with code 48; Brotli too.
- Progress headers are not sent. `X-ClickHouse-Summary` holds rows read and written, never the total to read;
  for a result that is streamed it holds what was known at its start.
- Formats with a head or a foot (JSON, Parquet, Arrow, CSVWithNames, ...) are written to a file in the data
  folder first and sent when complete; Native, TabSeparated, CSV, JSONEachRow and RowBinary are streamed.
- An insert's data is taken in whole before the first row is inserted (in memory up to 32 MB, then on disk), so a
  request that breaks off inserts nothing. `INSERT ... SELECT ... FROM input(...)` is refused with code 48.
  Other statements are held in memory, up to 64 MB.
- A file of this machine is refused to file(), INTO OUTFILE, FROM INFILE and the like. That is a fence, not a
  wall: chDB runs as `clickhouse local` does, with the rights of this process, so who may send SQL must be
  trusted. Requests from web pages are refused (Origin, and on a loopback address a foreign Host).
- The `default` database is chDB's overlay, which cannot be dropped or made anew; other databases are Atomic.
- No query_log, part_log or other log tables. The server's time zone is UTC.
"""
