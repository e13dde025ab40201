"""From a judge's raw reply to a verdict a dimension: its own structured verdict, or the reason why there is none.

Nothing in a reply is guessed at. Text round the verdict is allowed, and so are code fences; what stands in a block
quote or in quotation marks is not the judge's own. Everything else that is odd is `unparseable`.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from monitor.intake.interaction import Interaction
from monitor.scoring.judge import confidence as confidences
from monitor.scoring.judge import evidence
from monitor.scoring.judge.call import Reply
from monitor.scoring.judge.criteria import Criterion
from monitor.scoring.judge.fence import visible
from monitor.scoring.lexical import refusal
from monitor.scoring.verdict import Result, Status, Unscored, Verdict

VERSION = "1"
"""Part of a judge's code version; bump it when a reply can be read differently."""

UNSUPPORTED = "unsupported: "
"""Opens the reason of a verdict whose evidence was not found in the transcript."""
MAX_REPLY = 100_000
"""Characters; a longer reply is not a verdict."""
MAX_OBJECTS = 50
MAX_QUOTES = 20
REASON_LENGTH = 300
_SHORT_REFUSAL = 1_500
"""Characters; a reply without a verdict that is longer is not a refusal but a judge that lost its way."""

_THOUGHTS = re.compile(r"\s*<think>.*?</think>", re.DOTALL)
_BLOCK_QUOTE = re.compile(r"^[ \t]*>[^\n]*$", re.MULTILINE)
_OPENS = re.compile(r'\{\s*["}]')
_QUOTED = re.compile("[\"'\u201c\u2018\u00ab\u201e\u2039][ \t]*\\Z")
_MISSING = object()


class _Object(dict[str, Any]):
    """A JSON object that remembers which of its keys were there twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.twice = {name for name, times in Counter(name for name, _ in pairs).items() if times > 1}


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One criterion's well-formed answer; whether its evidence holds is another question."""

    label: str
    value: float
    reason: str
    """As the judge wrote it."""
    quotes: tuple[evidence.Quote, ...]
    confidence: float
    """In [0, 1]: the probability of the label's tokens where the endpoint gives it, else what the judge says."""
    measured: bool = False
    """Whether the confidence comes from the tokens."""


def parse(reply: Reply, criteria: Sequence[Criterion], interaction: Interaction) -> dict[str, Result]:
    """Give one result a criterion, by dimension; never raises.

    A verdict's value is its label's. `probabilities` has the label's probability, and the other label's where there
    are two. Evidence that is not in the transcript is marked by `UNSUPPORTED` at the start of the reason.
    """
    rubric = {one.dimension: one for one in criteria}
    results: dict[str, Result] = {}
    for dimension, answer in read(reply, criteria).items():
        if isinstance(answer, Unscored):
            results[dimension] = answer
        else:
            results[dimension] = verdict(answer, rubric[dimension], interaction)
    return results


def verdict(answer: Answer, criterion: Criterion, interaction: Interaction) -> Verdict:
    """Make a verdict of an answer, marked where its evidence does not hold."""
    reason = one_line(answer.reason, REASON_LENGTH)
    if not evidence.supported(answer.quotes, interaction):
        reason = f"{UNSUPPORTED}{reason}"
    probabilities = {answer.label: answer.confidence}
    if len(criterion.labels) == 2:
        other = next(label.name for label in criterion.labels if label.name != answer.label)
        probabilities[other] = 1.0 - answer.confidence
    return Verdict(value=answer.value, label=answer.label, reason=reason, probabilities=probabilities)


def read(reply: Reply, criteria: Sequence[Criterion]) -> dict[str, Answer | Unscored]:
    """Read a reply's structure, without looking at the transcript; never raises."""
    if reply.stop == "refusal":
        return _all(criteria, Status.REFUSED_BY_JUDGE, "the endpoint says that the judge refused")
    if len(reply.text) > MAX_REPLY:
        return _all(criteria, Status.UNPARSEABLE, f"the reply is longer than {MAX_REPLY} characters")
    text = _own(reply.text)
    found = _objects(text)
    if isinstance(found, str):
        return _all(criteria, Status.UNPARSEABLE, found)
    names = {one.dimension for one in criteria}
    ours = [(start, made) for start, made in found if names.intersection(made)]
    if not ours:
        if len(text) <= _SHORT_REFUSAL and refusal.find("", text).degree is refusal.Degree.FULL:
            return _all(criteria, Status.REFUSED_BY_JUDGE, "the judge refuses in words")
        what = "the reply was cut before a verdict" if reply.stop == "length" else "no verdict in the reply"
        return _all(criteria, Status.UNPARSEABLE, what)
    answers = {one.dimension: _answer(one, [made for _, made in ours]) for one in criteria}
    chosen = {name: answer.label for name, answer in answers.items() if isinstance(answer, Answer)}
    measured = confidences.from_tokens(reply, list(ours[-1][1]), chosen)
    return {
        name: replace(answer, confidence=measured[name], measured=True)
        if isinstance(answer, Answer) and name in measured
        else answer
        for name, answer in answers.items()
    }


