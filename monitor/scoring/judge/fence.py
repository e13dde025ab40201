"""The fence round a transcript: a random code, and inside it nothing that a judge could take for the fence's end.

Two defences that do not lean on each other. The code is fresh for each call, so nobody can write the real end marker.
And whatever in the text looks like a control marker (chat-template tokens, role tags, end markers of any common style,
their lookalikes in other alphabets) is rewritten so that its words stay and its punctuation goes: `<|im_start|>`
becomes `⟦im start⟧`. The brackets `⟦⟧` are ours alone: a text's own become `[]`.
"""

import re
import secrets
import unicodedata
from collections.abc import Callable, Iterator
from importlib import resources

VERSION = "1"
"""Part of the prompt's digest; bump it when a text can come out differently."""

FENCE_BYTES = 12
"""96 bits: nobody guesses it in the one try that a transcript has."""
_FENCE = re.compile(r"[0-9a-f]{16,64}")
_PASSES = 4
"""Markers nested in markers take one pass each; text that nests deeper loses its brackets altogether."""

_NEWLINES = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_SURROGATES = re.compile("[\ud800-\udfff]")
_OURS = str.maketrans("⟦⟧", "[]")


def data(name: str) -> list[str]:
    """Give the lines of `prompts/NAME.txt` without comments."""
    text = (resources.files("monitor.scoring.judge") / "prompts" / f"{name}.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if not line.startswith("#!")]


class _Fold(dict[int, str]):
    """One ASCII-like character for each, so that an offset in the folded text is one in the text."""

    _KEPT = 20_000

    def __missing__(self, code: int) -> str:
        character = chr(code)
        made = unicodedata.normalize("NFKD", character)[0].casefold()[0]
        made = self.get(ord(made), made)
        if len(self) < self._KEPT:
            # Bounded: hostile text could name a million characters.
            self[code] = made
        return made


_FOLD = _Fold(
    {ord(odd): line[0] for line in data("lookalikes") for odd in line[2:]} | {ord("\n"): "\n"},
)

_WORDS = {name: words.split() for name, _, words in (line.partition(":") for line in data("markers"))}
_VERBS, _PARTS = frozenset(_WORDS["verbs"]), frozenset(_WORDS["parts"])
_MAKES_NO_SENTENCE = _VERBS.union(_PARTS, _WORDS["glue"], _WORDS["spoken"], _WORDS["roles"])
_LONGEST = 9
"""Words of a line that can be an end marker; longer ones are sentences."""

_SPOKEN = "|".join(_WORDS["spoken"])
_TAGGED = "|".join(_WORDS["spoken"] + _WORDS["roles"] + _WORDS["parts"])
_GAP = r"[ \t]{0,8}"
_MARKER = re.compile(
    rf"<{_GAP}\|[^\n<>|]{{1,60}}\|{_GAP}>"
    rf"|<<{_GAP}/?{_GAP}sys{_GAP}>>"
    rf"|<{_GAP}/?{_GAP}(?:s|bos|eos|pad|unk|eo[dht]|think|thinking|[a-z]+_of_[a-z]+|tool_[a-z]+|reserved_\w+|unused\w+"
    rf"|{_TAGGED})\b[^<>\n]{{0,80}}>"
    rf"|\[{_GAP}/?{_GAP}(?:inst|b_inst|e_inst|system_prompt|available_tools|tool_[a-z]+|unused_token_\w+"
    rf"|(?:end|begin|start|stop|son)\b[ \t_-]{{0,8}}(?:of[ \t_-]{{1,8}})?(?:the[ \t_-]{{1,8}})?(?:{_TAGGED})"
    rf"|{_TAGGED})\b[^\[\]\n]{{0,80}}\]"
    rf"|^[ \t>*_#\"'-]{{0,16}}(?:{_SPOKEN})[ \t*_]{{0,8}}:[*_]{{0,3}}"
    rf"|^[ \t]{{0,8}}#{{1,6}}{_GAP}(?:new{_GAP})?(?:instructions?|response|talimat(?:lar)?|yanit|{_SPOKEN}){_GAP}:?"
    rf"{_GAP}$",
    re.MULTILINE,
)
_WORD = re.compile(r"[a-z0-9]+")
_DISARMED = re.compile("⟦[^⟦⟧]*⟧")
_NO_WORD = re.compile(r"[\W_]+")
_BRACKETS = re.compile(r"[<>|\[\]:]")


def fresh(token: Callable[[int], str] = secrets.token_hex) -> str:
    """Give a code for one call; `token(n)` gives n random bytes in hex.

    Not a keyed hash of interaction and scorer: that would be the same at every retry, replay and rescoring, so one
    that leaked (a judge repeats it in a reply, which is stored and shown) could be planted in what is sent next under
    the same id. Replies are cached by content and scorer, which the code is no part of, so nothing is paid twice.
    """
    return checked(token(FENCE_BYTES))


def checked(fence: str) -> str:
    """Give the code back; raises ValueError where it is not 16 to 64 lower-case hex digits."""
    if not _FENCE.fullmatch(fence):
        raise ValueError("a fence must be 16 to 64 hex digits, as fence.fresh() gives it")
    return fence


def visible(text: str) -> str:
    """Text without what people cannot see: controls, bidi marks, zero-width characters, hidden tags, surrogates."""
    text = _NEWLINES.sub("\n", text)
    return _SURROGATES.sub("\ufffd", _INVISIBLE.sub("", text))


def neutralise(text: str, fence: str = "") -> str:
    """Text that shows the same words and can neither hold the fence's code nor look like a control marker.

    Total: any text is taken. Without a fence only the second is done, which is what evidence is looked up in.
    """
    text = visible(text).translate(_OURS)
    if fence:
        spans = [found.span() for found in re.finditer(fence, text.translate(_FOLD))]
        text = _replace(text, spans, instead="…")
    for _ in range(_PASSES):
        spans = markers(text)
        if not spans:
            return text
        text = _replace(text, spans)
    return _flat(text)


def markers(text: str) -> list[tuple[int, int]]:
    """Where control markers stand in a text: (start, end), in order, not overlapping."""
    folded = text.translate(_FOLD)
    found = [one.span() for one in _MARKER.finditer(folded)] + list(_end_lines(folded))
    # The longer of two that start together: a line may start with a marker and be one.
    found.sort(key=lambda span: (span[0], -span[1]))
    apart: list[tuple[int, int]] = []
    for start, end in found:
        if not apart or start >= apart[-1][1]:
            apart.append((start, end))
    return apart


def _end_lines(folded: str) -> Iterator[tuple[int, int]]:
    """Lines that say nothing but that something ends or starts: decorated, or naming what does."""
    start = 0
    for line in folded.split("\n"):
        # What is disarmed already does not hide the rest of its line.
        words = _WORD.findall(_DISARMED.sub(" ", line))
        if 0 < len(words) <= _LONGEST and _VERBS.intersection(words):
            decorated = len(line.strip()) - len(line.strip(" \t-=#*_~<>[](){}|\"'`+:/\\.!")) > 3
            if _MAKES_NO_SENTENCE.issuperset(words) and (decorated or _PARTS.intersection(words)):
                yield start, start + len(line)
        start += len(line) + 1


def _replace(text: str, spans: list[tuple[int, int]], *, instead: str = "") -> str:
    """Each span becomes its words in our brackets, or `instead`."""
    parts, at = [], 0
    for start, end in spans:
        words = instead or _NO_WORD.sub(" ", text[start:end]).strip()
        parts += [text[at:start], f"⟦{words}⟧"]
        at = end
    return "".join([*parts, text[at:]])


def _flat(text: str) -> str:
    """A last resort that ends: without these signs nothing is a marker but a bare end line, and those go too."""
    folded = text.translate(_FOLD)
    text = "".join("·" if _BRACKETS.match(plain) else own for own, plain in zip(text, folded, strict=True))
    spans = markers(text)
    return _replace(text, spans) if spans else text
