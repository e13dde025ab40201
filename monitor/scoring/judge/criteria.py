"""What a judge needs of a principle, in one language."""

from dataclasses import dataclass
from typing import Literal

from monitor.intake.interaction import Message
from monitor.scoring.constitution.model import Constitution, Principle

Language = Literal["en", "tr"]
LANGUAGES: tuple[Language, ...] = ("en", "tr")
"""The languages that judges are asked in; label names are the same in both."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """One possible answer; `value` in [0, 1] is how far it has the dimension's property."""

    name: str
    value: float
    meaning: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """One labelled case of a rubric; the last message is the assistant's, which is judged."""

    messages: tuple[Message, ...]
    label: str
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Criterion:
    """One question to a judge, with the answers that it may give."""

    id: str
    dimension: str
    """Names the criterion in prompt and reply: letters, digits, `_`; unique among those of one call."""
    question: str
    labels: tuple[Label, ...]
    text: str = ""
    """The principle behind the question."""
    shared: tuple[str, ...] = ()
    """What the constitution says once for several principles: forbidden topics, tone."""
    examples: tuple[Example, ...] = ()
    digest: str = ""
    """Of the principle as the constitution has it; empty where there is none."""


def language_of(locale: str) -> Language:
    """Give the language a judge is asked in: Turkish for `tr`, `tr-TR`; English for all others."""
    return "tr" if locale.lower().replace("_", "-").partition("-")[0] == "tr" else "en"


def criterion(constitution: Constitution, principle: Principle, language: Language) -> Criterion:
    """Take of a principle what a judge is shown in a language.

    Examples are those in that language where they show both sides, else all of them.
    """
    shared = []
    if "forbidden_topics" in principle.reads:
        shared += [f"{topic.id}: {topic.text.in_(language)}" for topic in constitution.forbidden_topics]
    if "tone" in principle.reads and constitution.tone is not None:
        shared.append(constitution.tone.in_(language))
    own = [one for one in principle.examples if language_of(one.locale) == language]
    chosen = own if {"positive", "negative"} <= {one.kind for one in own} else principle.examples
    return Criterion(
        id=principle.id,
        dimension=principle.dimension,
        text=principle.text.in_(language),
        question=principle.question.in_(language),
        labels=tuple(
            Label(name=one.name, value=one.value, meaning=one.meaning.in_(language)) for one in principle.labels
        ),
        shared=tuple(shared),
        examples=tuple(Example(messages=one.transcript, label=one.label, reason=one.why) for one in chosen),
        digest=constitution.digest(principle),
    )
