"""Cheap lexical triggers on the raw bytes of a record, to over-sample the turns where trouble is likely.

They steer sampling only. A wrong trigger costs precision, never truth: each record is weighted by the
probability that its own stratum had, so a missed phrase cannot bias a rate.
"""

TAIL_BYTES = 4096
"""Only the end of a record is read, from its last but one `"role"`: the last user message and the answer."""

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


_Gates = tuple[tuple[bytes, tuple[bytes, ...]], ...]


def _gated(gates: tuple[str, ...], phrases: tuple[str, ...]) -> _Gates:
    """Sort phrases behind a piece that several of them share: most records are done after a search for each piece.

    Raises:
        ValueError: a phrase has none of the pieces, and so could never be found.
    """
    spellings = _spellings(phrases)
    sorted_in = tuple((gate.encode(), tuple(s for s in spellings if gate.encode() in s)) for gate in gates)
    lost = [s for s in spellings if not any(s in behind for _, behind in sorted_in)]
    if lost:
        raise ValueError(f"no gate leads to {lost}")
    return sorted_in


_PUSHBACK_GATES = _gated(
    (
        "are you sure",
        " wrong",
        "not right",
        "disagree",
        "think so",
        "emin misin",
        "yorsun",
        "bence yanl",
        "yorum",
    ),
    _PUSHBACK,
)
_REFUSAL_GATES = _gated(("t help", "t assist", "able", "olam", "yapamam", "zg"), _REFUSAL)


def _tail(value: bytes) -> bytes:
    last = value.rfind(b'"role"')
    start = value.rfind(b'"role"', 0, last) if last > 0 else -1
    return value[max(start, len(value) - TAIL_BYTES, 0) :].lower()


def _holds(tail: bytes, gates: _Gates) -> bool:
    for gate, phrases in gates:
        if gate in tail:
            for phrase in phrases:
                if phrase in tail:
                    return True
    return False


def trigger_of(value: bytes) -> str:
    """Name what the end of the record holds: `pushback`, `refusal` or `none`."""
    tail = _tail(value)
    if _holds(tail, _PUSHBACK_GATES):
        return "pushback"
    return "refusal" if _holds(tail, _REFUSAL_GATES) else "none"
