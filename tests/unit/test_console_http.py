"""What the console answers to machines and to mistakes: errors, JSON, probes, headers, hosts."""

import asyncio
import json
from dataclasses import replace

import pytest

from monitor.clock import FixedClock
from monitor.errors import MonitorError, StoreRejected, StoreUnavailable
from monitor.review.app import make_console
from monitor.review.fake import FakeData
from monitor.review.security import HEADERS
from tests.support.console import BUSY, FULL, GOOD, NOW, SAMPLE, SETTINGS, console, estimate, rate


@pytest.mark.parametrize("one_id", ["nope", "x" * 300, "..%2F..%2Fetc", "%00%0A", "a%0Ab", "%E2%80%AE"])
def test_an_unknown_interaction_says_what_was_looked_for_and_what_to_do(one_id: str) -> None:
    client = console(FULL)
    response = client.get(f"/interactions/{one_id}")
    assert response.status_code == 404
    assert "<h1>" in response.text
    if one_id == "nope":
        assert ">nope<" in response.text
        assert "Only sampled interactions are kept" in response.text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("since=banana", "since=banana is not understood. "),
        ("since=0h", "since=0h"),
        ("since=9999d", "since=9999d"),
        ("since=٣h", "since=٣h"),
        ("by=nope", "by=nope is not understood. "),
        ("by=locale,locale", "by=locale,locale"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_refused_with_what_is_allowed(query: str, said: str) -> None:
    client = console(FULL)
    response = client.get(f"/?{query}")
    api = client.get(f"/api/rates?{query}")
    assert (response.status_code, api.status_code) == (400, 400)
    assert said.strip(" .") in response.text
    assert said in api.json()["error"]
    assert "Allowed: " in api.json()["error"]
    assert "Allowed: " in response.text


def test_a_language_that_there_is_not_is_refused() -> None:
    client = console(FULL)
    response = client.get("/?lang=xx", headers={"accept-language": "tr"})
    assert response.status_code == 400
    assert "lang=xx anlaşılamadı." in response.text


@pytest.mark.parametrize("path", ["/", f"/interactions/{SAMPLE}", "/api/status", "/api/rates", "/readyz"])
def test_while_clickhouse_is_away_everything_says_so_with_503(path: str) -> None:
    client = console(FakeData(failure=StoreUnavailable("ClickHouse does not answer (X)")))
    response = client.get(path)
    alive = client.get("/livez")
    assert response.status_code == 503
    assert "ClickHouse does not answer" in response.text
    assert "Traceback" not in response.text
    assert alive.status_code == 200


@pytest.mark.parametrize("path", ["/", "/api/status"])
@pytest.mark.parametrize("failure", [StoreRejected("secret row"), MonitorError("secret")])
def test_an_unforeseen_failure_shows_no_detail(path: str, failure: MonitorError) -> None:
    client = console(FakeData(failure=failure))
    response = client.get(path)
    assert response.status_code == 500
    assert "Something went wrong" in response.text or "could not make this page" in response.text
    assert "secret" not in response.text


@pytest.mark.parametrize("path", ["/nothing", "/interactions", "/static/nothing.css", "/static/../app.py", "/api/no"])
def test_an_address_that_there_is_not_is_a_404_in_plain_words(path: str) -> None:
    client = console(FULL)
    response = client.get(path)
    assert response.status_code == 404
    assert "Nothing is served at" in response.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_the_console_can_only_be_read(method: str) -> None:
    client = console(FULL)
    response = client.request(method, "/")
    assert response.status_code == 405
    assert "GET" in response.headers["allow"]


def test_probes_tell_alive_from_ready() -> None:
    client = console(FULL)
    assert client.get("/livez").json() == {"ok": True}
    assert client.get("/readyz").json() == {"ok": True, "clickhouse": "ok"}


def test_the_status_json_is_that_of_the_command() -> None:
    client = console(FULL)
    found = client.get("/api/status?since=1h").json()
    assert found == json.loads(json.dumps({**BUSY.as_json(), "lag": 128, "broker": "ok"}))
    assert found["last_canary"]["sent_at"] == "2026-11-23T11:27:49+00:00"


def test_the_rates_json_is_that_of_the_command() -> None:
    part = rate(estimate(None, 0.0, 1.0, coverage=None), segment={"locale": "tr"})
    data = replace(FULL, found=(GOOD, part))
    client = console(data)
    whole, split = client.get("/api/rates").json(), client.get("/api/rates?by=locale").json()
    assert whole == json.loads(json.dumps([GOOD.as_json()]))
    assert split == json.loads(json.dumps([GOOD.as_json(), part.as_json()]))


def test_connections_are_given_back_at_the_end() -> None:
    data = replace(FULL)
    app = make_console(SETTINGS, data=data, clock=FixedClock(NOW))

    async def serve() -> None:
        async with app.router.lifespan_context(app):
            assert not data.closed

    asyncio.run(serve())
    assert data.closed


@pytest.mark.parametrize(
    "path",
    [
        "/",
        f"/interactions/{SAMPLE}",
        "/interactions/nope",
        "/?since=banana",
        "/api/status",
        "/livez",
        "/nothing",
        "/static/console.css",
        "/static/icon.svg",
    ],
)
def test_every_response_carries_the_strict_headers(path: str) -> None:
    client = console(FULL)
    headers = client.get(path).headers
    assert {name: headers.get(name) for name in HEADERS} == HEADERS
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert "set-cookie" not in headers


@pytest.mark.parametrize("failure", [StoreUnavailable("x"), MonitorError("x")])
def test_a_failure_carries_them_too(failure: MonitorError) -> None:
    client = console(FakeData(failure=failure))
    headers = client.get("/").headers
    assert {name: headers.get(name) for name in HEADERS} == HEADERS


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:9", "[::1]:8080"])
def test_on_loopback_its_own_names_are_answered(host: str) -> None:
    client = console(FULL)
    assert client.get("/livez", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", ""])
def test_on_loopback_a_rebound_dns_name_is_refused(host: str) -> None:
    client = console(FULL)
    response = client.get("/", headers={"host": host})
    assert response.status_code == 400
    assert response.headers["x-content-type-options"] == "nosniff"


def test_bound_to_a_network_any_host_is_answered() -> None:
    client = console(FULL, host="0.0.0.0")
    assert client.get("/livez", headers={"host": "console.internal"}).status_code == 200
