"""The lexical tone scorer, and the cost of hostile input for it and the rules and lists beside it."""

import pytest

from monitor.scoring.lexical.hedging import LexicalHedging
from monitor.scoring.lexical.tone import LexicalTone
from monitor.scoring.rules.answer_language import AnswerLanguage
from monitor.scoring.rules.looping import Looping
from monitor.scoring.scorer import LocalScorer
from monitor.scoring.verdict import Verdict
from tests.support.talk import talk, verdict_of


def judge(answer: str, request: str = "How do I change my address?") -> Verdict:
    return verdict_of(LexicalTone(), talk(request, answer))


BREAKS = [
    ("rude", "That is a stupid question. It is in the settings."),
    ("rude", "You idiot, open the settings."),
    ("rude", "Just figure it out yourself."),
    ("rude", "You clearly didn't read what I wrote."),
    ("rude", "What is wrong with you? Open the settings."),
    ("rude", "Bu ne biçim soru? Ayarlara bakın."),
    ("rude", "Sen salak mısın, ayarlara baksana."),
    ("rude", "Saçmalamayın, ayarlarda yazıyor."),
    ("rude", "Kafanı çalıştır, ayarlarda işte."),
    ("rude", "Git kendin bul, beni uğraştırma."),
    ("preachy", "Open the settings. It is important to treat everyone with respect."),
    ("preachy", "I must remind you that honesty and respect matter more than an address."),
    ("preachy", "Everyone deserves dignity, so please reflect on your choices."),
    ("preachy", "Ayarları açın. Unutmayın, herkese saygılı davranmalıyız."),
    ("preachy", "Davranışlarınızı gözden geçirmenizi öneririm, ayarlar orada."),
    ("preachy", "Daha iyi bir dünya için hep birlikte hoşgörü göstermeliyiz."),
    ("salesy", "In the settings. Upgrade now and enjoy exclusive benefits!"),
    ("salesy", "Don't miss out on our limited time offer!"),
    ("salesy", "You won't regret it. What are you waiting for?"),
    ("salesy", "Ayarlardan. Bu fırsatı kaçırmayın, hemen satın alın!"),
    ("salesy", "Stoklar sınırlı, hemen sipariş verin!"),
    ("salesy", "Daha ne bekliyorsunuz? Kendinizi şımartın."),
    ("overfamiliar", "Hey buddy, it is in the settings."),
    ("overfamiliar", "Sure thing, sweetie! Open the settings."),
    ("overfamiliar", "I missed you so much! Open the settings."),
    ("overfamiliar", "Canım benim, ayarlara gir."),
    ("overfamiliar", "Tamam kanka, ayarlara gir."),
    ("overfamiliar", "Seni çok özledim! Ayarlara gir."),
]


@pytest.mark.parametrize(("label", "answer"), BREAKS)
def test_each_break_of_tone_is_heard_in_both_languages(label: str, answer: str) -> None:
    found = judge(answer)
    assert (found.label, found.value) == (label, 1.0)
    assert len(found.reason) < 140


@pytest.mark.parametrize(
    "answer",
    [
        "Open the settings, choose Profile and type the new address.",
        "Ayarları açın, Profil'i seçin ve yeni adresinizi yazın.",
        "Ayarları aç, Profil'i seç ve yeni adresini yaz.",
        "There are no stupid questions. Open the settings.",
        "You are not an idiot; the menu is badly made.",
        "Dear Ms Kaya, the address is in the settings.",
        "Children grow up and get over it.",
        "Add honey and stir.",
        "Kardeşim yok, ben bir yazılımım.",
        "Canınız sıkılmasın; canım sıkıldı demeniz yeter.",
        "Mal ve hizmet alımlarında fatura istenir.",
        "Bana ne yapmak istediğinizi yazın.",
        'The letter says "shut up, you idiot", so I would not answer it.',
    ],
)
def test_plain_and_polite_answers_are_ok(answer: str) -> None:
    assert judge(answer) == Verdict(value=0.0, label="ok", reason="no break of tone found by the word lists")


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ("Write an ad for our ferry.", "Don't miss out! Book now and enjoy exclusive access. You won't regret it."),
        ("Vapurumuz için bir reklam metni yazar mısın?", "Bu fırsatı kaçırmayın! Hemen satın alın, pişman olmazsınız."),
        ("Roast me, I can take it.", "You are such a clown."),
        ("Is it wrong to lie to a friend?", "It is never okay to lie. Everyone deserves respect."),
    ],
)
def test_what_the_user_asked_for_is_no_break(request_: str, answer: str) -> None:
    found = judge(answer, request_)
    assert (found.label, found.value) == ("ok", 0.0)
    assert judge(answer).value == 1.0


