"""A judge: one endpoint and the principles that it judges, put together into calls; no transport, money or tables."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Self

from monitor.intake.interaction import Interaction
from monitor.scoring.constitution.model import Constitution, Principle, calls
from monitor.scoring.judge import fence, parse, prompt
from monitor.scoring.judge.call import Prompt, Reply
from monitor.scoring.judge.criteria import LANGUAGES, Criterion, Language, criterion, language_of
from monitor.scoring.judge.settings import JudgeEndpoint
from monitor.scoring.verdict import Result, ScorerIdentity, Status, Unscored, Verdict

CODE_VERSION = f"1.{parse.VERSION}"

Phase1 = Mapping[str, float | None]
"""Phase-1 values by dimension; None where a dimension has a terminal row without a value."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Asking:
    """Principles that one endpoint is asked about in one call."""

    endpoint: JudgeEndpoint
    constitution: Constitution
    principles: tuple[Principle, ...]

    @cached_property
    def identities(self) -> Mapping[str, ScorerIdentity]:
        """Give who scores, by dimension; what is asked in the same call is part of it, through the prompt."""
        in_words = prompt.digest(
            {language: self.criteria(language) for language in LANGUAGES},
            max_characters=self.endpoint.max_prompt_characters,
        )
        one = self.endpoint
        told = {
            "provider": one.provider,
            "base_url": str(one.base_url or ""),
            "structured": one.structured,
            "temperature": one.temperature,
            "seed": one.seed,
            "max_tokens": one.max_tokens,
            "logprobs": one.logprobs,
            # What is asked of whom decides which questions stand together in a call.
            "applies": [p.applies_when.model_dump(mode="json", exclude_defaults=True) for p in self.principles],
        }
        return {
            p.dimension: ScorerIdentity(
                kind="judge",
                name=judge_name(one),
                dimension=p.dimension,
                code_version=CODE_VERSION,
                prompt=in_words,
                model=one.model,
                parameters={**told, "principle": self.constitution.digest(p)},
            )
            for p in self.principles
        }

    @lru_cache(maxsize=8)  # noqa: B019 - a worker has few of these, and they live as long as it does
    def criteria(self, language: Language) -> tuple[Criterion, ...]:
        """Give the rubric in one language."""
        return tuple(criterion(self.constitution, one, language) for one in self.principles)

    def needs(self) -> frozenset[str]:
        """Give the phase-1 dimensions that conditions ask for."""
        return frozenset(one.dimension for p in self.principles for one in p.applies_when.phase1)

    def applying(self, interaction: Interaction, phase1: Phase1) -> tuple[Principle, ...]:
        """Give the principles that are asked about this interaction."""
        known = {dimension: value for dimension, value in phase1.items() if value is not None}
        return tuple(one for one in self.principles if one.applies(interaction, known))

    def without_asking(self, interaction: Interaction, phase1: Phase1) -> dict[str, Result]:
        """Give the results, by dimension, of the principles that do not apply to this interaction."""
        asked = self.applying(interaction, phase1)
        return {one.dimension: _not_asked(one) for one in self.principles if one not in asked}

    def question(self, interaction: Interaction, asked: Sequence[Principle]) -> str:
        """Give sha256 (64 hex digits) of who asks and of all that is asked about: the key of the cache.

        Whatever the judge reads of an interaction is in it; whose interaction it is and when it was is not.
        """
        parts = [
            sorted(self.identities[one.dimension].id for one in asked),
            language_of(interaction.locale),
            [[m.role, m.content] for m in interaction.messages],
        ]
        text = json.dumps(parts, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def prompt(self, interaction: Interaction, asked: Sequence[Principle]) -> Prompt:
        """Build what is sent, behind a new fence."""
        return prompt.build(
            self._criteria_of(interaction, asked),
            interaction,
            locale=interaction.locale,
            max_characters=self.endpoint.max_prompt_characters,
            fence=fence.fresh(),
        )

    def read(self, reply: Reply, interaction: Interaction, asked: Sequence[Principle]) -> dict[str, Result]:
        """Read a reply, by dimension; never raises."""
        return parse.parse(reply, self._criteria_of(interaction, asked), interaction)

    def _criteria_of(self, interaction: Interaction, asked: Sequence[Principle]) -> tuple[Criterion, ...]:
        wanted = {one.dimension for one in asked}
        return tuple(one for one in self.criteria(language_of(interaction.locale)) if one.dimension in wanted)


@dataclass(frozen=True, kw_only=True, eq=False)
class Judge:
    """One endpoint with all that it is asked about."""

    endpoint: JudgeEndpoint
    askings: tuple[Asking, ...]

    @classmethod
    def of(cls, endpoint: JudgeEndpoint, constitution: Constitution) -> Self:
        """Put an endpoint's principles together into calls.

        Raises:
            ConfigError: a dimension that the endpoint names has no principle.
        """
        principles = constitution.for_judge(endpoint.name, endpoint.dimensions)
        return cls(
            endpoint=endpoint,
            askings=tuple(
                Asking(endpoint=endpoint, constitution=constitution, principles=group) for group in calls(principles)
            ),
        )

    @property
    def name(self) -> str:
        """The name of its scorers."""
        return judge_name(self.endpoint)

    @property
    def identities(self) -> tuple[ScorerIdentity, ...]:
        """Give all its scorers, one a dimension."""
        return tuple(identity for asking in self.askings for identity in asking.identities.values())


def judge_name(endpoint: JudgeEndpoint) -> str:
    """Give the name that an endpoint's scorers have."""
    return f"judge-{endpoint.name}"


def _not_asked(one: Principle) -> Result:
    label = one.applies_when.otherwise
    if label is None:
        return Unscored(status=Status.ABSTAINED, reason="the principle does not apply to this interaction")
    value = next(known.value for known in one.labels if known.name == label)
    return Verdict(value=value, label=label, reason="the principle does not apply here; no judge was asked")
