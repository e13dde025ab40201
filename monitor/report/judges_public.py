"""The stored judges of public labelled sets, as `JudgeSet`s: what they said is in each row's `meta`."""

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from monitor.errors import InputError
from monitor.report.judges import JudgeSet, Rated, Rater

SPEECHMAP = "refusal_speechmap_2judges.jsonl.gz"
SYCOBENCH = "syco_sycobench.jsonl.gz"
PASTTENSE = "jailbreak_pasttense_3judges.jsonl.gz"
PANDALM = "judge_pandalm_human.jsonl.gz"

REFUSAL = ("compliance", "partial_refusal", "full_refusal")
COMPLIED = ("did not", "complied")
PREFERENCE = ("first", "tie", "second")
_WHOLE = tuple(str(score) for score in range(-5, 6))
SCALES = {"delusion": _WHOLE[5:], "mirror": _WHOLE, "pickside": _WHOLE, "whosaid": _WHOLE}
"""Scores that a judge of sycobench may give, by test."""

_FAMILIES = {
    "openai": ("openai", "gpt", "o1", "ft:gpt"),
    "x-ai": ("x-ai", "grok"),
    "google": ("google", "gemini", "gemma"),
    "meta": ("meta", "llama"),
    "anthropic": ("anthropic", "claude"),
}
_NAMED = ("deepseek", "qwen", "thudm", "perplexity", "openrouter", "phi", "r2d2")
"""Makers without a judge here; openrouter's cloaked models have no known one."""


def public_sets(data: Path) -> tuple[JudgeSet, ...]:
    """Read the four sets with stored judges from the folder of labelled data; sycobench is one set a test.

    Raises:
        InputError: a file is missing or is not what its name says.
    """
    readers: tuple[Callable[[Path], list[JudgeSet]], ...] = (_speechmap, _sycobench, _pasttense, _pandalm)
    return tuple(one for read in readers for one in read(data))


def _speechmap(data: Path) -> list[JudgeSet]:
    raters = (Rater(name="gpt-4o-2024-11-20", family="openai"), Rater(name="grok-4.1-fast", family="x-ai"))

    def rated(row: dict[str, Any]) -> Rated:
        return Rated(
            item=row["id"],
            group=row["meta"]["question_id"],
            labels={rater.name: row["meta"]["judge"].get(rater.name) for rater in raters},
            language=row["lang"],
            length=len(row["messages"][-1]["content"]),
            family=_family(row["model"]),
        )

    return [
        JudgeSet(
            name="speechmap",
            dimension="refusal",
            raters=raters,
            categories=REFUSAL,
            ordered=True,
            positive=("partial_refusal", "full_refusal"),
            items=tuple(_rows(data / SPEECHMAP, rated, lambda _: REFUSAL)),
        )
    ]


def _sycobench(data: Path) -> list[JudgeSet]:
    # In this order the benchmark's own logs name them (timfduffy/syco-bench, output/*/test_run.log).
    raters = (
        Rater(name="gemini-2.5-flash-preview", family="google"),
        Rater(name="gpt-4o-mini", family="openai"),
        Rater(name="llama-3.3-70b", family="meta"),
    )

    def rated(row: dict[str, Any]) -> Rated:
        # The id ends in run, test, item and side; one item goes to every model.
        test, item, _ = row["id"].rsplit("-", 3)[1:]
        scores = row["meta"]["judge_scores"]
        return Rated(
            item=row["id"],
            group=f"{test}-{item}",
            labels={
                rater.name: None if score is None else f"{score:g}" for rater, score in zip(raters, scores, strict=True)
            },
            language=row["lang"],
            length=len(row["messages"][-1]["content"]),
            family=_family(row["model"]),
        )

    tests: dict[str, list[Rated]] = {test: [] for test in SCALES}
    for one in _rows(data / SYCOBENCH, rated, lambda one: SCALES[_test(one)]):
        tests[_test(one)].append(one)
    return [
        JudgeSet(
            name=f"sycobench {test}",
            dimension="sycophancy",
            raters=raters,
            categories=SCALES[test],
            ordered=True,
            items=tuple(items),
        )
        for test, items in tests.items()
    ]


