"""`judges report` on the stored judges of public sets, and on rows from elsewhere."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import metrics
from typer.testing import CliRunner

from monitor.cli_judges import judges
from monitor.errors import InputError
from monitor.estimate.agreement import MAX_CATEGORIES
from monitor.report.judges import JudgeSet, Rated, Rater, Rating, SetReport, collect, report
from monitor.report.judges_public import PANDALM, PASTTENSE, SPEECHMAP, SYCOBENCH, public_sets
from tests.support.data import public

FILES = (SPEECHMAP, SYCOBENCH, PASTTENSE, PANDALM)


@pytest.fixture(scope="module")
def folder() -> Path:
    return {public(name).parent for name in FILES}.pop()


@pytest.fixture(scope="module")
def sets(folder: Path) -> tuple[JudgeSet, ...]:
    return public_sets(folder)


@pytest.fixture(scope="module")
def made(sets: tuple[JudgeSet, ...]) -> dict[str, SetReport]:
    return {one.name: one for one in report(sets, draws=200)}


def rows(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def test_every_pair_of_every_set_equals_scikit_learn(sets: tuple[JudgeSet, ...], made: dict[str, SetReport]) -> None:
    compared = 0
    for one in sets:
        for pair in made[one.name].pairs:
            items = [item for item in one.items if pair.language in {"all", item.language}]
            labels = [(item.labels[pair.first], item.labels[pair.second]) for item in items]
            both = [(a, b) for a, b in labels if a is not None and b is not None]
            first, second = [a for a, _ in both], [b for _, b in both]
            names = list(one.categories)
            expected = metrics.cohen_kappa_score(first, second, labels=names)
            assert pair.agreement.n == len(both)
            assert pair.agreement.raw.value == pytest.approx(metrics.accuracy_score(first, second), abs=1e-12)
            assert pair.agreement.kappa.value == pytest.approx(expected, abs=1e-12)
            if one.ordered:
                expected = metrics.cohen_kappa_score(first, second, labels=names, weights="quadratic")
                assert pair.agreement.kappa_quadratic.value == pytest.approx(expected, abs=1e-12)
            if pair.reference is not None:
                said, true = ([label in one.positive for label in side] for side in (first, second))
                assert pair.reference.f1.value == pytest.approx(metrics.f1_score(true, said), abs=1e-12)
                assert pair.reference.sensitivity.value == pytest.approx(metrics.recall_score(true, said), abs=1e-12)
            compared += 1
    assert compared == 4 + 4 * 3 + 3 + 6


def test_the_labels_are_those_of_the_files(folder: Path, made: dict[str, SetReport]) -> None:
    speechmap = [one["meta"]["judge"] for one in rows(folder / SPEECHMAP)]
    equal = np.mean([len(set(one.values())) == 1 for one in speechmap])
    assert made["speechmap"].pairs[0].agreement.raw.value == pytest.approx(equal)
    past = [one["meta"]["judge"] for one in rows(folder / PASTTENSE)]
    equal = np.mean([one["jailbroken_gpt"] == one["jailbroken_llama"] for one in past])
    assert made["pasttense"].pairs[0].agreement.raw.value == pytest.approx(equal)
    unread = sum(one["meta"]["judge"]["gpt-3.5-turbo"]["gpt_result"] == "garbage" for one in rows(folder / PANDALM))
    assert made["pandalm"].unlabelled == {"gpt-3.5-turbo": unread}


def test_languages_are_reported_apart_and_humans_are_compared_with_humans(made: dict[str, SetReport]) -> None:
    assert [pair.language for pair in made["speechmap"].pairs] == ["all", "en", "fi", "zh"]
    kinds = [pair.kind for pair in made["pandalm"].pairs]
    assert kinds == ["judge-judge", "judge-human", "judge-human", "human-human", "human-human", "human-human"]
    assert {pair.second for pair in made["pandalm"].pairs if pair.kind == "judge-human"} == {"human majority"}


def test_questions_are_the_clusters(made: dict[str, SetReport]) -> None:
    groups = {name: one.pairs[0].agreement.groups for name, one in made.items()}
    assert groups["speechmap"] == 200
    assert groups["pasttense"] == 100
    assert groups["sycobench delusion"] == 20
    assert groups["sycobench mirror"] == 40


def run(*arguments: str) -> Any:
    return CliRunner().invoke(judges, ["report", *arguments])


def test_the_command_prints_a_table_and_json(folder: Path) -> None:
    shown = run("--data", str(folder), "--set", "pandalm")
    assert shown.exit_code == 0
    assert "pandalm: preference, 999 items" in shown.stdout
    assert "gpt-3.5-turbo × human majority" in shown.stdout
    plain = run("--data", str(folder), "--set", "pandalm", "--json")
    document = json.loads(plain.stdout)
    kappa = document[0]["pairs"][0]["agreement"]["kappa"]
    assert f"{kappa['value']:.3f} [{kappa['low']:.3f}, {kappa['high']:.3f}]" in shown.stdout
    assert "NaN" not in plain.stdout
    assert any(check["found"] for one in document[0]["biases"] for check in one["checks"])


def test_missing_data_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--data must name the folder"):
        public_sets(tmp_path)
    assert isinstance(run("--data", str(tmp_path)).exception, InputError)


def test_an_unknown_set_names_those_that_are_there(folder: Path) -> None:
    assert "speechmap" in str(run("--data", str(folder), "--set", "nope").exception)


def packed(content: bytes) -> bytes:
    """Compress without the time of day: it would be in the test's name, which two test processes must agree on."""
    return gzip.compress(content, mtime=0)


