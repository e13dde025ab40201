"""The whole classify path beside the bare embedder, in a process of its own: `python -m bench.classify PLAN`.

One thread each, in turn. Each interaction is scored once and no request comes twice, so that no memory of embeddings
helps. The bare embedder is given, in one call, exactly the texts that the path had embedded.
"""

import json
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from bench.chats import interactions
from bench.processes import run
from monitor.clock import SystemClock
from monitor.config import load_settings
from monitor.errors import MonitorError, StackError
from monitor.intake.batch import Position, Sampled
from monitor.intake.interaction import Interaction
from monitor.names import PREFIX
from monitor.scoring.embed import Embedder, Matrix, default_embedder
from monitor.scoring.reader import default_reader
from monitor.scoring.registry import default_scorers
from monitor.scoring.verdict import Result, Scorer, ScorerIdentity, Status
from monitor.store.client import Store, spare_data_frames
from monitor.store.due import EVER, find_due, register, score_due
from monitor.store.migrate import migrate
from monitor.store.rows import sample_columns

DATA = f"{PREFIX}DATA"
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
WARM_UP = 8
"""Interactions that are scored first, to load lists and models; they are not measured."""
HOUR = 3600
WINDOW = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp())


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """How much is measured."""

    rounds: int
    size: int
    """Interactions a round, in chunks of as many."""
    batches: tuple[tuple[int, int], ...]
    """Chunk size and number of interactions, to see what small chunks cost."""

    @property
    def needed(self) -> int:
        """Interactions in all."""
        return WARM_UP + self.rounds * self.size + sum(count for _, count in self.batches)


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """What something took."""

    interactions: int
    seconds: float
    cpu_seconds: float
    """Of this process: the server's part is not in it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """One round."""

    path: Span
    bare: Span
    whole: Span
    """The bare embedder on whole requests and answers, up to its own limit of characters."""
    texts: int
    """Texts that the path had embedded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Classified:
    """Everything that was measured."""

    source: str
    turns: tuple[Turn, ...]
    batches: tuple[tuple[int, Span], ...]
    seconds_by_scorer: dict[str, float]
    """A scorer's own time over all rounds, in seconds; `embedding` is apart, whoever asked for it."""
    memory_mb_before: float
    """Peak resident memory before scorers and encoder are loaded, in MiB."""
    memory_mb: float


def classify(plan: Plan, variables: Mapping[str, str]) -> Classified:
    """Measure in a process of its own.

    Raises:
        StackError: it failed or took too long; its last lines are in the message.
    """
    arguments = [os.environ.get(DATA, "../shared/data"), json.dumps(asdict(plan))]
    found = run("the classify process", "bench.classify", arguments, {**variables, **ONE_THREAD})
    turns = [
        Turn(path=Span(**one["path"]), bare=Span(**one["bare"]), whole=Span(**one["whole"]), texts=one["texts"])
        for one in found.pop("turns")
    ]
    batches = [(size, Span(**one)) for size, one in found.pop("batches")]
    return Classified(turns=tuple(turns), batches=tuple(batches), **found)


