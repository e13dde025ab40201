"""The interaction: one assistant turn with the messages that led to it (DESIGN §4)."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Role = Literal["system", "user", "assistant", "tool"]


class Frozen(BaseModel):
    """A value between two stages: immutable, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class Message(Frozen):
    """One message; `content` is text, with non-text parts already written as `[image]` and the like."""

    role: Role
    content: str


class Model(Frozen):
    """The model that answered, as the producer names it."""

    name: str = ""
    version: str = ""


class Usage(Frozen):
    """Tokens, where the producer tells them."""

    input_tokens: int | None = Field(default=None, ge=0)
    output_tokens: int | None = Field(default=None, ge=0)


class Interaction(Frozen):
    """What every later stage works on. The last message is the assistant's."""

    interaction_id: str = Field(min_length=1, max_length=256)
    conversation_id: str = Field(min_length=1, max_length=256)
    """The sampling unit and the variance cluster; the interaction's own id where the producer gave none."""
    turn: int = Field(ge=0, le=2**31 - 1)
    """How many assistant turns came before this one."""
    occurred_at: datetime
    """When the producer says it happened, UTC; the record's time where that is missing or absurd."""
    messages: tuple[Message, ...] = Field(min_length=1)
    model: Model = Model()
    deployment: str = ""
    prompt_version: str = ""
    tenant: str = ""
    locale: str = ""
    """BCP 47, lower-cased language first: `en`, `tr`, `tr-TR`; empty when the producer does not say."""
    user_key: str = ""
    """Keyed pseudonym of the user; never the raw id."""
    feedback: float | None = None
    """The proxy reward: thumbs (0 or 1), a rating or a reward model's score, as the producer sends it."""
    finish_reason: str = ""
    usage: Usage = Usage()
    attributes: dict[str, str] = Field(default_factory=dict)
    normalised: tuple[str, ...] = ()
    """What `decode` had to mend, by name: `occurred_at`, `nul`, `surrogate`."""

    @property
    def answer(self) -> str:
        """The assistant turn that is judged."""
        return self.messages[-1].content

    @property
    def request(self) -> str:
        """The user's last message before the answer, or an empty string."""
        return next((m.content for m in reversed(self.messages[:-1]) if m.role == "user"), "")
