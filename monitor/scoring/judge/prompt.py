"""From principles and an interaction to what a judge is sent.

The system part and the schema are the same for all interactions that a judge sees in one language, so endpoints can
cache both. The user part is the fenced transcript and, after it, a reminder of what counts. All text that is sent
stands in `prompts/*.LANG.txt`, in the constitution, or in the interaction.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from importlib import resources
from typing import Any

from monitor.intake.interaction import Interaction
from monitor.scoring.judge import fence as fences
from monitor.scoring.judge import transcript
from monitor.scoring.judge.call import Prompt
from monitor.scoring.judge.criteria import LANGUAGES, Criterion, Language, language_of

VERSION = "1"
"""Part of the digest; bump it when this module puts the same pieces together differently."""

_FILES = ("system", "criterion", "example", "reminder", "order")
_PLACE = re.compile(r"\{([a-z]+)\}")


def build(
    criteria: Sequence[Criterion], interaction: Interaction, *, locale: str, max_characters: int, fence: str
) -> Prompt:
    """Ask for a verdict on each criterion about the interaction's last turn.

    `criteria` are in the language of `locale`; `max_characters` bounds the transcript's own text; `fence` is a code of
    `fence.fresh()`, new for each call.

    Raises:
        ValueError: the fence is no such code, there is no criterion, or two have the same dimension.
    """
    language = language_of(locale)
    parts = transcript.clip(
        interaction,
        max_characters=max_characters,
        language=language,
        clean=lambda text: fences.neutralise(text, fence),
    )
    return compose(criteria, parts, interaction_id=interaction.interaction_id, language=language, fence=fence)


def compose(
    criteria: Sequence[Criterion],
    parts: Sequence[transcript.Turn | transcript.Gap],
    *,
    interaction_id: str,
    language: Language,
    fence: str,
    reminder: bool = True,
) -> Prompt:
    """Put a prompt together from turns that are safe already; for whoever measures what happens when they are not."""
    if not criteria or len({one.dimension for one in criteria}) < len(criteria):
        raise ValueError("a prompt needs at least one criterion, and each of another dimension")
    lines = [f'<transcript key="{fences.checked(fence)}">']
    for part in parts:
        if isinstance(part, transcript.Turn):
            lines.append(f"[{fence} turn {part.number} {part.role}{', judged' if part.judged else ''}]")
        lines.append(part.text)
    lines.append(f'</transcript key="{fence}">')
    if reminder:
        judged = max((part.number for part in parts if isinstance(part, transcript.Turn)), default=1)
        lines += ["", _reminder(criteria, interaction_id, judged, language)]
    return Prompt(system=_system(tuple(criteria), language), user="\n".join(lines), schema=_schema(tuple(criteria)))


@lru_cache(maxsize=64)
def _schema(criteria: tuple[Criterion, ...]) -> dict[str, Any]:
    """One object for all calls with these criteria: the transport writes it once. Not to be changed."""
    return schema(criteria)


def schema(criteria: Iterable[Criterion]) -> dict[str, Any]:
    """JSON schema of the answer. The order of keys is the order of writing: the reason comes before the label.

    Keeps to what all endpoints with structured output take: no bounds on lengths or numbers (`parse` checks them).
    Whoever sends it must not sort its keys.
    """
    quote = _object({"turn": {"type": "integer"}, "quote": {"type": "string"}})
    return _object(
        {
            one.dimension: _object(
                {
                    "reason": {"type": "string"},
                    "evidence": {"type": "array", "items": quote},
                    "label": {"type": "string", "enum": [label.name for label in one.labels]},
                    "confidence": {"type": "number"},
                }
            )
            for one in criteria
        }
    )


def label_order(criterion: Criterion, interaction_id: str) -> tuple[str, ...]:
    """Label names in the order that the reminder gives them in; judges lean to a place in a list.

    Any order is as likely as another, and it is a pure function of both ids, so it can be found again later. The
    system part keeps the constitution's order, for endpoints' caches.
    """

    def place(name: str) -> bytes:
        return hashlib.sha256(f"{interaction_id}\0{criterion.id}\0{name}".encode("utf-8", "replace")).digest()

    return tuple(sorted((label.name for label in criterion.labels), key=place))


def digest(criteria: Mapping[Language, Sequence[Criterion]], *, max_characters: int) -> str:
    """sha256 (64 hex digits) of all prompt text and rules that can change an answer, in the languages given."""
    parts = {
        "versions": [VERSION, fences.VERSION, transcript.VERSION],
        "max_characters": max_characters,
        "neutralised": [fences.data("lookalikes"), fences.data("markers")],
        "files": {language: {name: _file(name, language) for name in _FILES} for language in sorted(criteria)},
        "criteria": {language: [_plain(one) for one in criteria[language]] for language in sorted(criteria)},
        # Key order is part of what is sent, so this one is not sorted.
        "schema": [json.dumps(schema(criteria[language])) for language in sorted(criteria)],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _plain(one: Criterion) -> dict[str, Any]:
    examples = [{**asdict(case), "messages": [m.model_dump() for m in case.messages]} for case in one.examples]
    return {**asdict(one), "examples": examples}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _reminder(criteria: Sequence[Criterion], interaction_id: str, judged: int, language: Language) -> str:
    orders = [
        _fill("order", language, dimension=one.dimension, labels=", ".join(label_order(one, interaction_id)))
        for one in criteria
    ]
    return _fill("reminder", language, turn=str(judged), orders="\n".join(orders))


@lru_cache(maxsize=64)
def _system(criteria: tuple[Criterion, ...], language: Language) -> str:
    form = {
        one.dimension: {"reason": "…", "evidence": [{"turn": 0, "quote": "…"}], "label": "…", "confidence": 0.0}
        for one in criteria
    }
    return _fill(
        "system",
        language,
        criteria="\n\n".join(_criterion(one, language) for one in criteria),
        dimensions=", ".join(one.dimension for one in criteria),
        form=json.dumps(form, ensure_ascii=False),
    )


def _criterion(one: Criterion, language: Language) -> str:
    examples = [
        _fill(
            "example",
            language,
            messages="\n".join(f"{message.role}: {message.content}" for message in case.messages),
            label=case.label,
            reason=case.reason,
        )
        for case in one.examples
    ]
    return _fill(
        "criterion",
        language,
        dimension=one.dimension,
        text="\n".join([one.text, *(f"- {part}" for part in one.shared)]),
        question=one.question,
        labels="\n".join(f"- {label.name}: {label.meaning}" for label in one.labels),
        examples="\n".join(examples),
    )


def _fill(name: str, language: Language, **values: str) -> str:
    """One pass: braces in what is filled in stay as they are."""
    return _PLACE.sub(lambda place: values[place[1]], _file(name, language)).strip()


@lru_cache(maxsize=len(_FILES) * len(LANGUAGES))
def _file(name: str, language: Language) -> str:
    folder = resources.files("monitor.scoring.judge") / "prompts"
    return (folder / f"{name}.{language}.txt").read_text(encoding="utf-8")
