"""Finds personal data in folded text: which spans, of which kind, and which of them are the same value."""

import re
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import NamedTuple

from monitor.intake.checksums import IBAN_PARTS, is_card, is_iban, is_tckn
from monitor.intake.phones import Span, find_phones


class Kind(StrEnum):
    """What a placeholder says was there."""

    EMAIL = "EMAIL"
    IBAN = "IBAN"
    CARD = "CARD"
    TCKN = "TCKN"
    PHONE = "PHONE"


class Found(NamedTuple):
    """One value to mask: positions in the folded text, and its normalised form."""

    start: int
    end: int
    kind: Kind
    value: str


# What every kind but e-mail has: seven digits in one run, or the head of an IBAN. Starts at a digit: cheap to
# search.
_HINT = re.compile(
    r"[0-9](?:(?:[ .\-()/]{0,3}[0-9]){6}"
    r"|(?:(?<=[A-Za-z]{2}[0-9])|(?<=[A-Za-z]{2}[ \-][0-9]))[0-9][ .\-]{0,2}[A-Za-z0-9])"
)
_RUN = re.compile(r"[0-9](?:[ .\-()/]{0,3}[0-9]){6,}+")
_BEFORE_RUN, _AFTER_RUN = 4, 12

_LOCAL_REVERSED = re.compile(r"[\w.%+\-]{1,320}")
_DOMAIN = re.compile(r"(?:[\w\-]{1,63}\.)+[^\W\d_]{2,63}")
_DOMAIN_CHARS = 254

_IBAN_HEAD = re.compile(r"[0-9]{2}(?:(?<=[A-Za-z]{2}[0-9]{2})|(?<=[A-Za-z]{2}[ \-][0-9]{2}))(?=[ .\-]{0,2}[A-Za-z0-9])")
_CLASSES = {"n": "[0-9]", "a": "[A-Za-z]", "c": "[A-Za-z0-9]"}
_IBAN_BODIES = {
    country: re.compile("".join(rf"(?:[ .\-]{{0,2}}{_CLASSES[kind]}){{{size}}}" for size, kind in parts) + "(?![0-9])")
    for country, parts in IBAN_PARTS.items()
}
_ALNUM = re.compile(r"[A-Za-z0-9]")

# Not the fraction of a decimal number; group by group otherwise, so that neighbours in a list do not hide a
# value.
_WHOLE = r"(?<![0-9])(?<![0-9][.,])"
_CARD_COMPACT = re.compile(rf"{_WHOLE}([2-69][0-9]{{11,18}}|1800[0-9]{{11}}|0604[0-9]{{8,15}})(?![0-9])")
_SEP = r"([ .\-]{1,3})"
_CARD_GROUPS = (
    re.compile(
        rf"(?<![0-9])(?=([2-69][0-9]{{3}}{_SEP}(?:[0-9]{{4}}\2[0-9]{{4}}\2[0-9]{{1,4}}|[0-9]{{6}}\2[0-9]{{4,5}}))(?![0-9]))"
    ),
    re.compile(rf"(?<![0-9])(?=([2-69][0-9]{{3}}{_SEP}[0-9]{{4}}\2[0-9]{{4}}\2[0-9]{{4}}\2[0-9]{{1,3}})(?![0-9]))"),
)
_TCKN_COMPACT = re.compile(rf"{_WHOLE}([1-9][0-9]{{10}})(?![0-9])")
# Groups of 3-3-3-2, 3-3-5, 3-4-4, 2-3-3-3, 4-4-3, 4-3-4, 5-6 and 6-5 digits: from one start only one can
# match.
_TCKN_GROUPS = (
    re.compile(
        r"(?<![0-9])(?=([1-9](?:[0-9]{2}([ .\-])(?:[0-9]{3}\2(?:[0-9]{3}\2[0-9]{2}|[0-9]{5})|[0-9]{4}\2[0-9]{4})"
        r"|[0-9]([ .\-])[0-9]{3}\3[0-9]{3}\3[0-9]{3}|[0-9]{3}([ .\-])(?:[0-9]{4}\4[0-9]{3}|[0-9]{3}\4[0-9]{4})"
        r"|[0-9]{4}[ .\-][0-9]{6}|[0-9]{5}[ .\-][0-9]{5}))(?![0-9]))"
    ),
)
_SEPARATORS = str.maketrans("", "", " .-()/\t\n")
_MAX_ODD_GROUPING_CHARS = 40
_NEVER_IN_ODD_GROUPS = re.compile(r"[()/]")


def may_hold(scan: str) -> bool:
    """Whether `find` could find anything: one quick look, no false negative."""
    return "@" in scan or _HINT.search(scan) is not None


def find(scan: str) -> list[Found]:
    """All values in `scan`, in order, none overlapping; linear in its length."""
    found: list[Found] = []
    for kind, recogniser in _RECOGNISERS:
        spans = _merged(scan, recogniser(scan))
        if spans:
            found += [Found(span.start, span.end, kind, span.value) for span in spans]
            scan = _blanked(scan, spans)
    runs = list(_RUN.finditer(scan))
    for kind, searcher in _NUMBERS if runs else ():
        spans = _merged(scan, (span for run in runs for span in searcher(scan, run)))
        if spans:
            found += [Found(span.start, span.end, kind, span.value) for span in spans]
            scan = _blanked(scan, spans)
            runs = list(_RUN.finditer(scan))
    return sorted(found)


