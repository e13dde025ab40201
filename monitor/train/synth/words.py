"""The little grammar that composing needs: gerunds, Turkish cases, first letters, whose "my" it is."""

import re

from monitor.train.synth.row import Lang

_DOUBLED = frozenset({"get", "set", "put", "run", "stop", "plan", "quit", "slip", "sit", "cancel", "pat"})
_VOWELS = "aeiou"
_TO_YOU = {"my": "your", "mine": "yours", "me": "you", "myself": "yourself", "i": "you"}
_MINE = re.compile(r"\b(?:[Mm]y|mine|me|myself|I)\b")
_OPENING_NAMES = (
    "Python Java SQL HTTPS Git Mona Lisa Canberra Turkey Trabzon Shakespeare Leonardo Apollo Ararat India Jupiter "
    "Mercury Parliament Doubling Rain Dear DOORMAN KAPICI ROBOT ALO Ankara Istanbul Sun Moon Güneş Türk Kuzey Güney "
    "Büyük Amazon Van Ağrı Merkür Jüpiter Plüton Mohs Türkiye Berlin İstanbul Hindistan Avrupa Louvre TDK BM Trakya "
    "Na Au Sayın Sevgili Selin Thrace Hexa Station Law Lake Cumhuriyetin Anayasada Matbaa Hamlet Dickens Bern Ottawa"
)
_NAMES = frozenset(_OPENING_NAMES.split())
"""Words that keep their capital when a sentence of the texts is put after a colon."""
_FIRST_PERSON = {
    "en": re.compile(r"\b(?:I|my|My|me|this photo|in front of me|prints 7 here)\b"),
    "tr": re.compile(r"\w(?:dım|tım|dum|tum|düm|tüm|dim|tim)\b|\b[Ee]limdeki\b|\bbende\b|\bÖlçtüm\b"),
}
_TR_MINE = {
    "sevgilimin": ("sevgilinizin", "sevgilinin"),
    "arkadaşımın": ("arkadaşınızın", "arkadaşının"),
    "eşimin": ("eşinizin", "eşinin"),
    "notlarımı": ("notlarınızı", "notlarını"),
    "restoranım": ("restoranınız", "restoranın"),
    "kolumdaki": ("kolunuzdaki", "kolundaki"),
    "boynumdaki": ("boynunuzdaki", "boynundaki"),
    "ailemden": ("ailenizden", "ailenden"),
    "oğluma": ("oğlunuza", "oğluna"),
    "bana": ("size", "sana"),
    "bildiğim": ("bildiğiniz", "bildiğin"),
    "kullandığım": ("kullandığınız", "kullandığın"),
    "yazmadığım": ("yazmadığınız", "yazmadığın"),
    "ödevim": ("ödeviniz", "ödevin"),
    "kendimi": ("kendinizi", "kendini"),
}


def gerund(verb_phrase: str) -> str:
    """Give "baking bread" for "bake bread": English, the first word is the verb."""
    verb, space, rest = verb_phrase.partition(" ")
    if verb in _DOUBLED:
        verb += verb[-1]
    elif verb.endswith("e") and not verb.endswith("ee"):
        verb = verb[:-1]
    return f"{verb}ing{space}{rest}"


def cases(infinitive: str) -> dict[str, str]:
    """The Turkish infinitive and its accusative, dative and genitive, by slot name."""
    stem, a = infinitive[:-3], "a" if infinitive.endswith("mak") else "e"
    high = "ı" if a == "a" else "i"
    return {"mak": infinitive, "mayi": f"{stem}m{a}y{high}", "maya": f"{stem}m{a}y{a}", "manin": f"{stem}m{a}n{high}n"}


def to_you(text: str, lang: Lang, *, formal: bool) -> str:
    """The user's own words as the assistant repeats them: "my" becomes "your"."""
    if lang == "en":
        return _MINE.sub(lambda found: _TO_YOU[found[0].lower()], text)
    return " ".join(_TR_MINE[word][not formal] if word in _TR_MINE else word for word in text.split(" "))


def first_person(text: str, lang: Lang) -> bool:
    """Whether only a person who did or holds something can say it ("I weighed them")."""
    return bool(_FIRST_PERSON[lang].search(text))


def lower(text: str, lang: Lang) -> str:
    """Lower case by the rules of the language (`I` is `ı` in Turkish)."""
    return (text.replace("I", "ı").replace("İ", "i") if lang == "tr" else text).lower()


def shout(text: str, lang: Lang) -> str:
    """Upper case by the rules of the language (`i` is `İ` in Turkish)."""
    return (text.replace("i", "İ").replace("ı", "I") if lang == "tr" else text).upper()


def up(text: str, lang: Lang) -> str:
    """The text with its first letter in upper case."""
    return shout(text[:1], lang) + text[1:]


def low(text: str, lang: Lang) -> str:
    """The text with its first letter in lower case, unless it opens with a name, "I" or an abbreviation."""
    word = re.split(r"[ ,.?!:']", text, maxsplit=1)[0]
    is_name = word in _NAMES or word == "I" or not word[1:].islower() or (lang == "tr" and f"{word}'" in text)
    return text if is_name and word not in {"A", "O"} else lower(text[:1], lang) + text[1:]


def sentence_case(text: str, lang: Lang) -> str:
    """Every sentence with a capital; "3. adım" (a number with its dot) is no sentence end."""
    text = up(text, lang) if text[:1].isalpha() else text
    return re.sub(r"(?<=[^\d.][.!?] )[^\W\d_]", lambda found: shout(found[0], lang), text)
