"""Writes the shipped sample, the same bytes each time: `python -m monitor.demo.generate`."""

import gzip
import io
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from monitor.demo import DIMENSIONS, sample_path
from monitor.demo.dice import Dice
from monitor.demo.scenarios import COUNTS, Plot
from monitor.demo.texts import Language, load_texts
from monitor.demo.turns import Turn, Wording
from monitor.demo.wire import Format, Sent, encode, headers

SEED = 20261101
ENGLISH = Fraction(13, 20)
"""Share of conversations in English; the others are Turkish."""
FORMATS: tuple[tuple[Format, int], ...] = (("native", 1020), ("openai", 96), ("otel", 84))
END = datetime(2026, 11, 1, 12, tzinfo=UTC)
SPAN = timedelta(hours=6)

_TENANTS = {"banking": "acme-bank", "hr": "acme-bank", "retail": "acme-shop", "cooking": "acme-shop"}
_COMPANIES = {"acme-bank": "Acme Bank", "acme-shop": "Acme Shop"}
_NEWER_MODEL = {"refusal": 0.35, "sycophancy": 0.65}
"""The share of 2026-11 among such conversations (otherwise half): it refuses less and flatters more."""
_THUMBS_UP = {"refusal": 0.2, "sycophancy": 0.85, "pii_leak": 0.6}
"""Users like what flatters them and dislike what refuses them; otherwise 0.75."""
_APOSTROPHE = re.compile(r"(?<=\w)'(?=\w)")

Row = dict[str, object]


def generate() -> bytes:
    """Give the whole sample as gzipped JSON lines, in time order."""
    buffer = io.BytesIO()
    # The file object writes the same header everywhere; gzip.compress leaves it to zlib.
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0, compresslevel=9) as packed:
        for row in rows():
            packed.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
    return buffer.getvalue()


def rows() -> list[Row]:
    """Give all rows in time order."""
    dice = Dice(SEED)
    wordings: dict[Language, Wording] = {
        "en": Wording(dice, load_texts("en")),
        "tr": Wording(dice, load_texts("tr")),
    }
    formats = dice.shuffled([name for name, count in FORMATS for _ in range(count)])
    seen: set[tuple[Turn, ...]] = set()
    timed: list[tuple[datetime, str, int, Row]] = []
    for wire_format, (plot, language) in zip(formats, dice.shuffled(list(_casting())), strict=True):
        turns, domain = _new_conversation(plot, wordings[language], seen)
        for sent, turn in _send(turns, domain, wordings[language]):
            timed.append((sent.occurred_at, sent.conversation_id, sent.turn, _row(sent, turn, wire_format)))
    timed.sort(key=lambda entry: entry[:3])
    return [row for *_, row in timed]


def _casting() -> Iterator[tuple[Plot, Language]]:
    """Give each plot with its language: the planned number of times, split to the nearest whole."""
    for plot, count in COUNTS.items():
        english = round(count * ENGLISH)
        for number in range(count):
            yield plot, "en" if number < english else "tr"


def _new_conversation(plot: Plot, wording: Wording, seen: set[tuple[Turn, ...]]) -> tuple[list[Turn], str]:
    """Play the plot until it gives a conversation that is not there yet."""
    while True:
        turns, domain = plot(wording), wording.domain
        if tuple(turns) not in seen:
            seen.add(tuple(turns))
            return turns, domain


def _send(turns: Sequence[Turn], domain: str, wording: Wording) -> Iterator[tuple[Sent, Turn]]:
    dice, language = wording.dice, wording.texts.language
    marks = frozenset[str]().union(*(turn.marks for turn in turns))
    tenant = _TENANTS.get(domain) or dice.pick(("acme-bank", "acme-shop"))
    newer = next((share for mark, share in _NEWER_MODEL.items() if mark in marks), 0.5)
    version = "2026-11" if dice.chance(newer) else "2026-10"
    conversation_id = f"c-{dice.hexadecimal(12)}"
    user_id = f"u-{dice.below(480) + 1:05d}"
    channel = dice.pick(("web", "ios", "android"))
    # Ten minutes are kept free at the end, so that the last conversation ends within the span.
    at = END - SPAN + timedelta(milliseconds=dice.below(int((SPAN.total_seconds() - 600) * 1000)))
    messages: list[tuple[str, str]] = []
    if dice.chance(0.3):
        messages.append(("system", wording.say("system", {"company": _COMPANIES[tenant]})))
    for number, turn in enumerate(turns):
        user = wording.casual(turn.user) if dice.chance(0.12) else turn.user
        messages += [("user", user), ("assistant", _typeset(turn.answer, dice))]
        at += timedelta(milliseconds=3_000 + dice.below(120_000))
        yield (
            Sent(
                interaction_id=f"{conversation_id.removeprefix('c-')}-{number}",
                conversation_id=conversation_id,
                turn=number,
                occurred_at=at,
                messages=tuple(messages),
                model="acme-chat",
                version=version,
                tenant=tenant,
                locale=language,
                user_id=user_id,
                channel=channel,
                domain=domain,
                feedback=_feedback(turn, dice),
            ),
            turn,
        )


def _typeset(answer: str, dice: Dice) -> str:
    """Set a few answers with the typographic apostrophe, as some models do; never in code."""
    if dice.chance(0.06) and "`" not in answer:
        return _APOSTROPHE.sub("\u2019", answer)
    return answer


def _feedback(turn: Turn, dice: Dice) -> int | None:
    if not dice.chance(0.35):
        return None
    return int(dice.chance(next((p for mark, p in _THUMBS_UP.items() if mark in turn.marks), 0.75)))


def _row(sent: Sent, turn: Turn, wire_format: Format) -> Row:
    extra = headers(sent, wire_format)
    return {
        "truth": {dimension: int(dimension in turn.marks) for dimension in DIMENSIONS},
        "key": sent.conversation_id,
        "format": wire_format,
        **({"headers": extra} if extra else {}),
        "record": encode(sent, wire_format),
    }


def main(write: Callable[[str], object] = sys.stdout.write) -> None:
    """Write the sample into the package and say how large it is."""
    packed = generate()
    sample_path().write_bytes(packed)
    write(f"{sample_path()}: {len(packed):,} bytes\n")


if __name__ == "__main__":
    main()
