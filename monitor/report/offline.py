"""Scores a file without any service: the same reading, masking and scorers as live traffic."""

import operator
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from monitor.errors import InputError
from monitor.intake.decode import Malformed, decode
from monitor.intake.interaction import Interaction
from monitor.intake.redact import RedactionFailed, redact
from monitor.intake.replay import Line, read_lines
from monitor.scoring.registry import default_scorers, for_dimensions
from monitor.scoring.runner import run
from monitor.scoring.verdict import Scorer, Unscored

BATCH = 256
FIXED_TIME = datetime(2000, 1, 1, tzinfo=UTC)
"""Stands in for Kafka's record time, so that the same file always gives the same output."""

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_CONDITION = re.compile(r"\s*([\w-]+)\s*(>=|<=|>|<)\s*(\d{1,9}(?:\.\d{1,9})?|\.\d{1,9})\s*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """A limit on the verdicts of one dimension, as `score --fail-on` takes it: `refusal>0.5`."""

    dimension: str
    sign: str
    limit: float
    """In [0, 1], as values are."""

    def met_by(self, line: dict[str, Any]) -> bool:
        """Say whether a line of `score_lines` meets it; a line without a value meets nothing."""
        if line.get("dimension") != self.dimension or line["value"] is None:
            return False
        return OPERATORS[self.sign](line["value"], self.limit)

    def __str__(self) -> str:
        return f"{self.dimension}{self.sign}{self.limit:g}"


def conditions(expressions: Sequence[str], *, dimensions: tuple[str, ...] = ()) -> tuple[Condition, ...]:
    """Read expressions like `refusal>0.5`; `dimensions` are those that will be scored, all where it is empty.

    Raises:
        InputError: one is not of that form, or its dimension is not known or will not be scored.
    """
    known = {scorer.identity.dimension for scorer in _chosen(())}
    return tuple(_condition(one, known, set(dimensions) or known) for one in expressions)


def _condition(expression: str, known: set[str], scored: set[str]) -> Condition:
    read = _CONDITION.fullmatch(expression)
    if read is None or float(read[3]) > 1.0:
        raise InputError(
            f"cannot read --fail-on {expression!r}; write a dimension, one of {' '.join(OPERATORS)} and a number "
            'from 0 to 1, in quotes: "refusal>0.5"'
        )
    if read[1] not in known:
        raise InputError(f"--fail-on {expression!r}: no dimension {read[1]}; known: {', '.join(sorted(known))}")
    if read[1] not in scored:
        raise InputError(
            f"--fail-on {expression!r}: {read[1]} is not scored; add --dimension {read[1]}, or leave --dimension out"
        )
    return Condition(dimension=read[1], sign=read[2], limit=float(read[3]))


def score_lines(path: Path, *, dimensions: tuple[str, ...] = ()) -> Iterator[dict[str, Any]]:
    """Give one dict a line of the file and dimension, in input order; an unreadable line has `error`.

    Raises:
        InputError: the file cannot be read, or a dimension is not known.
    """
    scorers = _chosen(dimensions)
    lines = enumerate(read_lines(path))
    while batch := list(islice(lines, BATCH)):
        read = [(number, _interaction(number, line)) for number, line in batch]
        good = [one for _, one in read if isinstance(one, Interaction)]
        results = {s.identity.dimension: iter(run(s, good)) for s in scorers}
        for number, one in read:
            if isinstance(one, str):
                yield {"id": f"line {number + 1}", "error": one}
                continue
            for scorer in scorers:
                yield _as_json(one, scorer, next(results[scorer.identity.dimension]))


def _chosen(dimensions: tuple[str, ...]) -> tuple[Scorer, ...]:
    return for_dimensions(dimensions) if dimensions else default_scorers()


def _interaction(number: int, line: Line) -> Interaction | str:
    decoded = decode(
        line.value,
        key=line.key,
        headers=line.headers,
        record_time=FIXED_TIME,
        topic="file",
        partition=0,
        offset=number,
        pseudonym=lambda _raw: "",
    )
    if isinstance(decoded, Malformed):
        return f"{decoded.reason}: {decoded.detail}"
    try:
        return redact(decoded).interaction
    except RedactionFailed as error:
        return f"redaction_failed: {error}"


def _as_json(interaction: Interaction, scorer: Scorer, result: Any) -> dict[str, Any]:
    missing = isinstance(result, Unscored)
    return {
        "id": interaction.interaction_id,
        "dimension": scorer.identity.dimension,
        "value": None if missing else result.value,
        "label": result.status.value if missing else result.label,
        "probabilities": {} if missing else result.probabilities,
        "scorer": scorer.identity.id,
        "reason": result.reason,
    }
