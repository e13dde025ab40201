"""Kafka record -> Interaction or Malformed. It never raises on any bytes and never guesses twice differently.

Called by the ingest worker for each record that may be sampled; pure, does not block. The result depends on
the record alone, so that a replay gives the same ids, the same sampling decision and the same rows.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache

from pydantic import ValidationError

from monitor.intake.interaction import Interaction, Model
from monitor.intake.wire import native, openai, otel
from monitor.intake.wire.draft import Draft
from monitor.intake.wire.jsontext import Json, clean_text, parse
from monitor.intake.wire.malformed import Malformed, Reason, WireError, wrong_type
from monitor.intake.wire.values import attributes, count, feedback, identifier, locale, moment, short_text

__all__ = ["FORMAT_HEADER", "MAX_BYTES", "Malformed", "Reason", "decode"]

FORMAT_HEADER = "am-format"
MAX_BYTES = 4 * 1024 * 1024

_READERS: dict[str, Callable[[dict[str, Json], list[str]], Draft]] = {
    "native": native.read,
    "openai": openai.read,
    "otel": otel.read,
}


def decode(
    value: bytes | None,
    *,
    key: bytes | None,
    headers: Sequence[tuple[str, bytes]],
    record_time: datetime,
    topic: str,
    partition: int,
    offset: int,
    pseudonym: Callable[[str], str],
    max_bytes: int = MAX_BYTES,
) -> Interaction | Malformed:
    """The interaction in one record, with raw personal data still in its text: `redact` comes next.

    `pseudonym` turns a raw user id into a key; what it raises is the caller's and passes through. Time and
    memory are bounded by `max_bytes`.
    """
    if value is None:
        return Malformed(reason=Reason.NULL_VALUE, detail="the record has no value (a tombstone)")
    if len(value) > max_bytes:
        return Malformed(reason=Reason.TOO_LARGE, detail=f"{len(value)} bytes; at most {max_bytes}")
    notes: list[str] = []
    try:
        document = parse(value, notes)
        if type(document) is not dict:
            return Malformed(reason=Reason.NOT_OBJECT, detail=str(wrong_type("the value", "an object", document)))
        draft = _READERS[_format(headers, document)](document, notes)
        _check_messages(draft.messages)
        user = identifier(draft.user, "user_id", notes)
        fields = _fields(draft, record_time, notes)
        fields["interaction_id"] = own = identifier(draft.interaction_id, "interaction_id", notes) or identifier(
            f"{topic}-{partition}-{offset}", "interaction_id", notes
        )
        fields["conversation_id"] = (
            identifier(draft.conversation_id, "conversation_id", notes) or _from_key(key, notes) or own
        )
    except WireError as error:
        return Malformed(reason=error.reason, detail=error.detail)
    except RecursionError:
        return Malformed(reason=Reason.TOO_DEEP, detail="nested too deep")
    fields["user_key"] = pseudonym(user) if user else ""
    fields["normalised"] = tuple(dict.fromkeys(notes)) if notes else ()
    try:
        return Interaction.model_validate(fields)
    except ValidationError as error:
        where = ", ".join(".".join(map(str, item["loc"])) for item in error.errors(include_input=False)[:3])
        return Malformed(reason=Reason.WRONG_TYPE, detail=f"cannot be an interaction: {where}")


def _format(headers: Sequence[tuple[str, bytes]], document: dict[str, Json]) -> str:
    """The format that the last `am-format` header names, else the one that the shape shows."""
    named = next((content for name, content in reversed(headers) if name == FORMAT_HEADER), None) if headers else None
    if named is not None:
        name = bytes(named).decode("latin-1").strip().lower()
        if name not in _READERS:
            raise WireError(Reason.UNKNOWN_FORMAT, f"header {FORMAT_HEADER} is none of {', '.join(_READERS)}")
        return name
    if openai.matches(document):
        return "openai"
    if "messages" in document:
        return "native"
    if otel.matches(document):
        return "otel"
    if "interaction_id" in document or "conversation_id" in document:
        return "native"
    raise WireError(Reason.UNKNOWN_FORMAT, "neither messages, request, choices nor gen_ai attributes were found")


def _check_messages(messages: list[dict[str, str]]) -> None:
    """There is a conversation, and its last word is the assistant's."""
    if not messages:
        raise WireError(Reason.NO_MESSAGES, "the conversation has no message")
    if not any(entry["content"] and not entry["content"].isspace() for entry in messages):
        raise WireError(Reason.EMPTY_CONVERSATION, "no message has any text")
    if messages[-1]["role"] != "assistant":
        raise WireError(Reason.NO_ANSWER, "the last message is not the assistant's")


def _fields(draft: Draft, record_time: datetime, notes: list[str]) -> dict[str, Json]:
    turn = count(draft.turn, "turn")
    if turn is None:
        turn = sum(entry["role"] == "assistant" for entry in draft.messages) - 1
    return {
        "turn": turn,
        "occurred_at": moment(draft.occurred_at, record_time, notes),
        "messages": draft.messages,
        "model": _model(
            short_text(draft.model_name, "model.name", notes),
            short_text(draft.model_version, "model.version", notes),
        ),
        "deployment": short_text(draft.deployment, "deployment", notes),
        "prompt_version": short_text(draft.prompt_version, "prompt_version", notes),
        "tenant": short_text(draft.tenant, "tenant", notes),
        "locale": locale(draft.locale, notes),
        "feedback": feedback(draft.feedback, notes),
        "finish_reason": short_text(draft.finish_reason, "finish_reason", notes),
        "usage": {
            "input_tokens": count(draft.input_tokens, "usage.input_tokens"),
            "output_tokens": count(draft.output_tokens, "usage.output_tokens"),
        },
        "attributes": attributes(draft.attributes, notes) if draft.attributes else {},
    }


@lru_cache(maxsize=256)
def _model(name: str, version: str) -> Model:
    """Frozen and few: one object a model version spares its validation on each record."""
    return Model(name=name, version=version)


def _from_key(key: bytes | None, notes: list[str]) -> str:
    """The Kafka key as a conversation id, where it is text."""
    if not key:
        return ""
    try:
        return identifier(clean_text(key.decode(), notes), "key", notes)
    except UnicodeDecodeError:
        return ""
