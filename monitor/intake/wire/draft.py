"""The plain form that every wire format is read into, before values are checked and normalised."""

from dataclasses import dataclass, field
from typing import Any

from monitor.intake.wire.jsontext import Json

USER_NAMES = frozenset(
    {
        "user",
        "user_id",
        "userid",
        "userId",
        "user_key",
        "user.id",
        "user_name",
        "username",
        "enduser.id",
        "enduser.pseudo.id",
        "enduser_id",
        "end_user_id",
        "customer_id",
        "safety_identifier",
        "gen_ai.user.id",
    }
)
"""Names whose value says who the user is; never kept as an attribute."""


@dataclass(slots=True)
class Draft:
    """Values as sent, under our names; None where the producer says nothing.

    `messages` holds `{"role", "content"}` with our roles and plain text; `attributes` are candidates, most
    telling first, and may hold anything.
    """

    messages: list[dict[str, str]]
    interaction_id: Json = None
    conversation_id: Json = None
    turn: Json = None
    occurred_at: Json = None
    model_name: Json = None
    model_version: Json = None
    deployment: Json = None
    prompt_version: Json = None
    tenant: Json = None
    locale: Json = None
    user: Json = None
    feedback: Json = None
    finish_reason: Json = None
    input_tokens: Json = None
    output_tokens: Json = None
    attributes: list[tuple[str, Any]] = field(default_factory=list)


def first(*values: Json) -> Json:
    """The first value that says something: not None, not an empty string."""
    for value in values:
        if value is not None and value != "":
            return value
    return None
