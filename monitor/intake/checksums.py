"""Check digits and structures that tell a real number from one that only looks like it."""

import re

# Country -> BBAN structure after the check digits, as the SWIFT IBAN registry writes it: n digits, a
# capitals, c either.
_IBAN_STRUCTURES = {
    "TR": "5n1n16c", "DE": "18n",
    "AD": "8n12c", "AE": "19n", "AL": "8n16c", "AT": "16n", "AZ": "4a20c", "BA": "16n", "BE": "12n", "BG": "4a6n8c",
    "BH": "4a14c", "BI": "23n", "BR": "23n1a1c", "BY": "4c4n16c", "CH": "5n12c", "CR": "18n", "CY": "8n16c",
    "CZ": "20n", "DJ": "23n", "DK": "14n", "DO": "4c20n", "EE": "16n", "EG": "25n", "ES": "20n", "FI": "14n",
    "FK": "2a12n", "FO": "14n", "FR": "10n11c2n", "GB": "4a14n", "GE": "2a16n", "GI": "4a15c", "GL": "14n",
    "GR": "7n16c", "GT": "4c20c", "HN": "4a20n", "HR": "17n", "HU": "24n", "IE": "4a14n", "IL": "19n",
    "IQ": "4a15n", "IS": "22n", "IT": "1a10n12c", "JO": "4a4n18c", "KW": "4a22c", "KZ": "3n13c", "LB": "4n20c",
    "LC": "4a24c", "LI": "5n12c", "LT": "16n", "LU": "3n13c", "LV": "4a13c", "LY": "21n", "MC": "10n11c2n",
    "MD": "2c18c", "ME": "18n", "MK": "3n10c2n", "MN": "16n", "MR": "23n", "MT": "4a5n18c", "MU": "4a19n3a",
    "NI": "4a20n", "NL": "4a10n", "NO": "11n", "OM": "3n16c", "PK": "4a16c", "PL": "24n", "PS": "4a21c",
    "PT": "21n", "QA": "4a21c", "RO": "4a16c", "RS": "18n", "RU": "14n15c", "SA": "2n18c", "SC": "4a20n3a",
    "SD": "14n", "SE": "20n", "SI": "15n", "SK": "20n", "SM": "1a10n12c", "SO": "19n", "ST": "21n", "SV": "4a20n",
    "TL": "19n", "TN": "20n", "UA": "6n19c", "VA": "18n", "VG": "4a16n", "XK": "16n", "YE": "4a4n18c",
}  # fmt: skip
_CLASSES = {"n": "[0-9]", "a": "[A-Z]", "c": "[A-Z0-9]"}

IBAN_PARTS = {
    country: tuple((int(size), kind) for size, kind in re.findall(r"(\d+)([nac])", structure))
    for country, structure in _IBAN_STRUCTURES.items()
}
"""Country -> the sizes and classes that follow the check digits."""
_IBANS = {
    country: re.compile("[A-Z]{2}[0-9]{2}" + "".join(f"{_CLASSES[kind]}{{{size}}}" for size, kind in parts))
    for country, parts in IBAN_PARTS.items()
}

# Issuer prefixes with the lengths that each issues (ISO/IEC 7812); last, Maestro's 12 to 19 digits.
_CARDS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"
    r"|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"
    r"|3[47]\d{13}|3(?:0[0-59]|[689]\d)\d{11}"
    r"|(?:6011|64[4-9]\d|65\d\d|62\d\d|81\d\d|60\d\d|220[0-4])\d{12,15}|9792\d{12}|35\d{14,17}"
    r"|(?:1800|2131)\d{11}"
    r"|(?:5018|5020|5038|58\d\d|6304|639\d|67\d\d|0604)\d{8,15}",
    re.ASCII,
)
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def is_tckn(digits: str) -> bool:
    """TC Kimlik No: 11 digits, the first not 0, the last two computed from those before (Nufus Isleri, 2 rules)."""
    if len(digits) != 11 or not digits.isascii() or not digits.isdigit() or digits[0] == "0":
        return False
    d = [int(c) for c in digits]
    odd, even = sum(d[0:9:2]), sum(d[1:8:2])
    return (odd * 7 - even) % 10 == d[9] and sum(d[:10]) % 10 == d[10]


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    total = sum(map(int, digits[-1::-2])) + sum(_DOUBLED[int(c)] for c in digits[-2::-2])
    return total % 10 == 0


def is_card(digits: str) -> bool:
    """A payment card: an issuer's prefix, a length that it issues, Luhn."""
    return _CARDS.fullmatch(digits) is not None and luhn(digits)


def is_iban(compact: str) -> bool:
    """An IBAN in capitals without separators: country, length, structure, ISO 7064 mod 97-10."""
    known = _IBANS.get(compact[:2])
    if known is None or not known.fullmatch(compact):
        return False
    return int("".join(str(int(c, 36)) for c in compact[4:] + compact[:4])) % 97 == 1
