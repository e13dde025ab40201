"""Headers on every response, and the hosts that a console on loopback answers to."""

import ipaddress
from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS: Mapping[str, str] = {
    # Nothing runs and nothing is sent anywhere: a page that shows hostile text needs no script and no form.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'none'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Conversations must not stay behind in a browser or a proxy.
    "Cache-Control": "no-store",
}
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")


class SecureHeaders:
    """Sets `HEADERS` on whatever the application answers, redirects and errors included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and add headers when the response starts."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


def allowed_hosts(bound_to: str) -> list[str]:
    """Give the Host headers to accept: on loopback its names alone, since any other is a rebound DNS name."""
    if bound_to == "localhost":
        return list(LOOPBACK_HOSTS)
    try:
        address = ipaddress.ip_address(bound_to)
    except ValueError:
        return ["*"]
    if not address.is_loopback:
        return ["*"]
    return [*LOOPBACK_HOSTS, f"[{address}]" if address.version == 6 else str(address)]
