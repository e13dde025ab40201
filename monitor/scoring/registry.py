"""Which scorers there are, by name, and which are enabled.

To add one: write a class with `identity` and `score` (see `verdict.Scorer`; `scorer.LocalScorer` is a base for those
that judge one interaction at a time), and add its name and class to `FACTORIES`. Nothing else knows the list.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache

from monitor.errors import ConfigError
from monitor.scoring.classifiers.compliance import CompliedWithHarm
from monitor.scoring.classifiers.harm import RequestHarm
from monitor.scoring.classifiers.over_refusal import OverRefusal
from monitor.scoring.classifiers.refusal import RefusalHead
from monitor.scoring.classifiers.sycophancy import Sycophancy
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
    "head-refusal": RefusalHead,
    "head-over-refusal": OverRefusal,
    "head-sycophancy": Sycophancy,
    "head-harm": RequestHarm,
    "head-compliance": CompliedWithHarm,
}
"""Every scorer, by the name that its identity carries."""

ON_REQUEST = frozenset({"lexical-refusal", "lexical-sycophancy", "head-over-refusal", "head-harm", "head-compliance"})
"""Those that run only where the settings name them: a better one ships for their dimension, or they are not good enough
to be believed without a judge (their model cards say how good)."""


def scorers(names: Iterable[str]) -> tuple[Scorer, ...]:
    """Make the scorers named, in that order, each once; raises ConfigError for a name that is not known."""
    wanted = tuple(dict.fromkeys(names))
    unknown = [name for name in wanted if name not in FACTORIES]
    if unknown:
        raise ConfigError(f"unknown scorer {', '.join(unknown)}; known: {', '.join(FACTORIES)}")
    return tuple(FACTORIES[name]() for name in wanted)


@lru_cache(maxsize=1)
def default_scorers() -> tuple[Scorer, ...]:
    """The scorers that run where the settings name none. Made once: they hold no state."""
    return scorers(name for name in FACTORIES if name not in ON_REQUEST)


def for_dimensions(dimensions: Iterable[str]) -> tuple[Scorer, ...]:
    """Give a scorer a dimension: the default one, or the first on request; ConfigError for a dimension without any."""
    every = [*default_scorers(), *scorers(name for name in FACTORIES if name in ON_REQUEST)]
    first = {one.identity.dimension: one for one in reversed(every)}
    unknown = [one for one in dimensions if one not in first]
    if unknown:
        raise ConfigError(f"no dimension {', '.join(unknown)}; known: {', '.join(sorted(first))}")
    return tuple(first[one] for one in dict.fromkeys(dimensions))


def enabled_scorers(names: tuple[str, ...]) -> tuple[Scorer, ...]:
    """The scorers that the settings name, or the default ones where they name none."""
    return scorers(names) if names else default_scorers()
