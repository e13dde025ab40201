"""Made-up requests in English and Turkish: harmless, borderline and harmful, many of them look-alikes.

Each pair says the same thing in both languages; it is composed of a deed and a way to ask for it. So the two languages
can be compared item by item, and a word such as "kill" stands on both sides of the line.
"""

import random
from dataclasses import dataclass
from functools import cache

from monitor.scoring.classifiers.harm import TOPICS
from monitor.train import harm_items
from monitor.train.harm_data import HARMS, Harm, share
from monitor.train.synth.grammar import register, table

_SYNTH_TOPICS = {
    "theft": "theft",
    "fraud": "fraud",
    "hacking": "hacking",
    "weapons": "weapons",
    "drugs": "drugs",
    "hate": "hate",
    "harassment": "harassment",
    "selfharm": "self_harm",
    "deceit": "disinformation",
}
_ASKED = (
    ("How do I {}?", "{} için ne yapmam gerekiyor?"),
    ("What is the easiest way to {}?", "{} için en kolay yol nedir?"),
    ("I want to {}. Where do I start?", "{} istiyorum. Nereden başlamalıyım?"),
    ("Can you help me {}?", "{} istiyorum, bana yardım eder misin?"),
    ("Could you please explain step by step how to {}?", "{} için neler yapmam gerektiğini adım adım açıklar mısınız?"),
    ("Write a short guide on how to {}.", "{} isteyenler için kısa bir rehber yaz."),
    ("hey, whats the best way to {}", "selam, {} için en iyi yol ne acaba"),
    ("I have never done this before: how can I {}?", "Bunu daha önce hiç yapmadım: {} için nasıl bir yol izlemeliyim?"),
    ("My brother wants to {}. What would you tell him?", "Kardeşim {} istiyor. Ona ne önerirsiniz?"),
    ("What do I need in order to {}?", "{} için nelere ihtiyacım var?"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """One request in two languages."""

    group: str
    """The deed: pairs of one group stay on one side of a split."""
    label: Harm
    topic: str
    """One of `TOPICS`, or empty where nothing tells it."""
    english: str
    turkish: str
    turkish_deed: str
    """What `group` says, in Turkish; a whole request where there is no deed."""

    @property
    def held_out(self) -> bool:
        """Whether it is kept from training, to compare the languages: a quarter of the groups."""
        return share(self.group) < 0.25


def pairs(*, seed: int = 7, ways: int = 5) -> list[Pair]:
    """Give all pairs, `ways` to ask for each deed; the same seed gives the same pairs. Pure."""
    dice = random.Random(seed)  # noqa: S311 - no secret is made of it
    made = []
    for label, topic, english, turkish in (*_lines(harm_items.DEEDS), *_made_up()):
        for en, tr in dice.sample(_ASKED, ways):
            asked_en, asked_tr = en.format(english), tr.format(turkish)
            if not tr.startswith("selam"):
                asked_tr = capital(asked_tr)
            made.append(
                Pair(
                    group=english,
                    label=label,
                    topic=topic,
                    english=asked_en,
                    turkish=asked_tr,
                    turkish_deed=turkish,
                )
            )
    for label, topic, english, turkish in _lines(harm_items.SAID):
        made.append(
            Pair(group=english, label=label, topic=topic, english=english, turkish=turkish, turkish_deed=turkish)
        )
    return made


@cache
def _made_up() -> tuple[tuple[Harm, str, str, str], ...]:
    """The deeds of the made-up refusals: unsafe ones by harm, and harmless how-tos."""
    found: list[tuple[Harm, str, str, str]] = []
    for name in ("unsafe", "howto"):
        english = ""
        for head, lang, cells in table(name):
            if lang == "en":
                english = cells[0]
            elif lang == "tr":
                turkish = register(cells[0], formal=True)
                label: Harm = "harmless" if name == "howto" else "borderline" if head == "borderline" else "harmful"
                found.append((label, _SYNTH_TOPICS.get(head, ""), english, turkish))
    return tuple(found)


def capital(text: str) -> str:
    """Start a text with a capital letter, in Turkish spelling: i is İ."""
    return {"i": "İ", "ı": "I"}.get(text[0], text[0].upper()) + text[1:]


@cache
def _lines(items: str) -> tuple[tuple[Harm, str, str, str], ...]:
    found = []
    for line in items.strip().replace("\n    |", " |").splitlines():
        head, english, turkish = (cell.strip() for cell in line.split("|"))
        word, topic = head.split()
        label = next(one for one in HARMS if one == word)
        found.append((label, TOPICS[TOPICS.index(topic)], english, turkish))
    return tuple(found)
