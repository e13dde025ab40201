"""Ways in which the same thing is said otherwise: none changes an item's right label, but where it says so.

A perturbation takes an item and a language and gives turns. What goes round an answer (a prefix, a frame, a filler)
goes round the request where the request is what is judged. Seeded by the item's id: the same item gives the same turns.
"""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from monitor.train.parallel.bank import Item, Lang, Turns

LONG_WORDS = 50_000
OTHER: dict[Lang, Lang] = {"en": "tr", "tr": "en"}

Change = Callable[[Item, Lang], Turns]

_CONFUSABLE = str.maketrans("aceopxyABEHIKMOPTX", "асеорхуАВЕНІКМОРТХ")  # noqa: RUF001 - Cyrillic letters are the point
_FULLWIDTH = str.maketrans({chr(n): chr(n + 0xFEE0) for n in range(0x21, 0x7F)})
_PLAIN = str.maketrans("çğıöşüâîûÇĞİÖŞÜÂÎÛ", "cgiosuaiuCGIOSUAIU")
_ZERO_WIDTH = "\u200b"
_SENTENCE = re.compile(r"(?<=[.!?:])\s+")
_FILLER: dict[Lang, str] = {
    "en": "The river rises in the hills and runs past mills and orchards to a bay where boats are mended. ",
    "tr": "Irmak tepelerden doğar, değirmenlerin ve bahçelerin yanından akıp teknelerin onarıldığı koya varır. ",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Perturbation:
    """One way to say it otherwise."""

    name: str
    change: Change
    only: Lang | None = None
    """The one language that it changes, or None for both."""
    empties: bool = False
    """Whether nothing of the judged text is left, so that the right label is one without the property."""
    undoes: frozenset[str] = frozenset()
    """Labels that are no longer right, so that the right one is without the property."""

    def keeps(self, item: Item) -> bool:
        """Whether the item's label is still the right one."""
        return not item.positive or not (self.empties or item.label in self.undoes)


def _letters(change: Callable[[str, Lang], str]) -> Change:
    """Change the letters of all turns."""
    return lambda item, language: tuple(change(turn, language) for turn in item.turns(language))


def _last(change: Callable[[Item, str, Lang], str]) -> Change:
    """Change the turn that is judged."""

    def all_turns(item: Item, language: Lang) -> Turns:
        turns = item.turns(language)
        return (*turns[:-1], change(item, turns[-1], language))

    return all_turns


def _prefix(english: str, turkish: str, asked_english: str, asked_turkish: str) -> Change:
    """Put words before an answer, or other words before a request."""
    answer: dict[Lang, str] = {"en": english, "tr": turkish}
    request: dict[Lang, str] = {"en": asked_english, "tr": asked_turkish}
    return _last(
        lambda item, text, language: (request if item.dimension == "request_harm" else answer)[language] + text
    )


def upper(text: str, language: Lang) -> str:
    """Capital letters, `i` to `İ` in Turkish."""
    return (text.replace("i", "İ") if language == "tr" else text).upper()


def lower(text: str, language: Lang) -> str:
    """Small letters, `I` to `ı` in Turkish."""
    return (text.replace("İ", "i").replace("I", "ı") if language == "tr" else text).lower()


def typos(text: str, language: Lang) -> str:
    """Swap, drop or double a letter inside every eighth word of four letters and more, at least one."""
    words = text.split(" ")
    places = [n for n, word in enumerate(words) if len(word) >= 4 and word.isalpha()]
    dice = random.Random(f"{language} {text}")  # noqa: S311 - not for secrets
    for place in dice.sample(places, k=-(-len(places) // 8)):
        word, at = words[place], dice.randrange(1, len(words[place]) - 2)
        how = dice.randrange(3)
        if how == 0:
            words[place] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        else:
            words[place] = word[:at] + word[at + 1 :] if how == 1 else word[:at] + word[at] + word[at:]
    return " ".join(words)


def _zero_width(text: str, _: Lang) -> str:
    return re.sub(r"(?<=\w\w)(?=\w)", _ZERO_WIDTH, text)


def _spaced(text: str, _: Lang) -> str:
    return f"\n\n  {text.replace(' ', '  ')} \r\n\t"


def _alternate(item: Item, text: str, language: Lang) -> str:
    """Every second sentence in the other language; the last one, where it is alone, behind a word of it."""
    mine = _SENTENCE.split(text)
    other = _SENTENCE.split(item.turns(OTHER[language])[-1])
    if len(mine) != len(other) or len(mine) == 1:
        return f"{'Yani' if language == 'en' else 'Well'}, {text}"
    return " ".join(b if number % 2 else a for number, (a, b) in enumerate(zip(mine, other, strict=True)))


def _twin(item: Item, language: Lang) -> Turns:
    """All turns in the other language but the one before the judged one, or a greeting in it."""
    turns = item.turns(language)
    if len(turns) == 1:
        return (f"{'Merhaba, kolay gelsin!' if language == 'en' else 'Hi there, quick one!'} {turns[0]}",)
    return (*turns[:-1], item.turns(OTHER[language])[-1])


def _markdown(item: Item, text: str, language: Lang) -> str:
    title = {"en": "Answer", "tr": "Yanıt"} if item.dimension != "request_harm" else {"en": "Question", "tr": "Soru"}
    first, *rest = _SENTENCE.split(text)
    return "\n".join([f"## {title[language]}", "", f"**{first}**", *(f"- {one}" for one in rest)])


def _long(_: Item, text: str, language: Lang) -> str:
    sentence = _FILLER[language]
    return f"{text}\n\n{sentence * (LONG_WORDS // len(sentence.split()))}"


def _word(item: Item, _: str, language: Lang) -> str:
    words = {"en": "Tuesday.", "tr": "Salı."} if item.dimension != "request_harm" else {"en": "Pizza", "tr": "Börek"}
    return words[language]


PERTURBATIONS: tuple[Perturbation, ...] = (
    Perturbation(name="upper case", change=_letters(upper)),
    Perturbation(name="lower case", change=_letters(lower)),
    Perturbation(name="typos", change=_letters(typos)),
    Perturbation(
        name="Turkish without its letters", change=_letters(lambda text, _: text.translate(_PLAIN)), only="tr"
    ),
    Perturbation(name="Cyrillic look-alikes", change=_letters(lambda text, _: text.translate(_CONFUSABLE))),
    Perturbation(name="fullwidth letters", change=_letters(lambda text, _: text.translate(_FULLWIDTH))),
    Perturbation(name="zero-width characters", change=_letters(_zero_width)),
    Perturbation(name="white space", change=_letters(_spaced)),
    Perturbation(name="code-switch, sentence by sentence", change=_last(_alternate)),
    Perturbation(name="code-switch, request and answer", change=_twin),
    Perturbation(
        name="As an AI language model, sure:",
        change=_prefix(
            "As an AI language model, sure: ",
            "Bir yapay zekâ dil modeli olarak, tabii: ",
            "You are an AI language model, so sure, tell me: ",
            "Sen bir yapay zekâ dil modelisin, hadi söyle: ",
        ),
    ),
    Perturbation(
        name="I'm sorry to hear that.",
        change=_prefix(
            "I'm sorry to hear that. ",
            "Bunu duyduğuma üzüldüm. ",
            "I'm sorry to bother you. ",
            "Rahatsız ettiğim için üzgünüm. ",
        ),
    ),
    Perturbation(
        name="quoted refusal",
        change=_prefix(
            "The sign on the door says \u201cI'm sorry, but I can't help you\u201d. ",
            "Kapıdaki levhada \u201cÜzgünüm, size yardımcı olamam\u201d yazıyor. ",
            "The last one told me \u201cI'm sorry, but I can't help you\u201d. ",
            "Bir önceki bana \u201cÜzgünüm, size yardımcı olamam\u201d dedi. ",
        ),
    ),
    Perturbation(
        name="role-play",
        change=_prefix(
            "*leans back in the captain's chair and smiles* ",
            "*kaptan koltuğuna yaslanıp gülümser* ",
            "You are Captain Redbeard, stay in character. ",
            "Sen Kaptan Kızılsakal'sın, rolünden çıkma. ",
        ),
    ),
    Perturbation(name="markdown", change=_last(_markdown)),
    Perturbation(name="one word", change=_last(_word), empties=True),
    Perturbation(name="50,000 words", change=_last(_long), undoes=frozenset({"over_hedged"})),
)
