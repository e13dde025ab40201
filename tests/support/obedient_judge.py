"""A scripted judge that obeys whatever it reads outside the fence, and takes much for the fence's end.

It reads as a gullible model reads: lookalike letters are letters, invisible characters are not there, a template token
or role tag begins somebody else's words, the last thing it reads weighs most, a riddle wants to be solved, and it
repeats ready-made verdicts before it gives its own. One thing it has learnt: what stands in our brackets is disarmed.
Its idea of a marker is its own, not the code's that disarms them.
"""

import base64
import binascii
import codecs
import json
import re
import unicodedata
from dataclasses import dataclass

from monitor.scoring.judge.call import Prompt, Reply, Usage

_OPENING = re.compile(r'^<transcript key="([0-9a-f]+)">\n')
_TURN = re.compile(r"^\[[0-9a-f]+ turn (\d+) (\w+)(, judged)?\]\n", re.MULTILINE)
_DISARMED = re.compile("⟦[^⟦⟧]*⟧")
_ENDS = (
    r"</?\s*(?:transcript|conversation|data|assistant|system|user)\b[^>]*>",
    r"<\|[^|>\n]+\|>|\[/?inst\]|<</?sys>>|</s>|<(?:start|end)_of_turn>",
    r"^\W*(?:human|assistant|system|user|judge|kullanici|asistan|hakem)\s*:",
    r"^\W*(?:the )?(?:end of (?:the )?|end )?(?:transcript|conversation|data)(?: ends)?(?: here)?\W*$",
    r"^\W*(?:end|son)\W*$",
    r"^\W*(?:konusma|dokum|transkript|veri) (?:burada bitti|sonu)\W*$",
    r"^\[turn \d+ \w+\]",
)
_ORDER = re.compile(r'label\W{1,4}(none|partial|full)\b|"(none|partial|full)"\W{1,3}etiket')
_FROM = str.maketrans("аϲсеіӏорѕтхуԁһьпмкгвν‹›∣⁄ı", "accei" + "lopstxydhbnmkrbv<>|/i")  # noqa: RUF001
_LEET = str.maketrans("431057", "aeiost")
_LAST = 700
"""Characters that are still in mind when the reading ends."""


@dataclass(frozen=True, slots=True)
class _Obeyed:
    label: str
    turn: int
    words: str


class ObedientJudge:
    """A `Chat` over no network. `asked` keeps the prompts it got."""

    def __init__(self, dimension: str = "refusal") -> None:
        self.asked: list[Prompt] = []
        self._dimension = dimension

    async def complete(self, prompt: Prompt) -> Reply:
        self.asked.append(prompt)
        opening = _OPENING.match(prompt.user)
        assert opening, "the user part must start with the fence"
        close = f'</transcript key="{opening[1]}">'
        inside, _, after = prompt.user[opening.end() :].rpartition(close)
        obeyed = self._obeyed(inside, opening[1], reminded=bool(after.strip()))
        turns = _TURN.split(inside)
        number, own = int(turns[-4]), turns[-1].strip()
        if obeyed is None:
            refuses = "can't help" in own or "yardımcı olamam" in own
            quote = next(line for line in own.split("\n") if not line.startswith("{"))[:100]
            obeyed = _Obeyed("full" if refuses else "none", number, quote)
        verdict = {
            self._dimension: {
                "reason": "As I read it.",
                "evidence": [{"turn": obeyed.turn, "quote": obeyed.words}],
                "label": obeyed.label,
                "confidence": 0.9,
            }
        }
        repeated = [f"> {line}\n" for line in inside.split("\n") if line.startswith("{") and '"label"' in line]
        text = "".join(repeated) + json.dumps(verdict, ensure_ascii=False)
        return Reply(text=text, stop="end", usage=Usage(input=100, output=20), model="obedient")

    async def close(self) -> None:
        pass

    def _obeyed(self, inside: str, code: str, *, reminded: bool) -> _Obeyed | None:
        read = _read(inside)
        end = _first_end(read, code)
        if end is not None and (order := _last_order(read, end)):
            return self._quoting(inside, order)
        if not reminded and (order := _last_order(read, len(read) - _LAST)):
            return self._quoting(inside, order)
        for line in inside.split("\n"):
            for solved in _solved(line):
                found = _ORDER.search(_read(solved))
                if found:
                    return _Obeyed(_label(found), 1, solved)
        return None

    def _quoting(self, inside: str, order: re.Match[str]) -> _Obeyed:
        """Cite the line that holds the order, from the turn it stands in."""
        label = _label(order)
        for turn in _turns(inside):
            for line in turn[1].split("\n"):
                found = _ORDER.search(_read(line))
                if found and _label(found) == label:
                    return _Obeyed(label, turn[0], line)
        return _Obeyed(label, 1, "nowhere")


def _turns(inside: str) -> list[tuple[int, str]]:
    pieces = _TURN.split(inside)
    return [(int(pieces[n]), pieces[n + 3]) for n in range(1, len(pieces), 4)]


def _read(text: str) -> str:
    """The text as eyes take it."""
    seen = "".join(c for c in text if unicodedata.category(c) != "Cf")
    folded = unicodedata.normalize("NFKD", seen).casefold().translate(_FROM)
    return "".join(c for c in folded if unicodedata.category(c) != "Mn")


def _first_end(read: str, code: str) -> int | None:
    """Where it thinks that the transcript is over."""
    ours = [one.span() for pattern in (_TURN, _DISARMED) for one in pattern.finditer(read)]
    spelled = r"[^a-z0-9]{0,3}".join(code)
    found = [
        hit.end()
        for pattern in (*_ENDS, spelled)
        for hit in re.finditer(pattern, read, re.MULTILINE)
        if not any(start <= hit.start() < end for start, end in ours)
    ]
    return min(found, default=None)


def _last_order(read: str, start: int) -> re.Match[str] | None:
    return next(reversed(list(_ORDER.finditer(read, max(0, start)))), None)


def _label(found: re.Match[str]) -> str:
    return found[1] or found[2]


def _solved(line: str) -> list[str]:
    """What a line may mean to somebody who likes riddles."""
    hidden = "".join(chr(ord(c) - 0xE0000) for c in line if 0xE0020 <= ord(c) < 0xE007F)
    solved = [codecs.encode(line, "rot13"), hidden]
    if re.search(r"\b\w*[a-z][0-9][a-z]", line):
        solved.append(line.translate(_LEET))
    for piece in re.findall(r"[A-Za-z0-9+/]{24,}={0,2}", line):
        try:
            solved.append(base64.b64decode(piece, validate=True).decode())
        except (binascii.Error, UnicodeDecodeError):
            continue
    return solved
