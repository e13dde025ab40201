"""The console's endpoints. Those that read the store are plain functions: Starlette runs them in its thread pool."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from monitor.clock import Clock
from monitor.config import Settings
from monitor.errors import MonitorError, StoreUnavailable
from monitor.report.ledger import Span
from monitor.review import hostile, params, views
from monitor.review.data import ConsoleData
from monitor.review.formats import Formats
from monitor.review.words import LANGUAGES, Language, Words

HERE = Path(__file__).parent
RECENT = 50
SPLITS = ("model_version", "locale", "tenant")
"""The segments that the page offers; the others can be typed."""
LONGEST_ID = 256
"""As `Interaction.interaction_id` allows."""


class Json(Response):
    """JSON in ASCII: hostile text arrives as escapes, and a lone surrogate does not break the response."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Write one document."""
        return json.dumps(content, allow_nan=False, indent=2, default=str).encode()


class Pages:
    """Every page over one data source."""

    def __init__(self, settings: Settings, data: ConsoleData, clock: Clock) -> None:
        """Compile nothing yet: templates are read on first use."""
        self._settings = settings
        self._data = data
        self._clock = clock
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            # Whatever a template prints has its hidden characters shown, in attributes too: none can be forgotten.
            finalize=_finalize,
        )
        self._templates.filters.update(marked=hostile.marked, cut=hostile.cut)

    def status(self, request: Request) -> Response:
        """Show the pipeline, the rates and the last interactions."""
        language, _ = _language(request)
        words, formats = Words(language), Formats(language)
        asked = params.read(request.query_params)
        span = Span.last(asked.seconds, now=self._clock.now())
        status, lag = self._data.status(span), self._data.lag()
        rates = self._data.rates(span, by=asked.by)
        return self._page(
            request,
            "status.html",
            asked=asked,
            spans=dict.fromkeys([*params.SPANS, asked.since]),
            splits=SPLITS,
            split_name=", ".join(words(f"field.{field}") for field in asked.by),
            span=span,
            now=self._clock.now(),
            status=status,
            lag=lag,
            canary_every_s=self._settings.scoring.canary_every_s,
            stale=views.is_stale(status, self._settings.scoring.canary_every_s),
            notices=views.notices(
                status,
                lag,
                canary_every_s=self._settings.scoring.canary_every_s,
                words=words,
                formats=formats,
            ),
            table=views.rates_table(rates, scorers=self._data.scorers, words=words, formats=formats),
            dead_letters=views.dead_letters(status.dead_letters),
            recent=self._data.recent(span, limit=RECENT),
            kafka_topic=self._settings.kafka.topic,
        )

    def interaction(self, request: Request) -> Response:
        """Show one interaction with its verdicts."""
        one_id = request.path_params["id"]
        case = self._data.find(one_id) if len(one_id) <= LONGEST_ID else None
        if case is None:
            return self.problem(request, 404, "missing", looked_for=hostile.cut(one_id, LONGEST_ID), todo=4)
        passages, earlier = hostile.passages(case.messages)
        return self._page(
            request,
            "interaction.html",
            case=case,
            passages=passages,
            earlier=earlier,
            lines=views.verdict_lines(case, self._data.scorers),
            retired={v.scorer_id for v in case.verdicts} - {s.id for s in self._data.scorers},
        )

    def api_status(self, request: Request) -> Response:
        """Give what `alignment-monitor status --json` prints."""
        asked = params.read(request.query_params)
        status = self._data.status(Span.last(asked.seconds, now=self._clock.now()))
        lag = self._data.lag()
        return Json({**status.as_json(), "lag": lag.behind, "broker": lag.note or "ok"})

    def api_rates(self, request: Request) -> Response:
        """Give what `alignment-monitor rates --json` prints."""
        asked = params.read(request.query_params)
        found = self._data.rates(Span.last(asked.seconds, now=self._clock.now()), by=asked.by)
        return Json([one.as_json() for one in found])

    async def livez(self, _request: Request) -> Response:
        """Say that the process serves; needs no thread, so that a stuck store causes no restart."""
        return Json({"ok": True})

    def readyz(self, _request: Request) -> Response:
        """Say whether ClickHouse answers."""
        try:
            self._data.ping()
        except MonitorError as error:
            return Json({"ok": False, "clickhouse": str(error)}, status_code=503)
        return Json({"ok": True, "clickhouse": "ok"})

    def store_away(self, request: Request, error: Exception) -> Response:
        """Answer while ClickHouse is away."""
        said = str(error) if isinstance(error, StoreUnavailable) else ""
        return self.problem(request, 503, "away", also="away.safe", said=said, todo=2, headers={"Retry-After": "10"})

    def bad_parameter(self, request: Request, error: Exception) -> Response:
        """Answer a query parameter that cannot be used."""
        if not isinstance(error, params.BadParameter):
            raise error
        value = hostile.cut(error.value, 60)
        return self.problem(
            request, 400, "bad", also="bad.allowed", name=error.name, value=value, allowed=error.allowed
        )

    def http_error(self, request: Request, error: Exception) -> Response:
        """Answer an address or a method that there is not."""
        status = getattr(error, "status_code", 500)
        headers = getattr(error, "headers", None)
        if status == 405:
            return self.problem(request, status, "method", method=request.method, headers=headers)
        if status == 404:
            return self.problem(request, status, "page", path=hostile.cut(request.url.path))
        return self.problem(request, status, "fault", headers=headers)

    def fault(self, request: Request, _error: Exception) -> Response:
        """Answer what nobody foresaw; the server logs it."""
        return self.problem(request, 500, "fault")

    def problem(
        self,
        request: Request,
        status_code: int,
        kind: str,
        *,
        looked_for: str = "",
        said: str = "",
        also: str = "",
        todo: int = 0,
        headers: dict[str, str] | None = None,
        **values: str,
    ) -> Response:
        """Say in plain words what is wrong and what to do: a page, or JSON under /api."""
        if request.url.path.startswith("/api/"):
            english = Words("en")
            text = english(f"{kind}.text", **values) + (f" {english(also, **values)}" if also else "")
            return Json({"error": text, "detail": said}, status_code=status_code, headers=headers)
        return self._page(
            request,
            "problem.html",
            status_code=status_code,
            headers=headers,
            kind=kind,
            values=values,
            also=also,
            looked_for=looked_for,
            said=said,
            todo=range(1, todo + 1),
        )

    def _page(
        self,
        request: Request,
        template: str,
        *,
        status_code: int = 200,
        headers: dict[str, str] | None = None,
        **context: Any,
    ) -> Response:
        try:
            language, named = _language(request)
        except params.BadParameter:
            if status_code < 400:
                raise
            language, named = params.preferred(request.headers.get("accept-language", "")), False
        root: str = request.scope.get("root_path", "")

        def link(path: str, **query: str) -> str:
            query = {name: value for name, value in query.items() if value}
            if named and "lang" not in query:
                query["lang"] = language
            return root + quote(path) + (f"?{urlencode(query)}" if query else "")

        html = self._templates.get_template(template).render(
            t=Words(language),
            f=Formats(language),
            language=language,
            languages=LANGUAGES,
            link=link,
            here=request.url.path.removeprefix(root),
            query={k: v for k, v in request.query_params.items() if k in {"since", "by"}},
            **context,
        )
        kept = {"Content-Language": language, "Vary": "Accept-Language", **(headers or {})}
        return HTMLResponse(html, status_code=status_code, headers=kept)


def _language(request: Request) -> tuple[Language, bool]:
    return params.language(request.query_params, request.headers.get("accept-language", ""))


def _finalize(value: object) -> object:
    # Markup is a str that was escaped and made visible already.
    return hostile.visible(value) if type(value) is str else value