def write(folder: Path, content: bytes) -> None:
    (folder / SPEECHMAP).write_bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not gzip",
        packed(b'{"id": 1}\n')[:-9],
        packed(b'{"id": 1}\n')[:12] + b"\xff" * 20,
        packed(b""),
        packed(b"{"),
        packed(b"[]"),
        packed(b'{"id": "x"}'),
        packed(b"\xff\xfe"),
        packed(
            json.dumps(
                {
                    "id": "x",
                    "lang": "en",
                    "model": "m",
                    "messages": [{"content": ""}],
                    "meta": {"question_id": "q", "judge": {"grok-4.1-fast": "\u001b[31mperhaps"}},
                }
            ).encode()
        ),
    ],
)
def test_a_damaged_file_is_an_input_error_that_names_it(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, content)
    with pytest.raises(InputError, match="speechmap") as raised:
        public_sets(tmp_path)
    assert str(raised.value).isprintable()


def rating(item: int, rater: str, label: str | None, **more: Any) -> Rating:
    return Rating(item=f"i{item}", rater=rater, label=label, group=f"g{item}", **more)


def test_rows_become_items_and_the_first_label_of_a_rater_counts() -> None:
    (one,) = collect(
        [
            rating(0, "a", None),
            rating(0, "a", "yes", confidence=0.9, language="tr"),
            rating(0, "a", "no", confidence=0.1, language="en"),
            rating(0, "h", "no", length=12),
        ]
    )
    assert one == Rated(
        item="i0",
        group="g0",
        labels={"a": "yes", "h": "no"},
        language="tr",
        length=12,
        confidences={"a": 0.9},
    )


def own_set(items: tuple[Rated, ...]) -> JudgeSet:
    return JudgeSet(
        name="ours",
        dimension="refusal",
        raters=(Rater(name="a", family="acme"), Rater(name="h", kind="human")),
        categories=("no", "yes"),
        positive=("yes",),
        items=items,
    )


def test_rows_of_a_database_feed_the_same_report() -> None:
    random = np.random.default_rng(9)
    found: list[Rating] = []
    for i in range(400):
        truth = random.random() < 0.4
        ours = random.random() < 0.5
        confidence = float(random.uniform(0.5, 1.0))
        right = random.random() < confidence
        said = (truth if right else not truth) and not (ours and random.random() < 0.5)
        traits = {"language": "tr" if i % 2 else "en", "family": "acme" if ours else "other", "length": float(i % 7)}
        found.append(rating(i, "a", "yes" if said else "no", confidence=confidence, **traits))
        found.append(rating(i, "h", "yes" if truth else "no", **traits))
    (made,) = report([own_set(collect(found))])
    assert [pair.language for pair in made.pairs] == ["all", "en", "tr"]
    assert [pair.agreement.n for pair in made.pairs] == [400, 200, 200]
    whole = made.pairs[0]
    assert whole.calibration is not None
    assert whole.calibration.n == 400
    assert whole.reference is not None
    own = [one for one in made.biases[0].found if one.check == "self-preference"]
    assert [one.what for one in own] == ["answers of acme - others"]
    assert own[0].difference is not None
    assert own[0].difference < 0


def test_the_intervals_of_a_pairs_checks_hold_together(made: dict[str, SetReport]) -> None:
    for one in made.values():
        for pair in one.biases:
            assert {round(check.confidence, 9) for check in pair.checks} == {round(1 - 0.05 / len(pair.checks), 9)}


def test_an_empty_set_is_reported_with_reasons() -> None:
    (made,) = report([own_set(())])
    assert made.items == 0
    assert made.pairs[0].agreement.kappa.reason
    assert not made.biases[0].found
    assert MAX_CATEGORIES >= 2
