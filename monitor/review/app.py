"""The web console: a status page, a page for each interaction, JSON and probes; read-only, without script or cookie.

It has no log-in yet: tokens and roles come with the review queue. Until then it must be bound to loopback, the
default, or to a private network behind something that authenticates. What it shows is masked, and still the
conversations of other people.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from monitor.clock import Clock, SystemClock
from monitor.config import Settings
from monitor.errors import StoreUnavailable
from monitor.review.data import ConsoleData
from monitor.review.pages import HERE, Pages
from monitor.review.params import BadParameter
from monitor.review.security import HEADERS, SecureHeaders, allowed_hosts


def make_console(settings: Settings, *, data: ConsoleData | None = None, clock: Clock | None = None) -> Starlette:
    """Make the console; connects to nothing until it is asked for a page.

    Raises:
        ConfigError: the settings name a scorer that there is not.
    """
    clock = clock or SystemClock()
    source = data or _store_data(settings, clock)
    pages = Pages(settings, source, clock)

    def fault(request: Request, error: Exception) -> Response:
        # Starlette answers this one outside of all middleware.
        response = pages.fault(request, error)
        response.headers.update(HEADERS)
        return response

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        source.close()

    app = Starlette(
        routes=[
            Route("/", pages.status),
            # `path`: an interaction id may hold a slash.
            Route("/interactions/{id:path}", pages.interaction),
            Route("/api/status", pages.api_status),
            Route("/api/rates", pages.api_rates),
            Route("/livez", pages.livez),
            Route("/readyz", pages.readyz),
            Mount("/static", StaticFiles(directory=HERE / "static"), name="static"),
        ],
        middleware=[
            Middleware(SecureHeaders),
            Middleware(TrustedHostMiddleware, allowed_hosts=allowed_hosts(settings.console.host), www_redirect=False),
        ],
        exception_handlers={
            StoreUnavailable: pages.store_away,
            BadParameter: pages.bad_parameter,
            HTTPException: pages.http_error,
            Exception: fault,
        },
        lifespan=lifespan,
    )
    # A redirect would be built from the Host header.
    app.router.redirect_slashes = False
    return app


def _store_data(settings: Settings, clock: Clock) -> ConsoleData:
    # It brings the Kafka client along, which a console over other data does without.
    from monitor.review.store_data import StoreData  # noqa: PLC0415

    return StoreData(settings, clock)
