"""Agreement of reviewers, judges and classifiers on stored labels, held against scikit-learn."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sklearn import metrics

from monitor import cli_labels
from monitor.clock import FixedClock
from monitor.config import ClickHouseSettings
from monitor.report.labels_agreement import MAJORITY, LabelReport, label_agreement
from monitor.report.labels_file import read_labels
from monitor.report.labels_import import import_labels
from monitor.scoring.constitution.load import load
from monitor.scoring.verdict import Result, ScorerIdentity, ScorerKind, Status, Unscored, Verdict
from monitor.store.client import Store
from monitor.store.due import register_identities
from monitor.store.record import record
from monitor.store.rows import score_row, to_columns
from tests.contract.test_labels import NOON, draw, in_environment, sample
from tests.contract.test_store import SPAN, WINDOW, batch

LABELS = {"none": 0.0, "partial": 1.0, "full": 1.0}
"""As the shipped constitution has them."""
HUMANS = {
    "ayşe": ["full", "none", "partial", "none", "full", "none", "none", "partial", "none", "full", "none", "none"],
    "deniz": ["full", "none", "none", "none", "full", "partial", "none", "full", "none", "full", "none", "none"],
}
JUDGE = ["full", "none", "partial", None, "full", "none", "full", "none", "none", "full", "none", "none"]
CLASSIFIER = [0.9, 0.1, 0.4, 0.2, 0.8, 0.3, 0.6, 0.7, 0.1, 0.9, 0.2, 0.1]


def identity(kind: ScorerKind, name: str, version: str = "1") -> ScorerIdentity:
    return ScorerIdentity(kind=kind, name=name, dimension="refusal", code_version=version)


def scored(store: Store, who: ScorerIdentity, results: Sequence[Result]) -> None:
    register_identities(store, [who])
    now = datetime(2026, 11, 24, tzinfo=UTC)
    rows = [
        score_row(window=WINDOW, sample_id=sample(n), identity=who, result=one, now=now)
        for n, one in enumerate(results)
    ]
    store.insert("scores", to_columns(rows))


def judged(labels: Sequence[str | None]) -> list[Result]:
    missing = Unscored(status=Status.UNPARSEABLE, reason="no verdict")
    return [
        missing if one is None else Verdict(value=LABELS[one], label=one, reason="", probabilities={one: 0.9})
        for one in labels
    ]


def labelled(store: Store, folder: Path, by: dict[str, list[str]], offset: int = 0) -> None:
    path = folder / "given.jsonl"
    lines = [
        {"id": f"i-{n + offset}", "dimension": "refusal", "label": label, "reviewer": name}
        for name, labels in by.items()
        for n, label in enumerate(labels)
    ]
    path.write_text("".join(f"{json.dumps(one)}\n" for one in lines), "utf-8")
    made = import_labels(store, read_labels(path), load(), clock=FixedClock(NOON))
    assert made.stored == len(lines)


@pytest.fixture
def world(store: Store, tmp_path: Path) -> Store:
    record(store, batch(range(40)))
    scored(store, identity("judge", "judge-main"), judged(JUDGE))
    values = [Verdict(value=one, label="full" if one > 0.5 else "none", reason="") for one in CLASSIFIER]
    scored(store, identity("classifier", "head-refusal"), values)
    labelled(store, tmp_path, HUMANS)
    return store


def agreement(store: Store, **options: Any) -> dict[str, LabelReport]:
    return {one.agreement.name: one for one in label_agreement(store, SPAN, load(), **options)}


def pairs(one: LabelReport) -> dict[tuple[str, str], Any]:
    return {(pair.first, pair.second): pair for pair in one.agreement.pairs if pair.language == "all"}


def yes(label: str | None) -> bool:
    return label is not None and LABELS[label] > 0.5


def test_reviewers_and_judges_are_compared_as_yes_and_no_and_by_label(world: Store) -> None:
    found = agreement(world)
    assert found.keys() == {"refusal, yes or no", "refusal, by label"}
    first, second = HUMANS.values()
    by_label = pairs(found["refusal, by label"])["human ayşe", "human deniz"].agreement
    assert by_label.kappa.value == pytest.approx(metrics.cohen_kappa_score(first, second))
    side = pairs(found["refusal, yes or no"])["human ayşe", "human deniz"].agreement
    assert side.n == 12
    assert side.kappa.value == pytest.approx(metrics.cohen_kappa_score([*map(yes, first)], [*map(yes, second)]))
    assert side.raw.value == pytest.approx(sum(yes(a) == yes(b) for a, b in zip(first, second, strict=True)) / 12)


def test_judges_and_classifiers_are_held_against_what_most_reviewers_say(world: Store) -> None:
    found = pairs(agreement(world)["refusal, yes or no"])
    agreed = [yes(a) if yes(a) == yes(b) else None for a, b in zip(HUMANS["ayşe"], HUMANS["deniz"], strict=True)]
    both = [(yes(g), y) for g, y in zip(JUDGE, agreed, strict=True) if g is not None and y is not None]
    judge = found["judge-main", MAJORITY].reference
    said, true = zip(*both, strict=True)
    assert judge.sensitivity.value == pytest.approx(metrics.recall_score(true, said))
    assert judge.true_positive + judge.false_positive == sum(said)
    assert judge.missing == 12 - len(both)
    known = [(f > 0.5, y) for f, y in zip(CLASSIFIER, agreed, strict=True) if y is not None]
    classifier = found["head-refusal", MAJORITY].reference
    assert classifier.accuracy.value == pytest.approx(sum(a == b for a, b in known) / len(known))
    assert found["head-refusal", "judge-main"].kind == "judge-judge"


def test_a_judges_confidence_is_held_against_the_reviewers_label(world: Store) -> None:
    by_label = pairs(agreement(world)["refusal, by label"])["judge-main", MAJORITY]
    assert by_label.calibration is not None
    assert by_label.calibration.n == by_label.agreement.n


def test_two_identities_of_one_judge_are_two_raters(world: Store) -> None:
    scored(world, identity("judge", "judge-main", "2"), judged(["none"] * 12))
    names = {pair.first for pair in agreement(world)["refusal, yes or no"].agreement.pairs}
    one, two = (identity("judge", "judge-main", version).id[:8] for version in ("1", "2"))
    assert {f"judge-main {one}", f"judge-main {two}"} <= names
    assert "judge-main" not in names


def test_a_single_reviewer_is_the_reference(store: Store, tmp_path: Path) -> None:
    record(store, batch(range(20)))
    scored(store, identity("judge", "judge-main"), judged(JUDGE))
    labelled(store, tmp_path, {"ayşe": HUMANS["ayşe"]})
    assert pairs(agreement(store)["refusal, yes or no"]).keys() == {("judge-main", "human ayşe")}


def test_who_is_unsure_says_neither_yes_nor_no(store: Store, tmp_path: Path) -> None:
    record(store, batch(range(20)))
    labelled(
        store, tmp_path, {"ayşe": ["full", "unsure", "none", "unsure"], "deniz": ["full", "none", "none", "unsure"]}
    )
    scored(store, identity("judge", "judge-main"), judged(["full", "none", "none", "none"]))
    for one in agreement(store).values():
        found = pairs(one)
        assert found["human ayşe", "human deniz"].agreement.n == 2
        assert found["judge-main", MAJORITY].agreement.n == 3, "of two reviewers the one who is sure counts"


def test_one_rater_alone_gives_nothing(store: Store, tmp_path: Path) -> None:
    record(store, batch(range(5)))
    assert agreement(store) == {}
    labelled(store, tmp_path, {"ayşe": ["full", "none"]})
    assert agreement(store) == {}


def test_drawn_samples_are_counted_apart_from_convenience_and_other_dimensions_left_out(world: Store) -> None:
    draw(world, [0, 1, 2, 20])
    draw(world, [5], dimension="rude")
    found = agreement(world, dimension="refusal")["refusal, yes or no"]
    assert (found.agreement.items, found.drawn, found.reviewers) == (12, 3, 2)
    assert agreement(world, dimension="tone") == {}


def test_labels_of_another_wording_are_counted(world: Store) -> None:
    assert agreement(world)["refusal, yes or no"].earlier_wording == 0
    principle = load().principle("refusal")
    reworded = principle.model_copy(update={"question": principle.text})
    first, *_ = label_agreement(world, SPAN, load().model_copy(update={"principles": (reworded,)}))
    assert first.earlier_wording == 24


def test_a_language_with_few_labels_has_no_figures_of_its_own(world: Store) -> None:
    assert {pair.language for pair in agreement(world)["refusal, yes or no"].agreement.pairs} == {"all"}


def test_a_reviewer_called_like_something_else_stays_a_person(store: Store, tmp_path: Path) -> None:
    record(store, batch(range(5)))
    scored(store, identity("judge", "judge-main"), judged(["full", "none", "none"]))
    labelled(store, tmp_path, {"judge-main": ["none", "none", "full"], "majority": ["full", "full", "full"]})
    (one, _) = agreement(store).values()
    names = {name for pair in one.agreement.pairs for name in (pair.first, pair.second)}
    assert names == {"judge-main", "human judge-main", "human majority", MAJORITY}


@pytest.mark.usefixtures("world")
def test_the_command_prints_tables_and_json(
    settings: ClickHouseSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    in_environment(monkeypatch, settings)
    cli_labels.labels_agreement(since="3650d", as_json=True)
    made = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in made] == ["refusal, yes or no", "refusal, by label"]
    kappa = made[0]["pairs"][0]["agreement"]["kappa"]
    cli_labels.labels_agreement(since="3650d")
    shown = capsys.readouterr().out
    assert f"{kappa['value']:.3f}" in shown
    assert "12 labelled samples, 0 of them drawn; 2 reviewers" in shown
    assert "head-refusal × judge-main" in shown
    cli_labels.labels_agreement(since="1h")
    assert "no two raters" in capsys.readouterr().out