def _merged(scan: str, candidates: Iterator[Span]) -> list[Span]:
    """Spans in order; those that overlap become one, for nobody can tell which of them is the real value."""
    result: list[Span] = []
    grown = False
    for span in sorted(candidates, key=lambda span: (span.start, -span.end)):
        last = result[-1] if result else None
        if last is None or span.start >= last.end:
            if grown and last is not None:
                result[-1] = Span(last.start, last.end, scan[last.start : last.end].translate(_SEPARATORS))
            result.append(span)
            grown = False
        elif span.end > last.end:
            result[-1] = Span(last.start, span.end, "")
            grown = True
    if grown:
        last = result[-1]
        result[-1] = Span(last.start, last.end, scan[last.start : last.end].translate(_SEPARATORS))
    return result


def _blanked(scan: str, spans: list[Span]) -> str:
    """`scan` with what was found hidden from the kinds that follow, positions kept."""
    pieces: list[str] = []
    done = 0
    for span in spans:
        pieces += (scan[done : span.start], "\0" * (span.end - span.start))
        done = span.end
    return "".join((*pieces, scan[done:]))


def _emails(scan: str) -> Iterator[Span]:
    at, floor = scan.find("@"), 0
    while at >= 0:
        local = _LOCAL_REVERSED.match(scan[max(floor, at - 320) : at][::-1])
        domain = _DOMAIN.match(scan, at + 1, at + 1 + _DOMAIN_CHARS) if local else None
        if local and domain:
            start = at - len(local[0].rstrip(".-"))
            if start < at:
                yield Span(start, domain.end(), scan[start : domain.end()].lower())
        floor = at + 1
        at = scan.find("@", floor)


def _ibans(scan: str) -> Iterator[Span]:
    for head in _IBAN_HEAD.finditer(scan):
        letters = head.start() - (2 if scan[head.start() - 1].isalpha() else 3)
        body = _IBAN_BODIES.get(scan[letters : letters + 2].upper())
        if body is None or (letters and _ALNUM.match(scan, letters - 1)):
            continue
        rest = body.match(scan, head.end())
        if rest is not None:
            compact = scan[letters : rest.end()].translate(_SEPARATORS).upper()
            if is_iban(compact):
                yield Span(letters, rest.end(), compact)


def _checked(
    valid: Callable[[str], bool], fewest: int, compact: re.Pattern[str], groups: tuple[re.Pattern[str], ...]
) -> Callable[[str, re.Match[str]], Iterator[Span]]:
    """A recogniser of numbers with a check digit: in one piece, in their usual groups, or alone in odd ones."""

    def searcher(scan: str, run: re.Match[str]) -> Iterator[Span]:
        digits = run[0].translate(_SEPARATORS)
        if len(digits) < fewest:
            return
        start, end = run.span()
        for match in compact.finditer(scan, start, end):
            if valid(match[1]) and not _inside_a_word(scan, *match.span(1)):
                yield Span(*match.span(1), match[1])
        if len(digits) == end - start:
            return
        for pattern in groups:
            for match in pattern.finditer(scan, start, end):
                value = match[1].translate(_SEPARATORS)
                if valid(value) and not _is_address(match[1]):
                    yield Span(*match.span(1), value)
        odd = end - start <= _MAX_ODD_GROUPING_CHARS and not _NEVER_IN_ODD_GROUPS.search(run[0])
        if odd and valid(digits) and not _is_address(run[0]):
            yield Span(start, end, digits)

    return searcher


def _inside_a_word(scan: str, start: int, end: int) -> bool:
    """Letters on both sides: part of a hash or a key, not a number that somebody wrote."""
    return start > 0 and scan[start - 1].isalpha() and scan[end : end + 1].isalpha()


def _is_address(text: str) -> bool:
    """Four numbers up to 255 with dots: an IPv4 address."""
    parts = text.split(".")
    return len(parts) == 4 and all(part.isdigit() and part == str(int(part)) and int(part) < 256 for part in parts)


def _phones(scan: str, run: re.Match[str]) -> Iterator[Span]:
    return find_phones(scan, max(0, run.start() - _BEFORE_RUN), run.end() + _AFTER_RUN)


_RECOGNISERS: tuple[tuple[Kind, Callable[[str], Iterator[Span]]], ...] = (
    (Kind.EMAIL, _emails),
    (Kind.IBAN, _ibans),
)
_NUMBERS: tuple[tuple[Kind, Callable[[str, re.Match[str]], Iterator[Span]]], ...] = (
    (Kind.CARD, _checked(is_card, 12, _CARD_COMPACT, _CARD_GROUPS)),
    (Kind.TCKN, _checked(is_tckn, 11, _TCKN_COMPACT, _TCKN_GROUPS)),
    (Kind.PHONE, _phones),
)
