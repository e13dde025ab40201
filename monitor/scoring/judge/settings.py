"""What a person sets about judges: endpoints, prices, budgets; read from the environment as `Settings.judging`."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr, field_validator, model_validator

NAME = r"^[a-z0-9][a-z0-9-]{0,39}$"
MEMBERS = 2
"""The fewest that make a panel."""


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Price(_Group):
    """US dollars a million tokens."""

    input: float = Field(ge=0, allow_inf_nan=False)
    output: float = Field(ge=0, allow_inf_nan=False)
    cached: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """Of input that the endpoint had cached; like other input where it is not told."""


class JudgeEndpoint(_Group):
    """One model behind one address."""

    name: str = Field(pattern=NAME)
    """Part of the scorer's name: `judge-NAME`."""
    provider: Literal["openai", "anthropic"] = "openai"
    """The protocol: `openai` is also spoken by Azure, vLLM, Ollama, llama.cpp, LiteLLM."""
    base_url: HttpUrl | None = None
    """None = the provider's own."""
    api_key: SecretStr | None = None
    model: str = Field(min_length=1)
    structured: Literal["schema", "json", "none"] = "schema"
    """What the endpoint offers to hold the answer to a form: a JSON schema, any JSON, or nothing."""
    temperature: float | None = Field(default=0.0, ge=0, le=2)
    """None = not sent: some models refuse it."""
    seed: int | None = 7
    max_tokens: int = Field(default=700, ge=50, le=8_000)
    logprobs: bool = False
    timeout_s: float = Field(default=60.0, gt=0)
    tries: int = Field(default=4, ge=1, le=10)
    concurrency: int = Field(default=8, ge=1, le=1_024)
    """Calls at once, a worker process."""
    max_prompt_characters: int = Field(default=24_000, ge=2_000)
    """Of the transcript: what is longer keeps its head, its tail and the judged turn."""
    price: Price | None = None
    """None = unpriced: the judge does not start."""
    probability: float = Field(default=1.0, gt=0, le=1)
    """The share of classified samples that this judge sees (phase 2)."""
    dimensions: tuple[str, ...] = ()
    """The principles that it judges, by dimension; empty = all that name it or name no judge."""


class PanelSettings(_Group):
    """Judges whose stored verdicts are put together into one; nobody is asked a second time."""

    name: str = Field(pattern=NAME)
    """Part of the scorer's name: `panel-NAME`."""
    judges: tuple[Annotated[str, Field(pattern=NAME)], ...]
    """Its members, by endpoint name: two at least."""
    rule: Literal["majority", "mean"] = "majority"
    dimensions: tuple[str, ...] = ()
    """What it gives verdicts on; every member must be asked about it. Empty = all that every member is asked about."""

    @field_validator("judges")
    @classmethod
    def _members(cls, judges: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(judges)) < len(judges):
            raise ValueError("names a judge twice; a member has one vote")
        if len(judges) < MEMBERS:
            raise ValueError(f"a panel needs {MEMBERS} judges at least; name another endpoint, or remove the panel")
        return judges


class Budget(_Group):
    """Caps; None = no cap of that kind. Periods are by UTC: the clock hour, the day, the calendar month."""

    usd_hour: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    usd_day: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    usd_month: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    calls_hour: int | None = Field(default=None, ge=0)
    calls_day: int | None = Field(default=None, ge=0)
    calls_month: int | None = Field(default=None, ge=0)


class JudgingSettings(_Group):
    """Which judges there are, and what they may cost."""

    endpoints: tuple[JudgeEndpoint, ...] = ()
    """None = no judges: everything else works without."""
    panels: tuple[PanelSettings, ...] = ()
    constitution: Path | None = None
    """The user's own; None = the shipped one."""
    budget: Budget = Budget(usd_day=10.0)
    """Of all judges together."""
    budgets: dict[str, Budget] = Field(default_factory=dict)
    """By endpoint name, beside the one of all."""
    every_s: float = Field(default=15.0, gt=0)
    """How often due judge work is looked for."""
    attack_every_s: float = Field(default=3600.0, ge=0)
    """How often planted attacks are judged (injection canaries); 0 = never."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [one.name for one in self.endpoints]
        if len(set(names)) < len(names):
            raise ValueError("endpoints: two have the same name")
        unpriced = [one.name for one in self.endpoints if one.price is None]
        if unpriced:
            raise ValueError(
                f"endpoints: {', '.join(unpriced)} has no price, so its cost could not be held to a budget; "
                'set "price": {"input": 0, "output": 0} for a model that costs nothing'
            )
        unknown = sorted(set(self.budgets) - set(names))
        if unknown:
            raise ValueError(f"budgets: no endpoint named {', '.join(unknown)}")
        return self

    @model_validator(mode="after")
    def _check_panels(self) -> Self:
        endpoints = [one.name for one in self.endpoints]
        taken = set(endpoints)
        for panel in self.panels:
            if panel.name in taken:
                raise ValueError(f"panels: an endpoint or another panel is named {panel.name} too; rename one")
            taken.add(panel.name)
            unknown = [name for name in panel.judges if name not in endpoints]
            if unknown:
                known = ", ".join(endpoints) or "none"
                raise ValueError(f"panels: {panel.name}: no endpoint named {', '.join(unknown)}; endpoints: {known}")
        return self