def one_line(text: str, length: int) -> str:
    """Text for a row or a terminal: one line, nothing invisible, cut with an ellipsis."""
    line = " ".join(visible(text).split())
    return line if len(line) <= length else f"{line[: length - 1]}…"


def _all(
    criteria: Sequence[Criterion], status: Literal[Status.REFUSED_BY_JUDGE, Status.UNPARSEABLE], reason: str
) -> dict[str, Answer | Unscored]:
    return {one.dimension: Unscored(status=status, reason=reason) for one in criteria}


def _own(text: str) -> str:
    """The judge's own words: thoughts before the answer and block quotes are blanked, so that offsets stay."""
    # Only up to the first end of thoughts: a later one may be repeated from the transcript.
    thoughts = _THOUGHTS.match(text)
    start = thoughts.end() if thoughts else 0
    return " " * start + _BLOCK_QUOTE.sub(lambda line: " " * len(line[0]), text[start:])


def _objects(text: str) -> list[tuple[int, _Object]] | str:
    """All JSON objects that stand in no other and in no quotation marks, with their offsets; or what is wrong.

    One that starts as JSON and is not makes the whole reply unreadable: what stands in it cannot be told from what
    it quotes.
    """
    decoder = json.JSONDecoder(object_pairs_hook=_Object)
    made: list[tuple[int, _Object]] = []
    at = seen = 0
    while opening := _OPENS.search(text, at):
        start = opening.start()
        try:
            one, at = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            return "the reply holds a broken or unfinished JSON object"
        if not _QUOTED.search(text, max(0, start - 8), start):
            made.append((start, one))
        seen += 1
        if seen > MAX_OBJECTS:
            return f"the reply holds more than {MAX_OBJECTS} JSON objects"
    return made


def _answer(criterion: Criterion, objects: Sequence[_Object]) -> Answer | Unscored:
    """The last answer about one criterion, if all that are given are well-formed and agree."""
    read_in = [_entry(criterion, one) for one in objects if criterion.dimension in one]
    if not read_in:
        return _unreadable("the verdict says nothing about it")
    for one in read_in:
        if isinstance(one, Unscored):
            return one
    answers = [one for one in read_in if isinstance(one, Answer)]
    if len({one.label for one in answers}) > 1:
        return _unreadable("two verdicts that contradict each other")
    return answers[-1]


def _entry(criterion: Criterion, whole: _Object) -> Answer | Unscored:
    entry = whole[criterion.dimension]
    if criterion.dimension in whole.twice:
        return _unreadable("given twice in one verdict")
    if not isinstance(entry, _Object) or entry.twice:
        return _unreadable("not an object with each key once")
    # A label as a list cannot be looked up.
    label, sure, reason = entry.get("label"), entry.get("confidence"), entry.get("reason")
    values: Mapping[str, float] = {one.name: one.value for one in criterion.labels}
    if not isinstance(label, str) or label not in values:
        return _unreadable("its label is not one of the rubric")
    if not isinstance(sure, int | float) or isinstance(sure, bool) or not 0.0 <= sure <= 1.0:
        return _unreadable("its confidence is not a number from 0 to 1")
    if not isinstance(reason, str):
        return _unreadable("its reason is not text")
    quotes = _quotes(entry.get("evidence", _MISSING))
    if quotes is None:
        return _unreadable("its evidence is not a list of quotes with their turns")
    return Answer(label=label, value=values[label], reason=reason, quotes=quotes, confidence=float(sure))


def _quotes(given: Any) -> tuple[evidence.Quote, ...] | None:
    if not isinstance(given, list) or len(given) > MAX_QUOTES:
        return None
    made = [_quote(one) for one in given]
    return None if None in made else tuple(one for one in made if one)


def _quote(given: Any) -> evidence.Quote | None:
    if not isinstance(given, _Object) or given.twice:
        return None
    turn, text = given.get("turn"), given.get("quote")
    if not isinstance(turn, int) or isinstance(turn, bool) or not isinstance(text, str):
        return None
    return evidence.Quote(turn=turn, text=text)


def _unreadable(reason: str) -> Unscored:
    return Unscored(status=Status.UNPARSEABLE, reason=reason)
