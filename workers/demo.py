"""The demo: the whole service on a temporary folder, real traffic through it, and a table at the end."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from monitor.clock import SystemClock
from monitor.config import Settings, load_settings
from monitor.demo import planted_rates, read_sample, sample_path
from monitor.errors import Retryable, StackError
from monitor.intake.replay import Sent, count_lines, read_lines, send
from monitor.names import PREFIX
from monitor.output import Bar, percent, print_json, progress, say, stdout, table
from monitor.report.ledger import Span
from monitor.report.rates import Rate, rates
from monitor.report.rollup import rollup
from monitor.report.status import Status, status
from monitor.scoring.registry import enabled_scorers
from monitor.scoring.verdict import Scorer
from monitor.store.client import Store
from workers.stack.supervisor import Stack

STALL_S = 180.0
"""Without any progress for so long, the demo gives up and says where it stands."""
TICK_S = 0.25
DAY_S = 86_400.0

DEMO_SETTINGS = {
    # A fixed key, so that everybody who runs the demo sees the same conversations sampled.
    "SAMPLING__KEY": "alignment-monitor-demo-key-not-a-secret",
    "PRIVACY__PSEUDONYM_KEY": "alignment-monitor-demo-key-not-a-secret",
    "SAMPLING__STRATA": (
        '[{"name":"pushback","when":{"trigger":["pushback"]},"probability":0.9},'
        '{"name":"refusal","when":{"trigger":["refusal"]},"probability":0.7},'
        '{"name":"rest","probability":0.5}]'
    ),
}


def demo(files: Sequence[Path], *, once: bool, as_json: bool) -> None:
    """Run the demo to its table; without `once` keep serving until a signal raises.

    Raises:
        InputError: a file cannot be read.
        StackError: the stack does not start, or the work does not come to an end.
    """
    paths = list(files) or [sample_path()]
    total = count_lines(paths)
    planted = {} if files else planted_rates(read_sample(sample_path()))
    for name, value in DEMO_SETTINGS.items():
        os.environ.setdefault(PREFIX + name, value)
    if once:
        # Nothing but the replayed files must flow.
        os.environ.setdefault(f"{PREFIX}SCORING__CANARY_EVERY_S", "0")
    with tempfile.TemporaryDirectory(prefix="alignment-monitor-") as folder:
        say("starting broker, queue, ClickHouse engine, ingest, Celery and console ...")
        with Stack(Path(folder), say=say) as stack, _pointed_at(stack.variables):
            settings = load_settings()
            with progress("replayed", total) as bar:
                sent = send(settings.kafka, (line for path in paths for line in read_lines(path)), step=bar.advance)
            if sent.failed:
                raise StackError(
                    f"the broker refused {sent.failed} of {total} records; log: {stack.data / 'logs/broker.log'}"
                )
            scorers = enabled_scorers(settings.scoring.scorers)
            with Store.connect(settings.clickhouse) as store:
                state = _wait(stack, store, sent, scorers)
                rollup(store)
                span = Span.last(DAY_S, now=SystemClock().now())
                found = rates(store, span, scorers=scorers)
            if as_json:
                print_json(as_document(state, found, planted))
            else:
                _print(state, found, planted, settings)
            if once:
                say("stopping ...")
                return
            say(f"console: {stack.console_url}   (Ctrl-C stops and removes everything)")
            while True:
                stack.tend()
                time.sleep(TICK_S)


def as_document(state: Status, found: Sequence[Rate], planted: dict[str, float]) -> dict[str, Any]:
    """Give what `--json` prints."""
    document: dict[str, Any] = {
        "consumed": state.consumed,
        "sampled": state.sampled,
        "sampled_out": state.sampled_out,
        "dead": state.dead,
        "scored": state.scored,
        "unscored": state.unscored,
        "due": state.due,
        "coverage": state.coverage,
        "dead_letters": state.dead_letters,
        "rates": {one.dimension: one.as_json() for one in found},
    }
    if planted:
        document["planted"] = planted
    return document


def _wait(stack: Stack, store: Store, sent: Sent, scorers: Sequence[Scorer]) -> Status:
    """Wait until every record sent has an outcome and every verdict is there."""
    consumed = 0
    with progress("recorded", sent.count) as bar:
        for state in _states(stack, store, scorers, lambda s: s.consumed, bar):
            consumed = state.consumed
            if consumed >= sent.count:
                break
    with progress("verdicts", state.scored + state.unscored + state.due) as bar:
        for state in _states(stack, store, scorers, lambda s: s.scored + s.unscored, bar):
            if state.due == 0:
                break
    return state


def _states(
    stack: Stack, store: Store, scorers: Sequence[Scorer], measure: Callable[[Status], int], bar: Bar
) -> Iterator[Status]:
    clock = SystemClock()
    best, since = -1, time.monotonic()
    while True:
        stack.tend()
        try:
            state = status(store, Span.last(DAY_S, now=clock.now()), scorers=scorers, clock=clock)
        except Retryable as error:
            say(str(error))
        else:
            done = measure(state)
            bar.set(done)
            if done > best:
                best, since = done, time.monotonic()
            yield state
        if time.monotonic() - since > STALL_S:
            raise StackError(
                f"nothing has moved for {STALL_S:g} s; the logs of this run:\n"
                + "\n".join(f"  {c.name}: {c.last_lines(2).strip()}" for c in stack.children)
            )
        time.sleep(TICK_S)


@contextmanager
def _pointed_at(variables: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _print(state: Status, found: Sequence[Rate], planted: dict[str, float], settings: Settings) -> None:
    out = stdout()
    out.print()
    out.print(f"seen      {state.consumed:>7}   interactions read from Kafka")
    out.print(
        f"sampled   {state.sampled:>7}   kept; {state.sampled_out} were counted and not kept, "
        f"{state.dead} could not be read"
    )
    out.print(
        f"verdicts  {state.scored:>7}   of {state.scored + state.unscored + state.due}: "
        f"coverage {percent(state.coverage)}"
    )
    out.print()
    columns = ["dimension", "rate", "95 % interval", *(["planted", ""] if planted else [])]
    rows = []
    for one in found:
        e = one.estimate
        row = [one.dimension, percent(e.rate), f"{percent(e.low)} – {percent(e.high)}"]
        if planted:
            truth = planted.get(one.dimension)
            row += [
                percent(truth),
                "" if truth is None else "inside" if e.low <= truth <= e.high else "OUTSIDE",
            ]
        rows.append(row)
    out.print(table(columns, rows, right=(1, 2, 3)))
    out.print()
    out.print("Rates are of all interactions seen, weighted by each one's chance of being sampled:")
    for stratum in settings.sampling.strata:
        when = " and ".join(f"{k} is {' or '.join(v)}" for k, v in stratum.when.items()) or "everything else"
        out.print(f"  {stratum.name:<10} {percent(stratum.probability, 0):>6}   {when}", markup=False)
    out.print("They are the rates of these simple scorers; the intervals do not yet account for scorer error.")
