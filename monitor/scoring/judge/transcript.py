"""An interaction as turns of bounded length: the judged turn, and of what led to it the head and the tail."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from monitor.intake.interaction import Interaction, Role

VERSION = "1"
"""Part of the prompt's digest; bump it when a transcript can come out differently."""

_LEFT_OUT = {"en": "⟦{count} characters left out⟧", "tr": "⟦{count} karakter çıkarıldı⟧"}
_TURNS_LEFT_OUT = {
    "en": "⟦turns {first} to {last} left out, {count} characters⟧",
    "tr": "⟦{first} ile {last} arasındaki konuşma sıraları çıkarıldı, {count} karakter⟧",
}
_REQUEST_SHARE = 8
"""One part in so many of the limit is kept for the last request, if the judged turn would take it all."""
_HEAD_SHARE = 4
"""One part in so many of what is left for earlier turns goes to the first ones, the rest to the last ones."""
_SMALLEST = 80
"""Characters; a smaller piece of a turn says nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """One message, or what is kept of it; `number` counts from 1 in the whole interaction."""

    number: int
    role: Role
    text: str
    judged: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """Turns that are left out whole, and the line that says so."""

    first: int
    last: int
    text: str


def clip(
    interaction: Interaction, *, max_characters: int, language: str, clean: Callable[[str], str] = str
) -> list[Turn | Gap]:
    """Give the turns in order, together at most `max_characters` of `clean`ed text (our markers not counted).

    The judged turn is whole unless it alone is too long: longer than the limit less an eighth kept for the last
    request. Then its head and tail are kept. What room is left goes to the last request, then three quarters to the
    turns before it, a quarter to the first ones.
    """
    turns = [
        Turn(number=n, role=message.role, text=clean(message.content), judged=n == len(interaction.messages))
        for n, message in enumerate(interaction.messages, start=1)
    ]
    judged, earlier = turns[-1], turns[:-1]
    request = next((t for t in reversed(earlier) if t.role == "user"), None)
    reserved = min(len(request.text), max_characters // _REQUEST_SHARE) if request else 0
    kept = _Kept(smallest=min(_SMALLEST, max_characters // _REQUEST_SHARE), language=language)
    # Kept whatever its room: without it there is nothing to judge.
    kept.turns[judged.number] = replace(judged, text=cut(judged.text, max_characters - reserved, language))
    room = max_characters - min(len(judged.text), max_characters - reserved)
    if request:
        room -= kept.add(request, room)
    head_room = room // _HEAD_SHARE
    head_room += kept.add_all(reversed(earlier), room - head_room)
    kept.add_all(earlier, head_room)
    return _with_gaps(turns, kept.turns, language)


class _Kept:
    """The turns that found room so far."""

    def __init__(self, *, smallest: int, language: str) -> None:
        self.turns: dict[int, Turn] = {}
        self._smallest, self._language = smallest, language

    def add(self, turn: Turn, room: int) -> int:
        """Keep a turn, cut to the room, unless that is too small; gives how much of the room it took."""
        if len(turn.text) > room and room < self._smallest:
            return 0
        self.turns[turn.number] = replace(turn, text=cut(turn.text, room, self._language))
        return min(len(turn.text), room)

    def add_all(self, turns: Iterable[Turn], room: int) -> int:
        """Keep turns in this order until one finds no room; gives the room that is left."""
        for turn in turns:
            if turn.number not in self.turns:
                room -= self.add(turn, room)
                if turn.number not in self.turns:
                    break
        return room


def cut(text: str, room: int, language: str) -> str:
    """Head and tail of a text, `room` characters together, and between them how much is left out."""
    if len(text) <= room:
        return text
    tail = room // 2
    head = room - tail
    marker = _LEFT_OUT[language].format(count=len(text) - room)
    return f"{text[:head]}\n{marker}\n{text[len(text) - tail :]}"


def _with_gaps(turns: list[Turn], kept: dict[int, Turn], language: str) -> list[Turn | Gap]:
    parts: list[Turn | Gap] = []
    missing: list[Turn] = []
    for turn in turns:
        if turn.number not in kept:
            missing.append(turn)
            continue
        if missing:
            parts.append(_gap(missing, language))
            missing = []
        parts.append(kept[turn.number])
    return parts


def _gap(missing: list[Turn], language: str) -> Gap:
    first, last = missing[0].number, missing[-1].number
    count = sum(len(turn.text) for turn in missing)
    return Gap(first=first, last=last, text=_TURNS_LEFT_OUT[language].format(first=first, last=last, count=count))
