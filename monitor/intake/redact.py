"""Personal data out of an interaction, before anything durable sees it; fail-closed.

Called between `decode` and any write. E-mail, phone, TC Kimlik, IBAN and card numbers become `[KIND_n]`;
inside one interaction the same value keeps its number, so a transcript still reads as one. Pure, linear in
the text.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from functools import lru_cache

from monitor.errors import Poison
from monitor.intake.fold import fold
from monitor.intake.interaction import Interaction, Message, Model
from monitor.intake.recognisers import Kind, find, may_hold

_FAKE = re.compile(rf"\[((?:{'|'.join(Kind)})_[0-9]+)\]", re.IGNORECASE)
HARMLESS_ID = (
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32}"
    r"|(?:[!#$'-/:-?A-\[\]-~]*+[0-9]){0,6}+[!#$'-/:-?A-\[\]-~]*+"
)
"""Ids that hold no personal data by their shape: a UUID, a trace id, or ASCII without @ and fewer than 7 digits."""
_HARMLESS_ID = re.compile(HARMLESS_ID)
# Letters for hex digits: a masked id must never look like a number again.
_HEX_TO_LETTERS = str.maketrans("0123456789", "ghijkmnpqr")


class RedactionFailed(Poison):
    """A recogniser failed on this record: its text must not be stored."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Redacted:
    """An interaction that may be stored."""

    interaction: Interaction
    masked: dict[str, int]
    """How many values of each kind were masked; kinds with none are absent."""


@dataclass(slots=True)
class _Masker:
    """Numbers the values of one interaction and counts what it masks."""

    numbers: dict[tuple[Kind, str], int] = field(default_factory=dict)
    kinds: dict[Kind, int] = field(default_factory=dict)
    masked: dict[str, int] = field(default_factory=dict)

    def text(self, text: str) -> str:
        """`text` with placeholders; what only looked like one is written `{KIND_n}`."""
        folded = fold(text)
        fakes = list(_FAKE.finditer(folded.scan)) if "[" in folded.scan else []
        if fakes:
            pieces: list[str] = []
            done = 0
            for fake in fakes:
                pieces += (text[done : folded.original(fake.start())], "{", fake[1], "}")
                done = folded.original(fake.end())
            text = "".join((*pieces, text[done:]))
            folded = fold(text)
        # Until nothing is left: what stood beside a value may only now stand on its own.
        while may_hold(folded.scan) and (found := find(folded.scan)):
            pieces = []
            done = 0
            for start, end, kind, value in found:
                pieces += (text[done : folded.original(start)], self._placeholder(kind, value))
                done = folded.original(end)
            text = "".join((*pieces, text[done:]))
            folded = fold(text)
        return text

    def _placeholder(self, kind: Kind, value: str) -> str:
        number = self.numbers.get((kind, value))
        if number is None:
            number = self.kinds[kind] = self.kinds.get(kind, 0) + 1
            self.numbers[kind, value] = number
        self.masked[kind.value] = self.masked.get(kind.value, 0) + 1
        return f"[{kind.value}_{number}]"


def redact(interaction: Interaction, *, key: bytes = b"") -> Redacted:
    """`interaction` with personal data masked in its messages, attributes and free-text labels.

    An id that holds personal data is replaced by a hash of itself, keyed with `key` where one is given (a
    bare hash of a phone number can be guessed by trying them all). Tenant, locale and user key stay. Raises
    RedactionFailed.
    """
    try:
        return _redact(interaction, key)
    except Exception as error:
        raise RedactionFailed(f"a recogniser failed with {type(error).__name__}; the record is not stored") from error


def redact_text(text: str) -> tuple[str, dict[str, int]]:
    """`text` masked, and how many values of each kind: for evidence of dead letters. Raises RedactionFailed."""
    masker = _Masker()
    try:
        return masker.text(text), masker.masked
    except Exception as error:
        raise RedactionFailed(f"a recogniser failed with {type(error).__name__}; the text is not stored") from error


def redact_id(raw: str, *, key: bytes = b"") -> str:
    """`raw` as it is, or a stable substitute where it holds personal data; `peek` relies on the same rule."""
    if _HARMLESS_ID.fullmatch(raw):
        return raw
    scan = fold(raw).scan
    if not may_hold(scan) or not find(scan):
        return raw
    digest = hmac.new(key, raw.encode(), hashlib.sha256).hexdigest()
    return "redacted-" + digest[:24].translate(_HEX_TO_LETTERS)


def pseudonym(key: bytes, raw: str) -> str:
    """The stable stand-in of a user id: the first 128 bits of HMAC-SHA256, in hex."""
    return hmac.digest(key, raw.encode("utf-8", "replace"), "sha256").hex()[:32]


@lru_cache(maxsize=4096)
def _nothing_to_mask(labels: tuple[str, ...]) -> bool:
    masker = _Masker()
    return all(masker.text(label) == label for label in labels)


def _redact(interaction: Interaction, key: bytes) -> Redacted:
    interaction_id = redact_id(interaction.interaction_id, key=key)
    conversation_id = redact_id(interaction.conversation_id, key=key)
    model = interaction.model
    labels = (
        interaction.deployment,
        interaction.prompt_version,
        interaction.finish_reason,
        model.name,
        model.version,
    )
    bodies = [message.content for message in interaction.messages]
    everything = "\n".join((*bodies, *interaction.attributes, *interaction.attributes.values()))
    scan = fold(everything).scan
    same_ids = interaction_id == interaction.interaction_id and conversation_id == interaction.conversation_id
    clean = not may_hold(scan) and not ("[" in scan and _FAKE.search(scan))
    # Labels are few and often dates, such as a model version: they would send every body down the slow path.
    if same_ids and clean and _nothing_to_mask(labels):
        return Redacted(interaction=interaction, masked={})

    masker = _Masker()
    notes = list(interaction.normalised)
    if interaction_id != interaction.interaction_id:
        notes.append("redacted_interaction_id")
    if conversation_id != interaction.conversation_id:
        notes.append("redacted_conversation_id")
    mask = masker.text
    update = {
        "interaction_id": interaction_id,
        "conversation_id": conversation_id,
        "messages": tuple(
            Message(role=message.role, content=mask(message.content)) for message in interaction.messages
        ),
        "deployment": mask(interaction.deployment),
        "prompt_version": mask(interaction.prompt_version),
        "finish_reason": mask(interaction.finish_reason),
        "model": Model(name=mask(model.name), version=mask(model.version)),
        "attributes": {mask(name): mask(value) for name, value in interaction.attributes.items()},
        "normalised": tuple(dict.fromkeys(notes)),
    }
    return Redacted(interaction=interaction.model_copy(update=update), masked=masker.masked)