class _Recording:
    """The embedder, with a list of what it was given and how long that took."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.identity, self.width = embedder.identity, embedder.width
        self.texts: list[str] = []
        self.seconds = 0.0

    def embed(self, texts: Sequence[str]) -> Matrix:
        return self.read(texts)[0]

    def read(self, texts: Sequence[str]) -> tuple[Matrix, Matrix]:
        start = time.perf_counter()
        found = self._embedder.read(texts)
        self.seconds += time.perf_counter() - start
        self.texts.extend(texts)
        return found


class _Timed:
    """A scorer with a clock; what it asks of the embedder is not its own time."""

    def __init__(self, scorer: Scorer, embedder: _Recording) -> None:
        self._scorer, self._embedder = scorer, embedder
        self.seconds = 0.0

    def __getattr__(self, name: str) -> Any:
        # Such as `reader`, by which the store knows who reads embeddings.
        return getattr(self._scorer, name)

    @property
    def identity(self) -> ScorerIdentity:
        return self._scorer.identity

    def score(self, batch: list[Interaction]) -> list[Result]:
        start, embedding = time.perf_counter(), self._embedder.seconds
        found = self._scorer.score(batch)
        self.seconds += time.perf_counter() - start - (self._embedder.seconds - embedding)
        return found


class _Path:
    """From due rows in ClickHouse to stored scores."""

    def __init__(self, store: Store, embedder: _Recording) -> None:
        self._store, self.embedder = store, embedder
        self.scorers = [_Timed(one, embedder) for one in default_scorers()]
        register(store, self.scorers)
        self._windows = 0

    def run(self, given: Sequence[Interaction], chunk: int) -> Span:
        """Score in chunks; raises StackError where anything is left without a verdict or in error."""
        window = WINDOW + HOUR * self._windows
        self._windows += 1
        self._store.insert("samples", sample_columns([_sampled(n, window, one) for n, one in enumerate(given)]))
        # Samples of this very millisecond are not due yet.
        time.sleep(0.01)
        start, cpu = time.perf_counter(), time.process_time()
        due = find_due(self._store, self.scorers, oldest=EVER, settled_s=0, limit=len(given) + 1)
        for first in range(0, len(due), chunk):
            ids = [one.sample_id for one in due[first : first + chunk]]
            score_due(self._store, self.scorers, window=window, ids=ids, clock=SystemClock())
        span = Span(interactions=len(given), seconds=time.perf_counter() - start, cpu_seconds=time.process_time() - cpu)
        self._check(window, len(given))
        return span

    def _check(self, window: int, count: int) -> None:
        rows = [row for row in self._store.query("score_digests") if row["window"] == window]
        errors = {row["reason"] for row in rows if row["status"] == Status.ERROR}
        if len(rows) != count * len(self.scorers) or errors:
            raise StackError(f"{len(rows)} rows of {count} x {len(self.scorers)}; errors: {sorted(errors) or 'none'}")


def _sampled(number: int, window: int, interaction: Interaction) -> Sampled:
    return Sampled(
        position=Position(topic="bench", topic_id=UUID(int=window), partition=0, offset=number),
        record_ms=window * 1000 + number,
        window=window,
        stratum="all",
        policy_id="bench",
        probability=1.0,
        hash64=number,
        interaction=interaction,
        masked={},
    )


def _bare(embedder: Embedder, texts: Sequence[str], count: int) -> Span:
    start, cpu = time.perf_counter(), time.process_time()
    embedder.embed(texts)
    return Span(interactions=count, seconds=time.perf_counter() - start, cpu_seconds=time.process_time() - cpu)


def measure(plan: Plan, folder: Path) -> Classified:
    """Measure everything in this process, on the ClickHouse of the environment.

    Raises:
        MonitorError: ClickHouse does not answer, or does not hold what was scored.
        StackError: no scorer reads embeddings.
    """
    spare_data_frames()
    source, given = interactions(folder, plan.needed)
    config = load_settings().clickhouse
    migrate(config)
    before = _peak_mb()
    embedder = _Recording(default_embedder())
    default_reader()._embedder = embedder  # noqa: SLF001 - all heads share it, and none is told
    supply = iter(given)

    def take(count: int) -> list[Interaction]:
        return [next(supply) for _ in range(count)]

    with Store.connect(config) as store:
        path = _Path(store, embedder)
        path.run(take(WARM_UP), WARM_UP)
        if not embedder.texts:
            raise StackError("no scorer of the registry reads embeddings: there is nothing to compare with")
        for one in path.scorers:
            one.seconds = 0.0
        embedder.seconds = 0.0
        turns = [_turn(path, take(plan.size)) for _ in range(plan.rounds)]
        seconds = {one.identity.name: one.seconds for one in path.scorers} | {"embedding": embedder.seconds}
        batches = [(size, path.run(take(count), size)) for size, count in plan.batches]
    return Classified(
        source=source,
        turns=tuple(turns),
        batches=tuple(batches),
        seconds_by_scorer=seconds,
        memory_mb_before=before,
        memory_mb=_peak_mb(),
    )


def _turn(path: _Path, given: Sequence[Interaction]) -> Turn:
    path.embedder.texts.clear()
    whole_path = path.run(given, len(given))
    texts = list(path.embedder.texts)
    bare = _bare(default_embedder(), texts, len(given))
    whole = _bare(default_embedder(), [text for one in given for text in (one.request, one.answer)], len(given))
    return Turn(path=whole_path, bare=bare, whole=whole, texts=len(texts))


def _peak_mb() -> float:
    """Give this process's own peak: `ru_maxrss` would begin with that of the process that started it."""
    status = Path("/proc/self/status")
    if not status.exists():
        import resource  # noqa: PLC0415 - where there is no /proc

        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 1)
    found = re.search(r"^VmHWM:\s+(\d+) kB", status.read_text(), re.MULTILINE)
    return round(int(found[1]) / 1024, 1) if found else 0.0


def main(arguments: list[str]) -> int:
    """Measure and print one JSON object; 1 where that cannot be done."""
    folder, plan = arguments
    made = json.loads(plan)
    try:
        found = measure(Plan(**{**made, "batches": tuple(map(tuple, made["batches"]))}), Path(folder))
    except MonitorError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(asdict(found)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
