"""Phrase lists: data files in a small pattern language, compiled once, matched on a `text.stream`.

A file is `phrases/NAME.LANG.txt`: `# comment`, `@macro = a|b`, `[section]`, and one phrase a line:

    word        that word                     word~  ~word    a word that starts or ends so
    (a|b c)     one of them                   (a|b)?          one of them or nothing
    (a|b)~      a word that starts so
    ...         up to four words              <               only at the start of a sentence
    #           a number                      {macro}         one of the macro's alternatives
    !           an exclamation mark           ~              any word

Phrases are written as people write them; they are folded as the text is. A phrase never runs over the end of a
sentence. Matching first asks whether a piece of text that the phrase cannot do without is there at all (`in` is
much faster than a regular expression), and only then runs the expression. Every repetition has a bound.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from monitor.errors import ConfigError
from monitor.scoring.text import QUOTED, fold

LANGUAGES = ("en", "tr")
_TOKEN = re.compile(r"\.\.\.|\(|\)\??|\||#|<|!|~?\w+~?|~|%|(?P<space>\s+)|(?P<bad>.)")
_SUFFIXED = re.compile(r"\(([^()]*)\)~")
_GAP = r"(?:[\w%]+ ){0,4}?"
_NUMBER = r"\d[\d.]* "
_START = r"(?<=[.!?:\x02\x03\x04] )"
_SPECIAL = {"...": _GAP, "#": _NUMBER, "<": _START, "~": r"[\w%]+ "}


_FREQUENT = (
    "a an and are as at be but can could do does for from has have help how i im if in is it its like more my not of "
    "on or our should so such that the their them there these they this to use very was we well what when which will "
    "with would you your youre take give make need bir bu cok da daha de icin ile en gibi ne ve var"
)
_COMMON = frozenset(_FREQUENT.split())
"""Words that nearly every text has: a phrase is better looked for by another of its words."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """One compiled phrase; `anchors` are pieces of which at least one stands in every text it matches."""

    source: str
    language: str
    regex: re.Pattern[str]
    anchors: frozenset[str]
    needs: tuple[frozenset[str], ...]
    """Sets of whole words; a text it matches has one of each."""


@dataclass(frozen=True, slots=True)
class Hit:
    """Where a phrase was found in a stream."""

    start: int
    end: int
    text: str
    phrase: Phrase


@lru_cache(maxsize=256)
def _ends_of_words(stream: str) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """The words of a stream, their first three letters, and their last three."""
    words = frozenset(stream.split())
    return words, frozenset(w[:_KEY] for w in words), frozenset(w[-_KEY:] for w in words)


_KEY = 3


class Phrases:
    """A set of phrases matched together."""

    def __init__(self, phrases: tuple[Phrase, ...]) -> None:
        self.phrases = phrases
        # Three indexes from a word, its start or its end to the anchors that need it; looking up a text's words in
        # them is far cheaper than searching the text for each anchor.
        self._indexes: tuple[dict[str, dict[str, list[int]]], ...] = ({}, {}, {})
        for number, phrase in enumerate(phrases):
            for anchor in phrase.anchors:
                which, key = _index_of(anchor)
                self._indexes[which].setdefault(key, {}).setdefault(anchor, []).append(number)

    def hits(self, stream: str) -> Iterator[Hit]:
        """Every hit, phrase by phrase in the order of the files."""
        candidates: set[int] = set()
        padded = f" {stream}"
        parts = _ends_of_words(stream)
        for index, present in zip(self._indexes, parts, strict=True):
            for key in index.keys() & present:
                for anchor, numbers in index[key].items():
                    if anchor in padded:
                        candidates.update(numbers)
        for number in sorted(candidates):
            phrase = self.phrases[number]
            if any(need.isdisjoint(parts[0]) for need in phrase.needs):
                continue
            for match in phrase.regex.finditer(stream):
                yield Hit(match.start(), match.end(), match[0].strip(), phrase)

    def first(self, stream: str) -> Hit | None:
        """The hit that stands first in the text."""
        return min(self.hits(stream), key=lambda hit: hit.start, default=None)

    def in_(self, stream: str) -> bool:
        """Whether anything is found at all."""
        return next(self.hits(stream), None) is not None

    def blank(self, stream: str, by: str = QUOTED) -> str:
        """The stream with every hit taken out."""
        for hit in sorted(self.hits(stream), key=lambda hit: hit.start, reverse=True):
            stream = f"{stream[: hit.start]}{by} {stream[hit.end :]}"
        return stream


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All languages of one phrase list, by section, and the sections asked for together by `any_of`."""

    name: str
    sections: dict[str, Phrases]
    digest: str
    """sha256 of what the phrases match, not of comments or layout: part of the scorer's identity."""

    def __getitem__(self, section: str) -> Phrases:
        return self.sections[section]

    def any_of(self, *names: str) -> Phrases:
        """Several sections as one set; make it once and keep it: one look at a text instead of several."""
        return Phrases(tuple(phrase for name in names for phrase in self.sections[name].phrases))


def _index_of(anchor: str) -> tuple[int, str]:
    """Which index an anchor belongs to, and under which key: its longest word, or a start or an end of one."""
    words = anchor.split()
    whole = words[0 if anchor.startswith(" ") else 1 : None if anchor.endswith(" ") else -1]
    if whole:
        return 0, max(whole, key=len)
    if anchor.startswith(" ") or len(words) > 1:
        return 1, words[-1][:_KEY]
    return 2, words[0][-_KEY:]


def _indexable(anchor: str) -> bool:
    which, key = _index_of(anchor)
    return which == 0 or len(key) == _KEY


