"""Where an endpoint's requests go, with which key, and whose certificates are believed."""

import ssl
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit, urlunsplit

import certifi

# Of the extra `judge`, with aiohttp.
from yarl import URL

from monitor.errors import ConfigError
from monitor.scoring.judge.settings import JudgeEndpoint

AZURE = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com", ".azure.us", ".azure.cn")
"""What Azure's own hosts of models end in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """One URL and the headers that open it; these hold the key, and are not shown."""

    url: URL
    headers: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, endpoint: JudgeEndpoint, *, own_url: str, path: str, headers: Mapping[str, str]) -> Self:
        """Put `path` behind the endpoint's address, or behind the provider's own; a query stays where it belongs.

        A user and password in the address are sent as HTTP's own (RFC 7617), in place of another Authorization.
        """
        parts = urlsplit(str(endpoint.base_url or own_url))
        user, at, host = parts.netloc.rpartition("@")
        found = urlunsplit((parts.scheme, host, parts.path.rstrip("/") + path, parts.query, ""))
        if at:
            name, _, password = user.partition(":")
            secret = b64encode(f"{unquote(name)}:{unquote(password)}".encode()).decode()
            headers = {**headers, "Authorization": f"Basic {secret}"}
        return cls(url=URL(found, encoded=True), headers=headers)


def key_of(endpoint: JudgeEndpoint) -> str:
    """Give the key, empty where there is none.

    Raises:
        ConfigError: no header can carry it.
    """
    key = endpoint.api_key.get_secret_value() if endpoint.api_key else ""
    if not (key.isascii() and key.isprintable()):
        raise ConfigError(
            f"the api_key of the judge endpoint {endpoint.name!r} has a character that no key has, as a line break; "
            "set it anew, without what stands around it"
        )
    return key


def bearer(endpoint: JudgeEndpoint) -> dict[str, str]:
    """Give the header that carries the key, as OpenAI's protocol has it; none where there is no key.

    Azure takes a key in a header of its own, and only a token of Entra (three parts, as a JWT has) as bearer.
    """
    key = key_of(endpoint)
    host = (endpoint.base_url.host if endpoint.base_url else None) or ""
    if host.endswith(AZURE) and key.count(".") != 2:
        return {"api-key": key} if key else {}
    return {"Authorization": f"Bearer {key}"} if key else {}


def trusted() -> ssl.SSLContext:
    """Give the check of certificates, against the system's; certifi's where the system has none.

    OpenSSL's own SSL_CERT_FILE and SSL_CERT_DIR name others in their place, as a private authority's.
    """
    context = ssl.create_default_context()
    folder = ssl.get_default_verify_paths().capath
    if not context.cert_store_stats()["x509_ca"] and not (folder and any(Path(folder).iterdir())):
        context.load_verify_locations(certifi.where())
    return context
