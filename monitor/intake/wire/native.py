"""Our own JSON format, and what its producers commonly get nearly right."""

from itertools import chain

from monitor.intake.wire.content import messages
from monitor.intake.wire.draft import Draft, first
from monitor.intake.wire.jsontext import Json
from monitor.intake.wire.malformed import Reason, WireError, wrong_type

KNOWN = frozenset(
    {
        "interaction_id",
        "id",
        "conversation_id",
        "turn",
        "occurred_at",
        "timestamp",
        "created_at",
        "messages",
        "model",
        "model_version",
        "deployment",
        "prompt_version",
        "tenant",
        "locale",
        "user_id",
        "user",
        "user_key",
        "feedback",
        "finish_reason",
        "usage",
        "attributes",
    }
)
"""Top-level members with a meaning; any other scalar is kept as an attribute."""


def read(document: dict[str, Json], notes: list[str]) -> Draft:
    """The draft of one native document. Raises WireError."""
    get = document.get
    if "messages" not in document:
        raise WireError(Reason.MISSING_FIELD, "messages is missing")
    draft = Draft(messages(document["messages"], "messages", notes))
    draft.interaction_id = first(get("interaction_id"), get("id"))
    draft.conversation_id = get("conversation_id")
    draft.turn = get("turn")
    draft.occurred_at = first(get("occurred_at"), get("timestamp"), get("created_at"))
    draft.deployment = get("deployment")
    draft.prompt_version = get("prompt_version")
    draft.tenant = get("tenant")
    draft.locale = get("locale")
    # A pseudonym that a producer made is not ours to trust: it is keyed like any raw id.
    draft.user = first(get("user_id"), get("user"), get("user_key"))
    draft.feedback = get("feedback")
    draft.finish_reason = get("finish_reason")
    draft.model_name, draft.model_version = model_of(get("model"), get("model_version"))
    usage = get("usage")
    if usage is not None:
        draft.input_tokens, draft.output_tokens = usage_of(usage, "usage")
    draft.attributes = attributes_of(document, KNOWN)
    return draft


def model_of(model: Json, version: Json) -> tuple[Json, Json]:
    """Name and version, from an object or a bare name."""
    if isinstance(model, dict):
        return model.get("name"), first(model.get("version"), version)
    return model, version


def usage_of(usage: Json, where: str) -> tuple[Json, Json]:
    """Input and output tokens under any of the usual names."""
    if not isinstance(usage, dict):
        raise wrong_type(where, "an object", usage)
    return (
        first(usage.get("input_tokens"), usage.get("prompt_tokens")),
        first(usage.get("output_tokens"), usage.get("completion_tokens")),
    )


def attributes_of(document: dict[str, Json], known: frozenset[str]) -> list[tuple[str, Json]]:
    """`attributes` first, then top-level members that have no meaning here."""
    given = document.get("attributes")
    if given is None:
        given = {}
    elif not isinstance(given, dict):
        raise wrong_type("attributes", "an object", given)
    if document.keys() <= known:
        return list(given.items())
    return list(chain(given.items(), ((name, value) for name, value in document.items() if name not in known)))
