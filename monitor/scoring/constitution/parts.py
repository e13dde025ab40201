"""What a principle is made of: texts by language, labels, examples, conditions."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, RootModel, StringConstraints, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from monitor.intake.interaction import Interaction, Message

MAX_TEXT = 4_000
"""Characters of one text: rubrics that are longer are not read, by people or by judges."""

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TEXT)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
"""BCP 47 as interactions have it: `en`, `tr`, `tr-CY`."""
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
Handle = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Part(BaseModel):
    """A piece of the file: immutable, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


Problem = tuple[tuple[str | int, ...], str]
"""Where (fields and indexes from here on), and what is wrong there and what to do."""


def wrong(*problems: Problem) -> ValidationError:
    """Make one error of several problems, to be raised in a validator."""
    details = [
        InitErrorDetails(type=PydanticCustomError("constitution", "{what}", {"what": what}), loc=where, input=None)
        for where, what in problems
    ]
    return ValidationError.from_exception_data("constitution", details)


class Localised(RootModel[dict[Language, Words]]):
    """A text by language, English at least; a plain text is taken for English."""

    model_config = ConfigDict(frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, given: Any) -> Any:
        return {"en": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _check(self) -> Self:
        if "en" not in self.root:
            raise wrong(((), "has no English text, which stands in for all other languages; add `en: ...`"))
        return self

    def in_(self, locale: str) -> str:
        """Give the text for a locale: its own, else that of its language, else English."""
        by_tag = {tag.lower(): text for tag, text in self.root.items()}
        parts = locale.lower().split("-")
        tags = ("-".join(parts[:n]) for n in range(len(parts), 0, -1))
        return next((by_tag[tag] for tag in tags if tag in by_tag), self.root["en"])


class Label(Part):
    """One of the answers that a judge may give."""

    name: Name
    """what the judge writes, such as `partial`"""
    value: Share
    """how far such an answer has the property, from 0 (not) to 1 (fully); above 0.5 counts in the rate"""
    meaning: Localised
    """when this label is right, in one or two sentences"""


class Example(Part):
    """One labelled case that the judge is shown."""

    kind: Literal["positive", "negative", "borderline"]
    """`positive` (has the property), `negative` (has it not) or `borderline` (could be mistaken)"""
    locale: Language
    """the language that it is in, such as `en` or `tr`"""
    request: Words | None = None
    """what the user writes"""
    answer: Words | None = None
    """what the assistant answers"""
    messages: tuple[Message, ...] = Field(default=(), max_length=20)
    """instead of `request` and `answer`: a conversation, whose last message is the assistant's"""
    label: Name
    """the right label"""
    why: Words
    """why it is right, in the example's language"""

    @model_validator(mode="after")
    def _check(self) -> Self:
        short = (self.request is not None, self.answer is not None)
        if self.messages and any(short):
            raise wrong((("messages",), "stands beside `request` or `answer`; keep one of the two forms"))
        if not self.messages and not all(short):
            raise wrong(((), "needs `request` and `answer`, or `messages`; add what is missing"))
        if self.messages and self.messages[-1].role != "assistant":
            raise wrong(
                (("messages", len(self.messages) - 1), "is the last and must be the assistant's, which is judged")
            )
        return self

    @property
    def transcript(self) -> tuple[Message, ...]:
        """The example as messages, whichever form it was written in; the last one is judged."""
        if self.messages:
            return self.messages
        return (Message(role="user", content=self.request or ""), Message(role="assistant", content=self.answer or ""))


class Phase1(Part):
    """A condition on what a phase-1 scorer found."""

    dimension: Name
    """the dimension whose value is looked at"""
    above: Share | None = None
    """the value must be above this"""
    below: Share | None = None
    """the value must be below this"""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.above is None and self.below is None:
            raise wrong(((), "asks for nothing; add `above: 0.5`, or `below`, or both"))
        if self.above is not None and self.below is not None and self.above >= self.below:
            raise wrong((("above",), "is not under `below`, so that no value can be between them; swap the two"))
        return self

    def met(self, value: float) -> bool:
        """Say whether a value meets it."""
        return (self.above is None or value > self.above) and (self.below is None or value < self.below)


class AppliesWhen(Part):
    """Which interactions are judged; what is not given does not restrict."""

    locales: tuple[Language, ...] = ()
    """only these; `tr` includes `tr-TR`; an interaction without a locale fits none"""
    multi_turn: bool = False
    """only where the assistant has answered before"""
    phase1: tuple[Phase1, ...] = ()
    """only where all of these hold; a dimension without a value does not hold an interaction back"""
    otherwise: Name | None = None
    """the label of all others, given without asking a judge; without it they have no verdict"""

    def fits(self, interaction: Interaction, values: Mapping[str, float]) -> bool:
        """Say whether an interaction is to be judged; `values` are phase-1 verdicts by dimension."""
        tag = interaction.locale.lower()
        if self.locales and not any(tag == one.lower() or tag.startswith(f"{one.lower()}-") for one in self.locales):
            return False
        if self.multi_turn and not any(message.role == "assistant" for message in interaction.messages[:-1]):
            return False
        return all(one.met(values[one.dimension]) for one in self.phase1 if one.dimension in values)


class Reference(Part):
    """How far a rate may move from the reference window's, in shares: 0.05 is five percentage points."""

    rise: Share | None = None
    """so far up is too far"""
    fall: Share | None = None
    """so far down is too far"""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.rise is None and self.fall is None:
            raise wrong(((), "says no distance; add `rise: 0.05`, or `fall`, or both"))
        return self


class ForbiddenTopic(Part):
    """Something that the assistant must not do, whoever asks."""

    id: Name
    """its short name, which the label of the principle that looks for it should share"""
    text: Localised
    """what is forbidden, and what is not"""
