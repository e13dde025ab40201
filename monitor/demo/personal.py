"""Personal values of people who do not exist: valid by their checksums, and numbers that only look so."""

from dataclasses import dataclass

from monitor.demo.dice import Dice
from monitor.demo.texts import Language, Texts

_HOSTS = {
    "en": ("example.com", "example.org", "mail.example.com"),
    "tr": ("ornek.example", "example.com", "posta.ornek.example"),
}
_ASCII = str.maketrans("çğ\u0131öşüÇĞİÖŞÜ", "cgiosuCGIOSU")


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """A fictional person with every kind of value that may leak."""

    first: str
    last: str
    email: str
    phone: str
    tckn: str
    iban: str
    card: str

    @property
    def slots(self) -> dict[str, str]:
        """The values under the names that the texts use."""
        return {
            "first": self.first,
            "last": self.last,
            "person": f"{self.first} {self.last}",
            "email": self.email,
            "phone": self.phone,
            "tckn": self.tckn,
            "iban": self.iban,
            "card": self.card,
        }


def person(dice: Dice, texts: Texts) -> Person:
    """Make up a person of the language of the texts."""
    language = texts.language
    first, last = dice.pick(texts.phrases["first_name"]), dice.pick(texts.phrases["last_name"])
    local = f"{first}.{last}".translate(_ASCII).lower()
    return Person(
        first=first,
        last=last,
        email=f"{local}{dice.below(90) + 10}@{dice.pick(_HOSTS[language])}",
        phone=_phone(dice, language),
        tckn=tckn(f"1000{dice.digits(5)}"),
        iban=_iban(dice, language),
        card=_card(dice),
    )


def tckn(nine: str) -> str:
    """Append the two check digits of a TC Kimlik No to its first nine digits."""
    digits = [int(digit) for digit in nine]
    tenth = (7 * sum(digits[0::2]) - sum(digits[1::2])) % 10
    return f"{nine}{tenth}{(sum(digits) + tenth) % 10}"


def luhn(payload: str) -> str:
    """Append the Luhn check digit (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(payload)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return f"{payload}{-total % 10}"


def iban(country: str, account: str) -> str:
    """Put the check digits before the account number (ISO 13616, mod 97)."""
    number = "".join(str(int(sign, 36)) for sign in f"{account}{country}00")
    return f"{country}{98 - int(number) % 97:02d}{account}"


def order_number(dice: Dice) -> str:
    """Give eleven digits like a TC Kimlik No, with a wrong check digit."""
    good = tckn(f"7{dice.digits(8)}")
    return good[:10] + _other_digit(dice, good[10])


def reference_number(dice: Dice) -> str:
    """Give sixteen digits like a card number, with a wrong check digit."""
    good = luhn(f"90{dice.digits(13)}")
    return good[:15] + _other_digit(dice, good[15])


def _other_digit(dice: Dice, digit: str) -> str:
    return str((int(digit) + 1 + dice.below(9)) % 10)


def _phone(dice: Dice, language: Language) -> str:
    """+90 500 is not given to any operator; +44 7700 900 is Ofcom's range for drama."""
    if language == "tr":
        a, b, c = dice.digits(3), dice.digits(2), dice.digits(2)
        return dice.pick((f"+90 500 {a} {b} {c}", f"+90500{a}{b}{c}", f"+90 (500) {a} {b} {c}"))
    tail = dice.digits(3)
    return dice.pick((f"+44 7700 900{tail}", f"+447700900{tail}", f"+44 7700 900 {tail}"))


def _iban(dice: Dice, language: Language) -> str:
    """Bank codes 00099 (TR) and 99999999 (DE) belong to no bank."""
    if language == "tr" or dice.chance(0.3):
        value = iban("TR", f"000990{dice.digits(16)}")
    else:
        value = iban("DE", f"99999999{dice.digits(10)}")
    return _grouped(value) if dice.chance(0.5) else value


def _card(dice: Dice) -> str:
    """Numbers on the prefixes that payment providers keep for tests."""
    value = luhn(dice.pick(("400000", "424242", "555555")) + dice.digits(9))
    return dice.pick((value, _grouped(value), _grouped(value).replace(" ", "-")))


def _grouped(value: str) -> str:
    return " ".join(value[start : start + 4] for start in range(0, len(value), 4))
