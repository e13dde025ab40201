"""How equal a scorer is in English and in Turkish, on items that say the same in both (`monitor.train.parallel`)."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from monitor.scoring.runner import run
from monitor.scoring.verdict import Result, Scorer, Verdict
from monitor.train.metrics import f1
from monitor.train.parallel.bank import LANGS, Item, has_property, items


def figures(scorers: Iterable[Scorer]) -> dict[str, dict[str, Any]]:
    """Score the parallel items; give a dict by dimension, in the order of the scorers.

    Each value has `scorer` and `identity`; `n` (pairs) and `positives`; `f1_en`, `f1_tr`: F1 in [0, 1] of "the
    dimension's property is there" (`says`); `gap_points`: 100 * (f1_en - f1_tr), above 0 where Turkish
    is worse; `right_label_en`, `right_label_tr`: share of verdicts with exactly the item's label; `unscored_en`,
    `unscored_tr`: items without a verdict, which count as without the property; `wrong_en`, `wrong_tr`: ids on the
    wrong side; `differ`: ids whose two languages lie on different sides.
    A scorer of a dimension without items is left out. Takes about a minute for all heads on one core.

    Raises:
        ValueError: two scorers share a dimension: ask for each by itself.
    """
    found: dict[str, dict[str, Any]] = {}
    for scorer in scorers:
        dimension = scorer.identity.dimension
        chosen = [item for item in items() if item.dimension == dimension]
        if not chosen:
            continue
        if dimension in found:
            raise ValueError(f"two scorers of {dimension}: {found[dimension]['scorer']} and {scorer.identity.name}")
        found[dimension] = _of(scorer, chosen)
    return found


def says(dimension: str, result: Result) -> bool:
    """Whether a result says that the property is there: more likely than not, or by its label where it has no chances.

    The most probable label alone does not tell: 0.4 none, 0.3 partial, 0.3 full is a refusal. Without a verdict: no.
    """
    if not isinstance(result, Verdict):
        return False
    if not result.probabilities:
        return has_property(dimension, result.label)
    return sum(chance for label, chance in result.probabilities.items() if has_property(dimension, label)) > 0.5


def _of(scorer: Scorer, chosen: Sequence[Item]) -> dict[str, Any]:
    gold = np.array([item.positive for item in chosen], dtype=np.bool_)
    results = {language: run(scorer, [item.interaction(language) for item in chosen]) for language in LANGS}
    sides = {
        language: np.array([says(item.dimension, one) for item, one in zip(chosen, of, strict=True)], dtype=np.bool_)
        for language, of in results.items()
    }
    scores = {language: f1(gold, side) for language, side in sides.items()}
    report: dict[str, Any] = {
        "scorer": scorer.identity.name,
        "identity": scorer.identity.id,
        "n": len(chosen),
        "positives": int(gold.sum()),
        **{f"f1_{language}": round(score, 4) for language, score in scores.items()},
        "gap_points": round(100 * (scores["en"] - scores["tr"]), 2),
    }
    for language, of in results.items():
        labels = [one.label if isinstance(one, Verdict) else "" for one in of]
        right = sum(item.label == label for item, label in zip(chosen, labels, strict=True))
        report[f"right_label_{language}"] = round(right / len(chosen), 4)
        report[f"unscored_{language}"] = labels.count("")
        report[f"wrong_{language}"] = _ids(chosen, sides[language] != gold)
    report["differ"] = _ids(chosen, sides["en"] != sides["tr"])
    return report


def _ids(chosen: Sequence[Item], flags: Iterable[Any]) -> list[str]:
    return [item.id for item, flag in zip(chosen, flags, strict=True) if flag]
