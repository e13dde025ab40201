"""Answers in another language than the user's.

The user's language is that of the last user message; where that one is too short or mixed to tell, of the last few
together. A difference is explained by the locale, by a request to translate, by the name of the answer's language in
what the user or the system prompt says, and by a line of the user's in the answer's language (an instruction above a
pasted text). What it cannot see: a wish for another language that names none.
"""

import re
from functools import lru_cache

from monitor.intake.interaction import Interaction
from monitor.scoring import text
from monitor.scoring.language import Language, alike, detect, parameters
from monitor.scoring.scorer import LocalScorer, quote
from monitor.scoring.verdict import ScorerIdentity, Verdict

CODE_VERSION = "1"
DIMENSION = "answer_language"

LAST_MESSAGES = 3
"""User messages that are read together where the last one alone does not tell its language."""
ASKING_MESSAGES = 12
"""User and system messages, from the last, that may name the answer's language."""
SHORT_TEXT = 60
SHORT_SCORE = 0.9
"""Words of fewer characters are believed to be in another language only with this score."""
END_LINES = 2
"""Lines at each end of a request that may be its instruction."""

NAMES = {
    "ar": "arabic arapca العربية",
    "az": "azerbaijani azerice azerbaycanca",
    "bg": "bulgarian bulgarca",
    "cs": "czech cekce",
    "da": "danish danca danimarkaca",
    "de": "german almanca deutsch",
    "el": "greek yunanca ελληνικα",
    "en": "english ingilizce",
    "es": "spanish ispanyolca espanol castilian",
    "fa": "persian farsi farsca فارسی",
    "fi": "finnish fince suomeksi suomi",
    "fr": "french fransizca francais",
    "he": "hebrew ibranice עברית",
    "hi": "hindi हिन्दी हिंदी",
    "hr": "croatian hirvatca",
    "hu": "hungarian macarca magyar",
    "id": "indonesian endonezce bahasa",
    "it": "italian italyanca italiano",
    "ja": "japanese japonca 日本語",
    "ko": "korean korece 한국어",
    "ku": "kurdish kurtce kurmanci",
    "la": "latin latince",
    "nl": "dutch felemenkce hollandaca nederlands",
    "no": "norwegian norvecce",
    "pl": "polish lehce polonyaca polski",
    "pt": "portuguese portekizce portugues",
    "ro": "romanian rumence romanya",
    "ru": "russian rusca русск",
    "sr": "serbian sirpca",
    "sv": "swedish isvecce svenska",
    "tr": "turkish turkce",
    "uk": "ukrainian ukraynaca українськ",
    "ur": "urdu urduca اردو",
    "vi": "vietnamese vietnamca",
    "zh": "chinese mandarin cantonese cince 中文 汉语 漢語 普通话",
}
"""By code: the language's names in English, Turkish and itself, folded; Turkish and others add suffixes to them."""
_TRANSLATE = re.compile(r"(?<!\w)(?:translat|tercume|ceviri|cevir)|翻译|翻譯|翻訳|traduc|traduis|ubersetz")


class AnswerLanguage(LocalScorer):
    """Labels same (the user's, or one that was asked for), other, unknown; value 1 for other only."""

    def __init__(self) -> None:
        super().__init__(
            ScorerIdentity(
                kind="rule",
                name="rule-answer-language",
                dimension=DIMENSION,
                code_version=CODE_VERSION,
                parameters={
                    **parameters(),
                    "text": text.VERSION,
                    "names": NAMES,
                    "short": [SHORT_TEXT, SHORT_SCORE],
                },
            )
        )

    def judge(self, interaction: Interaction) -> Verdict:
        """Judge one answer against what the user wrote and asked for."""
        answer = detect(interaction.answer)
        if answer is None:
            return Verdict(value=0.0, label="unknown", reason="the answer's language cannot be told: short or mixed")
        user = _users(interaction, answer.code)
        if user is None:
            return Verdict(value=0.0, label="unknown", reason="the user's language cannot be told: short or mixed")
        if alike(answer.code, user.code):
            return Verdict(value=0.0, label="same", reason=f"user and answer write {answer.code}")
        if not _sure(answer, len(interaction.answer)):
            return Verdict(value=0.0, label="unknown", reason="the answer is too short to be sure of its language")
        why = _explained(interaction, answer.code)
        if why:
            return Verdict(value=0.0, label="same", reason=f"answers {user.code} in {answer.code}: {why}")
        return Verdict(
            value=1.0,
            label="other",
            reason=f"the user writes {user.code}, the answer is {answer.code}: {quote(_start(interaction.answer))}",
        )


def _users(interaction: Interaction, answer: str) -> Language | None:
    said = [m.content for m in interaction.messages[:-1] if m.role == "user"][-LAST_MESSAGES:]
    for count in range(1, len(said) + 1):
        found = detect("\n".join(text.window(one) for one in said[-count:]))
        if found and (alike(found.code, answer) or _sure(found, sum(map(len, said[-count:])))):
            return found
    return None


def _sure(found: Language, characters: int) -> bool:
    return characters >= SHORT_TEXT or found.score >= SHORT_SCORE


def _explained(interaction: Interaction, code: str) -> str:
    """Say what asks for an answer in the language `code`, in words for a person; empty where nothing does."""
    locale = interaction.locale.lower().replace("_", "-").partition("-")[0]
    if locale and alike(locale, code):
        return "the locale's language"
    request = text.window(interaction.request)
    if _TRANSLATE.search(text.fold(request)):
        return "a translation was asked for"
    asking = [m.content for m in interaction.messages[:-1] if m.role in {"user", "system"}][-ASKING_MESSAGES:]
    name = _names(code)
    if name and any(name.search(text.fold(text.window(one))) for one in asking):
        return "the language was named"
    lines = [line for line in request.splitlines() if line.strip()]
    for line in dict.fromkeys((*lines[:END_LINES], *lines[-END_LINES:])):
        found = detect(line)
        if found and alike(found.code, code):
            return "a line of the request is in it"
    return ""


@lru_cache(maxsize=256)
def _names(code: str) -> re.Pattern[str] | None:
    known = [text.fold(name) for one, names in NAMES.items() if alike(one, code) for name in names.split()]
    # A script without spaces has no start of a word.
    return re.compile("|".join(name if name[0] > "\u3000" else rf"(?<!\w){name}" for name in known)) if known else None


def _start(answer: str) -> str:
    return " ".join(answer[:200].split())
