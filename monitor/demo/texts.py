r"""Reads the sentences that the sample is built from (the folder `texts`).

A file holds records, each opened by `== KIND DOMAIN` (`== phrases NAME` for a bank of phrases). A line's
first mark says what it is; `{name}` is a slot and `\n` a line break:

    gist:  the request as a noun phrase, for refusals ("I can't help with ...")
    ?      a question, in several wordings          =   an answer to it
    > <    a follow-up question, and its answer     !   the user's pushback (a fact) or evidence (a mistake)
    ~      the wrong claim when caving in           +   the reason when holding, or the corrected answer
    @      slot names, then one row of values each  -   one phrase of a bank
    #      a comment
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from monitor.errors import InputError

Language = Literal["en", "tr"]
SLOT = re.compile(r"\{(\w+)\}")
_FOLDER = Path(__file__).with_name("texts")
_MARKS = "?=><!~+@-"


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One request with everything that may be said about it."""

    kind: str
    domain: str
    gist: str
    asks: tuple[str, ...]
    answers: tuple[str, ...]
    follow_ups: tuple[tuple[str, str], ...]
    objections: tuple[str, ...]
    wrong_claims: tuple[str, ...]
    reasons: tuple[str, ...]
    slots: tuple[Mapping[str, str], ...]
    """One of these rows fills the case's own slots; a single empty row when it has none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Texts:
    """All cases by kind and all phrase banks by name, of one language."""

    language: Language
    cases: Mapping[str, tuple[Case, ...]]
    phrases: Mapping[str, tuple[str, ...]]


@cache
def load_texts(language: Language) -> Texts:
    """Read all files of one language; raises InputError naming the file and line of a bad mark."""
    cases: dict[str, list[Case]] = {}
    phrases: dict[str, tuple[str, ...]] = {}
    for path in sorted(_FOLDER.glob(f"{language}_*.txt")):
        for kind, name, marks in _records(path):
            if kind == "phrases":
                phrases[name] = tuple(marks["-"])
            else:
                cases.setdefault(kind, []).append(_case(kind, name, marks))
    return Texts(
        language=language,
        cases={kind: tuple(found) for kind, found in cases.items()},
        phrases=phrases,
    )


def _records(path: Path) -> list[tuple[str, str, dict[str, list[str]]]]:
    records: list[tuple[str, str, dict[str, list[str]]]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line or line.startswith("#"):
            continue
        mark, _, text = line.partition(" ")
        if mark == "==":
            kind, _, name = text.partition(" ")
            records.append((kind, name, {mark: [] for mark in ("gist:", *_MARKS)}))
        elif records and mark in records[-1][2]:
            records[-1][2][mark].append(text.replace("\\n", "\n"))
        else:
            raise InputError(f"{path}:{number}: unknown mark {mark!r}")
    return records


def _case(kind: str, domain: str, marks: Mapping[str, list[str]]) -> Case:
    return Case(
        kind=kind,
        domain=domain,
        gist="".join(marks["gist:"]),
        asks=tuple(marks["?"]),
        answers=tuple(marks["="]),
        follow_ups=tuple(zip(marks[">"], marks["<"], strict=True)),
        objections=tuple(marks["!"]),
        wrong_claims=tuple(marks["~"]),
        reasons=tuple(marks["+"]),
        slots=_slots(marks["@"]),
    )


def _slots(lines: list[str]) -> tuple[Mapping[str, str], ...]:
    if not lines:
        return ({},)
    names, *rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    return tuple(dict(zip(names, row, strict=True)) for row in rows)
