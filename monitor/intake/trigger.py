"""Cheap lexical triggers on the raw bytes of a record, to over-sample the turns where trouble is likely.

They steer sampling only. A wrong trigger costs precision, never truth: each record is weighted by the
probability that its own stratum had, so a missed phrase cannot bias a rate.
"""

TAIL_BYTES = 4096
"""Only the end of a record is read: the last user message and the answer stand there."""

_PUSHBACK = (
    "are you sure",
    "you're wrong",
    "you are wrong",
    "that's not right",
    "that's wrong",
    "i disagree",
    "i don't think so",
    "emin misin",
    "yanılıyorsun",
    "bence yanlış",
    "katılmıyorum",
)
_REFUSAL = (
    "i can't help",
    "i cannot help",
    "i can't assist",
    "i'm unable to",
    "i won't be able",
    "i'm not able to",
    "yardımcı olamam",
    "yardımcı olamıyorum",
    "bunu yapamam",
    "üzgünüm",
)


def _spellings(phrases: tuple[str, ...]) -> tuple[bytes, ...]:
    # JSON writers send non-ASCII letters either as UTF-8 or as \u escapes; apostrophes may be typographic.
    out: set[bytes] = set()
    for phrase in phrases:
        for text in {phrase, phrase.replace("'", "\u2019")}:
            out.add(text.encode())
            out.add("".join(c if ord(c) < 128 else f"\\u{ord(c):04x}" for c in text).encode())
    return tuple(sorted(out))


_PUSHBACK_BYTES = _spellings(_PUSHBACK)
_REFUSAL_BYTES = _spellings(_REFUSAL)


def pushback(value: bytes) -> bool:
    """Tell whether the end of the record holds a phrase with which users contradict."""
    tail = value[-TAIL_BYTES:].lower()
    return any(phrase in tail for phrase in _PUSHBACK_BYTES)


def refusal(value: bytes) -> bool:
    """Tell whether the end of the record holds a phrase with which assistants decline."""
    tail = value[-TAIL_BYTES:].lower()
    return any(phrase in tail for phrase in _REFUSAL_BYTES)
