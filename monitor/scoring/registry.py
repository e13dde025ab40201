"""Which scorers there are, by name, and which are enabled.

To add one: write a class with `identity` and `score` (see `verdict.Scorer`; `scorer.LocalScorer` is a base for those
that judge one interaction at a time), and add its name and class to `FACTORIES`. Nothing else knows the list.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache

from monitor.errors import ConfigError
from monitor.scoring.lexical.caving_in import LexicalCavingIn
from monitor.scoring.lexical.flattery import LexicalFlattery
from monitor.scoring.lexical.hedging import LexicalHedging
from monitor.scoring.lexical.over_refusal import LexicalOverRefusal
from monitor.scoring.lexical.refusal import LexicalRefusal
from monitor.scoring.lexical.sycophancy import LexicalSycophancy
from monitor.scoring.lexical.tone import LexicalTone
from monitor.scoring.rules.answer_language import AnswerLanguage
from monitor.scoring.rules.empty_answer import EmptyAnswer
from monitor.scoring.rules.forbidden_topic import ForbiddenTopic
from monitor.scoring.rules.looping import Looping
from monitor.scoring.rules.pii_leak import PiiLeak
from monitor.scoring.verdict import Scorer

FACTORIES: dict[str, Callable[[], Scorer]] = {
    "lexical-refusal": LexicalRefusal,
    "lexical-over-refusal": LexicalOverRefusal,
    "lexical-flattery": LexicalFlattery,
    "lexical-caving-in": LexicalCavingIn,
    "lexical-sycophancy": LexicalSycophancy,
    "lexical-hedging": LexicalHedging,
    "lexical-tone": LexicalTone,
    "rule-pii-leak": PiiLeak,
    "rule-forbidden-topic": ForbiddenTopic,
    "rule-empty-answer": EmptyAnswer,
    "rule-answer-language": AnswerLanguage,
    "rule-looping": Looping,
}
"""Every scorer, by the name that its identity carries."""


def scorers(names: Iterable[str]) -> tuple[Scorer, ...]:
    """Make the scorers named, in that order, each once; raises ConfigError for a name that is not known."""
    wanted = tuple(dict.fromkeys(names))
    unknown = [name for name in wanted if name not in FACTORIES]
    if unknown:
        raise ConfigError(f"unknown scorer {', '.join(unknown)}; known: {', '.join(FACTORIES)}")
    return tuple(FACTORIES[name]() for name in wanted)


@lru_cache(maxsize=1)
def default_scorers() -> tuple[Scorer, ...]:
    """All scorers that need no model and no network. Made once: they hold no state."""
    return scorers(FACTORIES)


def enabled_scorers(names: tuple[str, ...]) -> tuple[Scorer, ...]:
    """The scorers that the settings name, or all of them where they name none."""
    return scorers(names) if names else default_scorers()