def _rarity(anchors: frozenset[str]) -> tuple[int, int]:
    """How much a set of anchors narrows down: by its commonest member, then by its size."""
    return min(0 if (key := _index_of(a)[1]) in _COMMON else len(key) for a in anchors), -len(anchors)


class _Parser:
    """Recursive descent over one folded line; gives the expression and the pieces it cannot do without."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.at = 0
        self.wanted: list[frozenset[str]] = []

    def sequence(self) -> tuple[str, frozenset[str]]:
        """Words and groups up to `|`, `)` or the end."""
        expression, run = "", ""
        wanted: list[frozenset[str]] = []
        while self.at < len(self.tokens) and self.tokens[self.at] not in ("|", ")", ")?"):
            token = self.tokens[self.at]
            self.at += 1
            literal = ""
            if token == "(":  # noqa: S105 - a parenthesis, not a secret
                inner, anchors, optional = self.group()
                expression += inner
                if not optional and anchors:
                    wanted.append(anchors)
            elif token in _SPECIAL:
                expression += _SPECIAL[token]
            else:
                core = token.strip("~")
                before, after = (r"\w*" if token[0] == "~" else ""), (r"\w* " if token[-1] == "~" else " ")
                expression += before + re.escape(core) + after
                literal = core if token[-1] == "~" else f"{core} "
                if token[0] == "~" and run:
                    wanted.append(frozenset({run}))
                    run = ""
                elif token[0] != "~" and not run:
                    literal = f" {literal}"
            run += literal
            if run and (not literal or token[-1] == "~"):
                wanted.append(frozenset({run}))
                run = ""
        if run:
            wanted.append(frozenset({run}))
        self.wanted = wanted
        # A stem shorter than an index key ("aç~") cannot be looked up.
        usable = (anchors for anchors in wanted if all(map(_indexable, anchors)))
        return expression, max(usable, key=_rarity, default=frozenset[str]())

    def group(self) -> tuple[str, frozenset[str], bool]:
        """Alternatives up to the closing parenthesis."""
        branches = [self.sequence()]
        while self.at < len(self.tokens) and self.tokens[self.at] == "|":
            self.at += 1
            branches.append(self.sequence())
        if self.at == len(self.tokens):
            return "", frozenset(), False
        optional = self.tokens[self.at] == ")?"
        self.at += 1
        anchors = [anchors for _, anchors in branches]
        together = frozenset[str]().union(*anchors) if all(anchors) else frozenset[str]()
        return f"(?:{'|'.join(e for e, _ in branches)}){'?' if optional else ''}", together, optional


def compile_phrase(line: str, language: str = "", macros: dict[str, str] | None = None) -> Phrase:
    """Compile one line; raises ConfigError that names the line when it is not in the language above."""
    source = line
    for name, value in (macros or {}).items():
        line = line.replace(f"{{{name}}}", f"({value})")
    folded = fold(line).replace("'", "").replace("-", " ")
    folded = _SUFFIXED.sub(lambda m: "(" + "|".join(f"{a.rstrip('~')}~" for a in m[1].split("|")) + ")", folded)
    tokens = list(_TOKEN.finditer(folded))
    bad = next((m["bad"] for m in tokens if m["bad"]), None)
    if bad:
        raise ConfigError(f"phrase {source!r}: {bad!r} means nothing here")
    parser = _Parser([m[0] for m in tokens if not m["space"]])
    expression, anchors = parser.sequence()
    if parser.at != len(parser.tokens) or not anchors:
        raise ConfigError(f"phrase {source!r}: unbalanced, or nothing in it that must be there")
    indexed = [[_index_of(anchor) for anchor in wanted] for wanted in parser.wanted]
    needs = tuple(frozenset(key for _, key in keys) for keys in indexed if all(which == 0 for which, _ in keys))
    return Phrase(source, language, re.compile(rf"(?<!\S){expression}"), anchors, needs)


def parse(text: str, language: str, where: str) -> dict[str, list[Phrase]]:
    """Read one file's text; raises ConfigError with file and line."""
    macros: dict[str, str] = {}
    sections: dict[str, list[Phrase]] = {}
    current: list[Phrase] | None = None
    for number, raw in enumerate(text.splitlines(), 1):
        line = "" if raw.startswith("#") else raw.strip()
        if not line:
            continue
        if line.startswith("@"):
            name, _, value = line[1:].partition("=")
            for known, meaning in macros.items():
                value = value.replace(f"{{{known}}}", f"({meaning})")
            macros[name.strip()] = value.strip()
        elif line.startswith("["):
            current = sections.setdefault(line.strip("[]"), [])
        elif current is None:
            raise ConfigError(f"{where}:{number}: a phrase stands before the first [section]")
        else:
            try:
                current.append(compile_phrase(line, language, macros))
            except ConfigError as error:
                raise ConfigError(f"{where}:{number}: {error}") from None
    return sections


@lru_cache(maxsize=64)
def load(name: str) -> Lexicon:
    """Read `phrases/NAME.en.txt` and `phrases/NAME.tr.txt`; raises ConfigError when one is missing or wrong."""
    merged: dict[str, list[Phrase]] = {}
    for language in LANGUAGES:
        file = resources.files("monitor.scoring") / "phrases" / f"{name}.{language}.txt"
        if not file.is_file():
            raise ConfigError(f"phrase list {file.name} is missing from monitor/scoring/phrases")
        for section, phrases in parse(file.read_text(encoding="utf-8"), language, file.name).items():
            merged.setdefault(section, []).extend(phrases)
    return Lexicon(name, {s: Phrases(tuple(p)) for s, p in merged.items()}, _digest(merged))


def _digest(sections: dict[str, list[Phrase]]) -> str:
    content = {s: sorted((p.language, p.regex.pattern) for p in phrases) for s, phrases in sections.items()}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
