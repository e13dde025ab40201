"""The fake of `ConsoleData`: what it is given, without a database; ships, for tests and for looking at pages."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from monitor.errors import MonitorError
from monitor.report.ledger import Span
from monitor.report.rates import Rate
from monitor.report.status import Status
from monitor.review.data import Case, Lag, Recent
from monitor.scoring.verdict import ScorerIdentity

NOTHING = Status(
    consumed=0,
    sampled=0,
    sampled_out=0,
    dead=0,
    canaries=0,
    due=0,
    scored=0,
    unscored=0,
    coverage=None,
    dead_letters={},
    last_canary=None,
)
"""The state of a pipeline that has seen nothing."""


@dataclass(kw_only=True)
class FakeData:
    """Gives its fields; while `failure` is set, every read raises it."""

    scorers: Sequence[ScorerIdentity] = ()
    state: Status = NOTHING
    behind: Lag = field(default_factory=lambda: Lag(behind=0))
    found: Sequence[Rate] = ()
    last: Sequence[Recent] = ()
    cases: Sequence[Case] = ()
    failure: MonitorError | None = None
    spans: list[Span] = field(default_factory=list)
    """The spans that were asked for."""
    closed: bool = False

    def ping(self) -> None:
        """Fail or not."""
        self._check()

    def status(self, span: Span) -> Status:
        """Give `state`."""
        self._check()
        self.spans.append(span)
        return self.state

    def lag(self) -> Lag:
        """Give `behind`."""
        return self.behind

    def rates(self, span: Span, *, by: Sequence[str] = ()) -> list[Rate]:
        """Give those of `found` that are of everything or of segments by these fields."""
        self._check()
        self.spans.append(span)
        return [one for one in self.found if not one.segment or tuple(one.segment) == tuple(by)]

    def recent(self, span: Span, *, limit: int) -> list[Recent]:
        """Give the first of `last`."""
        self._check()
        self.spans.append(span)
        return list(self.last[:limit])

    def find(self, one_id: str) -> Case | None:
        """Look in `cases`."""
        self._check()
        return next((c for c in self.cases if one_id in {str(c.sample_id), c.interaction_id}), None)

    def close(self) -> None:
        """Remember it."""
        self.closed = True

    def _check(self) -> None:
        if self.failure is not None:
            raise self.failure
