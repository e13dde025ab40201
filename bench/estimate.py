"""One window with very many samples: what its rates, whole and by every segment, cost in seconds and memory.

`python -m bench.estimate N` is the measured process; `estimate` fills the tables and starts it.
"""

import json
import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bench.processes import run
from monitor.config import ClickHouseSettings, load_settings
from monitor.errors import StackError
from monitor.estimate.phases import PhaseTerms, phase_rate
from monitor.estimate.terms import StratumTotal
from monitor.intake.sampling import WINDOW_SECONDS
from monitor.names import PREFIX
from monitor.report.ledger import Span
from monitor.report.rates import rates
from monitor.report.rollup import SEGMENTS
from monitor.store.client import Store
from monitor.store.migrate import migrate

WINDOW = 1_795_420_800
KEPT = 0.02
"""The chance that nine tenths of the records were sampled with."""
RATE, JUDGED, LABELS = 0.03, 0.1, 300
MOMENT = f"toDateTime({WINDOW}, 'UTC')"
FILL = (
    f"""INSERT INTO samples
    (window, sample_id, topic, stratum, probability, hash, model_version, locale, tenant)
    SELECT {MOMENT}, reinterpretAsUUID(sipHash128(number)), 'bench', if(number % 10 = 0, 'rare', 'rest'),
        if(number % 10 = 0, 1, {KEPT}), cityHash64(intDiv(number, 3)), concat('v', toString(number % 3)),
        if(number % 2 = 0, 'tr', 'en'), concat('tenant-', toString(number % 50))
    FROM numbers({{n}})""",
    f"""INSERT INTO scores
    (window, sample_id, dimension, scorer_id, scorer_kind, status, value, label, scored_at, version)
    SELECT window, sample_id, 'refusal', 'bench', 'classifier', 'scored', cityHash64(sample_id) % 100 < 3, 'x',
        {MOMENT}, 1
    FROM samples""",
    f"""INSERT INTO offset_ledger
    SELECT 'bench', toUUID('00000000-0000-0000-0000-000000000001'), 0, {MOMENT}, one.1, one.2, groupBitmapState(offset)
    FROM
    (
        SELECT number AS offset, multiIf(number % 10 = 0 AND number < {{n}}, ('rare', 'sampled'),
            number < {{n}}, ('rest', 'sampled'), ('rest', 'sampled_out')) AS one
        FROM numbers(toUInt64({{n}} * (0.1 + 0.9 / {KEPT})))
    )
    GROUP BY one""",
)
"""A window made by the engine itself: a tenth of the samples kept with certainty, conversations of three turns."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimated:
    """What one window cost."""

    estimate_samples: int
    estimate_rates_s: float
    """Reading one series once, its rate, and that of each segment of the rollup's splits."""
    estimate_segments: int
    estimate_rates_peak_mb: float
    estimate_phases_s: float
    """The three-phase estimate alone of as many records, a tenth judged and 300 labelled."""
    estimate_peak_mb: float
    """Of the process, both done."""


def estimate(samples: int, variables: Mapping[str, str]) -> dict[str, Any]:
    """Fill a window with `samples` rows, and measure in a process of its own.

    Raises:
        StackError: the process failed or took too long.
        MonitorError: ClickHouse does not answer, or refuses.
    """
    settings = ClickHouseSettings(
        host=variables[f"{PREFIX}CLICKHOUSE__HOST"],
        port=int(variables[f"{PREFIX}CLICKHOUSE__PORT"]),
        database="bench_estimate",
        timeout_s=120,
    )
    migrate(settings)
    with Store.connect(settings) as store:
        for statement in FILL:
            store.run(statement.format(n=samples))
    own = {**variables, f"{PREFIX}CLICKHOUSE__DATABASE": settings.database, f"{PREFIX}CLICKHOUSE__TIMEOUT_S": "120"}
    return run("the estimate process", "bench.estimate", [samples], own)


def measure(samples: int) -> Estimated:
    """Measure in this process, on the tables that its settings name.

    Raises:
        StackError: the window does not hold what it was filled with.
    """
    span = Span(since=WINDOW, until=WINDOW + WINDOW_SECONDS)
    with Store.connect(load_settings().clickhouse) as store:
        start = time.perf_counter()
        found = rates(store, span, splits=SEGMENTS)
        rates_s = time.perf_counter() - start
    if sum(not one.segment for one in found) != 1 or found[0].estimate.n_scored != samples:
        raise StackError(f"the window should hold one series of {samples} verdicts")
    peak = _peak_mb()
    terms, totals = _phases(samples)
    start = time.perf_counter()
    phase_rate(terms, totals)
    phases_s = time.perf_counter() - start
    return Estimated(
        estimate_samples=samples,
        estimate_rates_s=round(rates_s, 1),
        estimate_segments=len(found) - 1,
        estimate_rates_peak_mb=peak,
        estimate_phases_s=round(phases_s, 1),
        estimate_peak_mb=_peak_mb(),
    )


def _phases(n: int) -> tuple[PhaseTerms, list[StratumTotal]]:
    rng = np.random.default_rng(1)
    truth, f = rng.random(n) < RATE, rng.random(n)
    judged = rng.random(n) < JUDGED
    labelled = judged & (rng.random(n) < LABELS / (n * JUDGED))
    terms = PhaseTerms(
        pi1=np.full(n, KEPT),
        stratum=np.zeros(n, dtype=np.int64),
        conversation=np.arange(n) // 3,
        f=f,
        selected2=judged,
        pi2=np.full(n, JUDGED),
        g=np.where(judged, truth, np.nan),
        selected3=labelled,
        pi3=np.full(n, LABELS / (n * JUDGED)),
        y=np.where(labelled, truth ^ (rng.random(n) < 0.1), np.nan),
    )
    return terms, [StratumTotal(name="all", sampled=n, sampled_out=round(n / KEPT) - n)]


def _peak_mb() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


if __name__ == "__main__":
    print(json.dumps(asdict(measure(int(sys.argv[1])))))
