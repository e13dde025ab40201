"""What goes over the wire to an endpoint of judges: where to, with which key, and to nobody untrusted."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from monitor.scoring.judge.call import Chat, JudgeUnavailable, Prompt, Reply
from tests.support.judge_calls import BOTH, KEY, PROMPT, ask, endpoint, until, using
from tests.support.judge_server import HOST, JudgeServer, Step


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that vouches for this machine and is signed by itself, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a private authority")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = tmp_path_factory.mktemp("tls") / "authority.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return file


def serving(authority: Path) -> JudgeServer:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(authority)
    return JudgeServer(tls=tls)


def headers(server: JudgeServer, call: int = 0) -> dict[str, str]:
    lines = [line.partition(":") for line in server.calls[call].head.split("\r\n")[1:]]
    return {name.strip().lower(): value.strip() for name, _, value in lines}


def sent(provider: str, base_url: str = "", **settings: Any) -> tuple[str, dict[str, str]]:
    """Give path and headers of a call to an address that is written like this behind the server's own."""
    with JudgeServer() as server:
        url = (base_url or "http://HOST/v1").replace("HOST", f"{HOST}:{server.port}")
        using(endpoint(server, provider, base_url=url, **settings), lambda chat: chat.complete(PROMPT))
    return server.calls[0].path, headers(server)


@pytest.mark.parametrize(
    ("base_url", "path"),
    [
        ("http://HOST", "/chat/completions"),
        ("http://HOST/v1", "/v1/chat/completions"),
        ("http://HOST/v1/", "/v1/chat/completions"),
        (
            "http://HOST/openai/deployments/a%20b?api-version=2024-10-21",
            "/openai/deployments/a%20b/chat/completions?api-version=2024-10-21",
        ),
        ("http://HOST/v1/?a=b%2Fc&d=", "/v1/chat/completions?a=b%2Fc&d="),
    ],
)
def test_the_path_is_put_behind_the_address_and_its_query_is_kept(base_url: str, path: str) -> None:
    assert sent("openai", base_url)[0] == path


def test_each_protocol_has_its_own_header_for_the_key() -> None:
    _, openai = sent("openai")
    path, anthropic = sent("anthropic", "http://HOST/")
    assert openai["authorization"] == f"Bearer {KEY}"
    assert path == "/v1/messages"
    assert anthropic["x-api-key"] == KEY
    assert anthropic["anthropic-version"] == "2023-06-01"
    assert "authorization" not in anthropic


@BOTH
def test_without_a_key_none_is_sent(provider: str) -> None:
    _, found = sent(provider, api_key=None)
    assert {"authorization", "x-api-key", "api-key"}.isdisjoint(found)


@BOTH
def test_a_user_in_the_address_is_sent_as_https_own_login_and_not_as_part_of_the_address(provider: str) -> None:
    path, found = sent(provider, "http://us%65r:p%40ss@HOST/v1")
    assert found["authorization"] == "Basic dXNlcjpwQHNz"
    assert "ss@" not in path + found["host"]


@BOTH
def test_keys_keep_their_order_and_letters_stay_themselves(provider: str) -> None:
    schema = {"type": "object", "properties": {"reason": {}, "label": {}, "a": {}}}
    prompt = Prompt(system="Yargıç", user='"şu" \ud800 son', schema=schema)
    with JudgeServer() as server:
        using(endpoint(server, provider), lambda chat: chat.complete(prompt))
    body = server.calls[0].body.decode()
    assert '"properties":{"reason":{},"label":{},"a":{}}' in body
    assert "Yargıç" in body
    assert r"\"şu\" ? son" in body


@BOTH
def test_calls_with_the_same_rubric_differ_in_nothing_but_the_users_part(provider: str) -> None:
    first = {"type": "object", "properties": {"a": {}, "b": {}}}
    turned = {"type": "object", "properties": {"b": {}, "a": {}}}

    async def work(chat: Chat) -> None:
        for user, schema in (("one", first), ("two", first), ("one", turned)):
            await chat.complete(Prompt(system="Judge.", user=user, schema=schema))

    with JudgeServer() as server:
        using(endpoint(server, provider), work)
    one, two, other = (call.body for call in server.calls)
    assert one.replace(b'"one"', b'"two"') == two
    assert b'{"a":{},"b":{}}' in two
    assert other == one.replace(b'{"a":{},"b":{}}', b'{"b":{},"a":{}}')


@BOTH
def test_a_connection_is_used_again_and_a_new_one_made_where_the_server_left_while_nobody_spoke(provider: str) -> None:
    async def work(chat: Chat) -> None:
        await chat.complete(PROMPT)
        await chat.complete(PROMPT)
        await until(lambda: not server.open_now)
        await chat.complete(PROMPT)

    with JudgeServer([Step(), Step(fault="leave"), Step()]) as server:
        using(endpoint(server, provider), work)
    assert (server.count, server.connections) == (3, 2)


@BOTH
def test_what_was_written_to_a_kept_connection_that_died_may_be_paid_and_is_not_sent_again_unseen(
    provider: str,
) -> None:
    async def work(chat: Chat) -> None:
        await chat.complete(PROMPT)
        with pytest.raises(JudgeUnavailable) as found:
            await chat.complete(PROMPT)
        assert found.value.may_cost

    with JudgeServer([Step(), Step(fault="reset"), Step()]) as server:
        using(endpoint(server, provider, tries=1), work)
    assert (server.count, server.connections) == (2, 1)


@BOTH
def test_no_proxy_or_login_of_the_environment_comes_between(
    provider: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text(f"machine {HOST} login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with JudgeServer() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.anthropic_url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        found, server = ask(provider, [Step()], api_key=None)
    assert isinstance(found, Reply)
    assert (proxy.count, server.count) == (0, 1)
    assert "authorization" not in headers(server)


@BOTH
def test_a_cookie_is_not_given_back(provider: str) -> None:
    async def work(chat: Chat) -> None:
        await chat.complete(PROMPT)
        await chat.complete(PROMPT)

    with JudgeServer([Step(headers=(("set-cookie", "who=you"),))]) as server:
        # By name: clients keep no cookies of bare IP addresses.
        named = (server.openai_url if provider == "openai" else server.anthropic_url).replace(HOST, "localhost")
        using(endpoint(server, provider, base_url=named), work)
    assert "cookie" not in headers(server, 1)


@BOTH
def test_a_server_that_nobody_vouches_for_is_told_nothing(provider: str, authority: Path) -> None:
    with serving(authority) as server, pytest.raises(JudgeUnavailable, match="SSLCertVerificationError") as found:
        using(endpoint(server, provider, tries=1), lambda chat: chat.complete(PROMPT))
    assert server.count == 0
    assert not found.value.may_cost


@BOTH
def test_a_private_authority_is_believed_where_openssls_own_variable_names_it(
    provider: str, authority: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    with serving(authority) as server:
        found = using(endpoint(server, provider), lambda chat: chat.complete(PROMPT))
    assert (found.stop, server.count) == ("end", 1)


@BOTH
def test_a_host_that_nobody_knows_was_sent_nothing(provider: str) -> None:
    async def work(chat: Chat) -> bool:
        with pytest.raises(JudgeUnavailable) as found:
            await chat.complete(PROMPT)
        return found.value.may_cost

    with JudgeServer() as server:
        one = endpoint(server, provider, base_url="http://no-such-host.invalid/v1", tries=1)
    assert using(one, work) is False
