"""Phone numbers in chat: Turkish, international, other national shapes, and any number that is called one.

A number counts as a phone for its shape (a plus sign, an area code in its usual grouping) or for the words
before it; a bare run of digits without either stays, since order numbers look the same.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

# Country calling code -> fewest and most digits of the national number (ITU-T E.164 and national plans).
_NATIONAL_LENGTHS = {
    "90": (10, 10), "1": (10, 10), "44": (9, 10), "49": (6, 12), "33": (9, 9), "34": (9, 9), "39": (6, 11),
    "31": (9, 9), "32": (8, 9), "41": (9, 9), "43": (6, 13), "45": (8, 8), "46": (7, 10), "47": (8, 8), "48": (9, 9),
    "7": (10, 10), "30": (10, 10), "36": (8, 9), "40": (9, 9), "351": (9, 9), "353": (7, 9), "358": (6, 11),
    "380": (9, 9), "994": (9, 9), "966": (8, 9), "971": (8, 9), "91": (10, 10), "86": (10, 11), "81": (9, 10),
    "82": (8, 10), "61": (9, 9), "55": (10, 11), "52": (10, 10), "54": (10, 11), "972": (8, 9), "98": (10, 10),
}  # fmt: skip
_ANY_LENGTH = (6, 12)
_ONE_DIGIT = "17"
# Every calling code that starts with another digit has two digits if it is here, three if not.
_TWO_DIGIT = frozenset(
    {20, 27, *range(30, 70), 81, 82, 84, 86, *range(90, 99)} - {35, 37, 38, 42, 50, 59, 67, 68, 69, 96, 97}
)
_S = r"[ .\-/()]{0,3}"
_EXTENSION = r"(?:[ ]?(?:x|ext\.?|dahili)[ ]?[0-9]{1,6})?"
_BEGIN, _END = r"(?<![0-9])", r"(?![0-9])"

_INTERNATIONAL = re.compile(rf"(?:(?<![0-9])\+[ ]?|{_BEGIN}00[ ]?)\(?(?P<number>[1-9](?:{_S}[0-9]){{7,17}}+)")
_TURKISH = re.compile(
    rf"{_BEGIN}(?:90{_S}(?:5)|\(?0[ \-/()]{{0,3}}(?:(?:5)|(?:[2-4])|(?:8(?=[015]0))))"
    rf"[0-9]{{2}}{_S}[0-9]{{3}}{_S}[0-9]{{2}}{_S}[0-9]{{2}}{_END}"
    rf"|{_BEGIN}0\.5[0-9]{{2}}\.[0-9]{{3}}\.[0-9]{{2}}\.[0-9]{{2}}{_END}"
    # Without the leading 0: a mobile prefix in use, and at least one separator.
    rf"|{_BEGIN}(?<![0-9][.,])\(?5(?:0[1-7]|[1345][0-9]|6[1-9])(?:\)[ ]?|[ .\-])"
    rf"[0-9]{{3}}[ .\-]?[0-9]{{2}}[ .\-]?[0-9]{{2}}{_END}"
)
_NATIONAL = re.compile(
    # North America, with or without its 1, and an extension.
    rf"{_BEGIN}(?:(?:001|1)[ .\-]{{1,2}})?(?:\([2-9][0-9]{{2}}\)[ \-]?|[2-9][0-9]{{2}}[ .\-])"
    rf"[0-9]{{3}}[ .\-][0-9]{{4}}{_END}{_EXTENSION}"
    # Five pairs (France); a leading 0 with an area code and one to four groups (Germany, Britain, Italy,
    # ...).
    rf"|{_BEGIN}(?P<pairs>0[1-9](?P<sep>[ .\-])[0-9]{{2}}(?:(?P=sep)[0-9]{{2}}){{3}}){_END}"
    rf"|{_BEGIN}(?![0-9]{{3}}-[0-9]{{2}}-[0-9]{{4}}{_END})"  # a US social security number is no phone
    rf"(?:0[0-9]{{2,4}}|\(0[0-9]{{1,4}}\))[ \-/]{{1,3}}[0-9]{{2,8}}(?:[ \-/][0-9]{{2,8}}){{0,3}}{_END}"
    # Mobiles in one or two pieces: Britain, Germany, the Netherlands.
    rf"|{_BEGIN}(?:07[0-9]{{9}}|01[5-7][0-9]{{8,9}}|06[ \-]?[0-9]{{8}}){_END}"
)
_LOOSE = re.compile(rf"{_BEGIN}(?<![0-9][.,])\(?[0-9](?:[ .\-/()]{{0,3}}[0-9]){{6,14}}+{_END}{_EXTENSION}")
_DAY, _MONTH = "(?:0?[1-9]|[12][0-9]|3[01])", "(?:0?[1-9]|1[0-2])"
_NOT_A_PHONE = re.compile(
    rf"(?:{_DAY}[./\-]{_MONTH}|{_MONTH}[./\-]{_DAY})[./\-](?:[0-9]{{4}}|[0-9]{{2}})(?![0-9])"
    r"|(?:19|20)[0-9]{2}[./\-][0-9]{1,2}[./\-][0-9]{1,2}(?![0-9])"
    r"|[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9])"  # an IPv4 address
)
_CALLED_ONE = re.compile(
    r"(?<![^\W_])(?:tel|telefon\w*|telephone|phone|mobile|mobil|cell(?:phone)?|cep|gsm|fax|faks|whatsapp|sms|handy|"
    r"rufnummer|call|dial|text|reach (?:me|us|you|him|her)|answering|desk|office|ara(?:yın|yin|y[ıi]n[ıi]z)?)"
    r"(?![^\W_])[^0-9]*\Z",
    re.IGNORECASE,
)
_CONTEXT_CHARS = 32
_DIGIT = re.compile("[0-9]")


@dataclass(frozen=True, slots=True)
class Span:
    """A value found: where it stands, and its form for telling whether two are the same."""

    start: int
    end: int
    value: str


def find_phones(scan: str, start: int, end: int) -> Iterator[Span]:
    """Phone numbers inside `scan[start:end]`, which holds one run of digits and separators; may overlap."""
    for match in _INTERNATIONAL.finditer(scan, start, end):
        span = _international(match)
        if span is not None:
            yield span
    for match in _TURKISH.finditer(scan, start, end):
        yield Span(*match.span(), "90" + _digits(match[0])[-10:])
    for match in _NATIONAL.finditer(scan, start, end):
        number = _digits(re.split("[xed]", match[0])[0])
        if 8 <= len(number) <= 14 and (match["pairs"] or not _NOT_A_PHONE.match(match[0])):
            yield Span(*match.span(), number)
    for match in _LOOSE.finditer(scan, start, end):
        before = scan[max(0, match.start() - _CONTEXT_CHARS) : match.start()]
        if _CALLED_ONE.search(before) and not _NOT_A_PHONE.match(match[0].lstrip("(")):
            number = _digits(re.split("[xed]", match[0])[0])
            yield Span(*match.span(), "90" + number if len(number) == 10 and number[0] == "5" else number)


def _digits(text: str) -> str:
    return "".join(_DIGIT.findall(text))


def _international(match: re.Match[str]) -> Span | None:
    """The number after a plus sign or 00, cut where its country's plan ends it."""
    written = match["number"]
    places = [place.start() for place in _DIGIT.finditer(written)]
    digits = "".join(written[place] for place in places)
    code = _calling_code(digits)
    trunk = digits[len(code) : len(code) + 1] == "0" and code != "39"
    fewest, most = _NATIONAL_LENGTHS.get(code, _ANY_LENGTH)
    taken = min(len(digits), len(code) + trunk + most)
    # Never end inside a group: a digit too many is a typing error, not another number.
    while taken < len(places) and places[taken] == places[taken - 1] + 1:
        taken += 1
    if taken - len(code) - trunk < fewest:
        return None
    end = match.start("number") + places[taken - 1] + 1
    return Span(match.start(), end, code + digits[len(code) + trunk : taken])


def _calling_code(digits: str) -> str:
    if digits[0] in _ONE_DIGIT:
        return digits[0]
    return digits[:2] if int(digits[:2]) in _TWO_DIGIT else digits[:3]