def _pasttense(data: Path) -> list[JudgeSet]:
    # "rules" is a list of phrases, not a model.
    raters = (Rater(name="gpt-4", family="openai"), Rater(name="llama-3-70b", family="meta"), Rater(name="rules"))
    keys = ("jailbroken_gpt", "jailbroken_llama", "jailbroken_rules")

    def rated(row: dict[str, Any]) -> Rated:
        said = [row["meta"]["judge"].get(key) for key in keys]
        return Rated(
            item=row["id"],
            group=row["meta"]["request"],
            labels={
                rater.name: None if one is None else "complied" if one else "did not"
                for rater, one in zip(raters, said, strict=True)
            },
            language=row["lang"],
            length=len(row["messages"][-1]["content"]),
            family=_family(row["model"]),
        )

    return [
        JudgeSet(
            name="pasttense",
            dimension="complied_with_harm",
            raters=raters,
            categories=COMPLIED,
            positive=("complied",),
            items=tuple(_rows(data / PASTTENSE, rated, lambda _: COMPLIED)),
        )
    ]


def _pandalm(data: Path) -> list[JudgeSet]:
    label = {"0": "tie", "tie": "tie", "1": "first", "2": "second"}
    judges = {"gpt-3.5-turbo": "gpt_result", "pandalm-7b": "pandalm_result"}
    humans = ("human 1", "human 2", "human 3")

    def rated(row: dict[str, Any]) -> Rated:
        meta = row["meta"]
        # What is none of these was an answer that could not be read.
        labels = {name: label.get(str(meta["judge"][name][key]).lower()) for name, key in judges.items()}
        votes = [label.get(str(vote)) for vote in meta["human"]]
        most, count = Counter(votes).most_common(1)[0]
        return Rated(
            item=row["id"],
            group=row["messages"][0]["content"],
            labels={**labels, **dict(zip(humans, votes, strict=True)), "human majority": most if count > 1 else None},
            language=row["lang"],
            # Some answers are JSON numbers or booleans.
            length=len(str(meta["response_a"])) - len(str(meta["response_b"])),
        )

    return [
        JudgeSet(
            name="pandalm",
            dimension="preference",
            raters=(
                Rater(name="gpt-3.5-turbo", family="openai"),
                Rater(name="pandalm-7b"),
                *(Rater(name=name, kind="human") for name in humans),
                Rater(name="human majority", kind="human", derived=True),
            ),
            categories=PREFERENCE,
            positive=("first",),
            values=(1.0, 0.5, 0.0),
            pairwise=True,
            items=tuple(_rows(data / PANDALM, rated, lambda _: PREFERENCE)),
        )
    ]


def _test(one: Rated) -> str:
    return one.group.split("-")[0]


def _family(model: str) -> str:
    """Give the maker of a model by the start of its name; empty where it is not known."""
    for family, starts in _FAMILIES.items():
        if model.startswith(starts):
            return family
    return next((name for name in _NAMED if model.startswith(name)), "")


def _rows(
    path: Path, make: Callable[[dict[str, Any]], Rated], categories: Callable[[Rated], tuple[str, ...]]
) -> Iterator[Rated]:
    number = 0
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                one = make(json.loads(line))
                if unknown := {label for label in one.labels.values() if label is not None} - set(categories(one)):
                    raise InputError(f"{path}, line {number}: {min(unknown)[:40]!r} is no label of this set")
                yield one
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or "it is not a whole gzip file"
        raise InputError(
            f"{path} cannot be read ({why}): --data must name the folder of labelled data that holds {path.name}"
        ) from error
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise InputError(
            f"{path}, line {number}: not a row of this set ({type(error).__name__}); fetch the file again"
        ) from error
    if number == 0:
        raise InputError(f"{path} is empty; fetch the file again")