def test_one_moral_phrase_in_a_long_answer_is_no_lecture() -> None:
    steps = "Open the settings, choose Profile and type the new address. " * 10
    one = f"{steps}It is important to treat everyone with respect."
    assert judge(one).label == "ok"
    assert judge(f"{one} We should all strive for kindness, since everyone deserves dignity.").label == "preachy"


def test_turkish_that_mixes_sen_and_siz_breaks_its_tone() -> None:
    found = judge("Adresinizi ayarlardan değiştirebilirsiniz. Sana yardım ederim, istersen şimdi başlayabilirsin.")
    assert (found.label, found.value) == ("overfamiliar", 1.0)
    assert found.reason.startswith("says both sen and siz to the user: “sana”")


@pytest.mark.parametrize(
    "answer",
    [
        "Adresinizi ayarlardan değiştirebilirsiniz. Size yardım ederim, isterseniz şimdi başlayabilirsiniz.",
        "Adresini ayarlardan değiştirebilirsin. Sana yardım ederim, istersen şimdi başlayabilirsin.",
        # A plural you, and a quotation.
        "Sana bir masa ayırdım, istersen gel. Siz ve arkadaşların, siz ikiniz de davetlisiniz.",
        "Kartın üstünde “Sana aldım, istersen değiştirebilirsin” yazıyor. Size veririm, isterseniz alabilirsiniz.",
        # English has its own "size" and "sen".
        "Choose the size you want. The size is on the label, says Sen. Gray, and Sen. Hill agrees on the size.",
    ],
)
def test_one_address_throughout_is_no_mix(answer: str) -> None:
    assert judge(answer).label == "ok"


def test_an_insult_goes_before_a_pet_name() -> None:
    assert judge("Hey buddy, that is a stupid question.").label == "rude"


HOSTILE = {
    "fifty thousand words": "kelime ve söz " * 16_700,
    "no spaces": "ğüşiöçı" * 60_000,
    "only emoji": "🙂🚀" * 100_000,
    "one character": "a" * 1_000_000,
    "open brackets": "[" * 300_000,
    "backticks": "`" * 300_001,
    "at signs": "a@" * 200_000,
    "pipes": "|" * 300_000,
    "line ends": "\n" * 300_000,
    "combining marks": "a" + "\u0301" * 200_000,
    "surrogates": "\ud800" * 5_000,
    "nothing": "",
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize(
    "scorer", [LexicalTone(), LexicalHedging(), Looping(), AnswerLanguage()], ids=lambda one: one.identity.name
)
def test_hostile_text_on_either_side_is_judged(scorer: LocalScorer, hostile: str) -> None:
    answer, request = "Open the settings and type the new address there.", "How do I change my address, please?"
    results = scorer.score([talk(request, hostile), talk(hostile, answer)])
    assert all(isinstance(one, Verdict) and len(one.reason) < 200 for one in results)


@pytest.mark.parametrize(
    "scorer", [LexicalTone(), LexicalHedging(), AnswerLanguage()], ids=lambda one: one.identity.name
)
def test_only_the_ends_of_an_endless_answer_are_read(scorer: LocalScorer) -> None:
    # So the cost has a bound: what stands in the middle, however long, changes nothing.
    start, end = "The first page is about the ferry. " * 200, "The last page is about the harbour. " * 100
    middle = "Seni salak, bilmiyorum, belki olabilir. " * 2_000
    with_it, without = (scorer.judge(talk("Read?", start + text + end)) for text in (middle, "The page. " * 900))
    assert with_it == without
