"""`labels next` on the real engine: draws stay, are a part of what the judge sees, and grow as labels come."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from monitor import cli_labels
from monitor.clock import FixedClock
from monitor.config import ClickHouseSettings, load_settings
from monitor.errors import InputError
from monitor.estimate.phase_terms import PhaseTerms
from monitor.estimate.planning import plan
from monitor.estimate.terms import StratumTotal
from monitor.intake.sampling import TWO_64, hasher
from monitor.report.labels_draw import Drawing
from monitor.report.labels_draw import draw as draw_labels
from monitor.report.labels_file import read_labels
from monitor.report.labels_import import import_labels
from monitor.report.labels_sources import sources
from monitor.report.phase_frame import Sources, phase_terms, read_frame, with_totals
from monitor.report.rates import rates
from monitor.report.rollup import rollup
from monitor.scoring.verdict import Status, Unscored, Verdict
from monitor.store.client import Store
from monitor.store.due import register_identities
from monitor.store.judging import consider
from monitor.store.record import record
from monitor.store.rows import score_row, to_columns
from tests.contract.test_labels import NOON, in_environment
from tests.contract.test_labels_agreement import identity
from tests.contract.test_store import ALL_TIME, SPAN, WINDOW, batch, position
from tests.support.live import wait_for
from tests.support.rubric import TEXT, small

SIZE = 200
HASH = hasher(b"a key for tests of draws")
JUDGE, HEAD = identity("judge", "judge-one"), identity("classifier", "head-refusal")
ALONE = Sources(dimension="refusal", classifier=HEAD.id)
JUDGED = Sources(dimension="refusal", classifier=HEAD.id, judge="judge-one", scorer=JUDGE.id)
IDS = [position(n).sample_id for n in range(SIZE)]


def value(n: int) -> float:
    return (n * 37 % 100) / 100


@pytest.fixture
def world(store: Store) -> Store:
    """A window of samples: all classified, half of them for the judge, which has answered but for one in ten."""
    record(store, batch(range(SIZE)))
    consider(store, "judge-one", probability=0.5, hash64=HASH, oldest=ALL_TIME, limit=SIZE)
    chosen = {row["sample_id"] for row in selections(store, "judge-one") if row["selected"]}
    rows = [
        score_row(
            window=WINDOW,
            sample_id=IDS[n],
            identity=HEAD,
            result=Verdict(value=value(n), label="", reason=""),
            now=NOON,
        )
        for n in range(SIZE)
    ]
    for n in range(SIZE):
        if IDS[n] in chosen:
            verdict = Verdict(value=float(value(n) > 0.4), label="", reason="")
            missing = Unscored(status=Status.UNPARSEABLE, reason="")
            result = verdict if n % 10 else missing
            rows.append(score_row(window=WINDOW, sample_id=IDS[n], identity=JUDGE, result=result, now=NOON))
    store.insert("scores", to_columns(rows))
    return store


def selections(store: Store, judge: str) -> list[dict[str, Any]]:
    return store.query("span_decisions", since=WINDOW, until=WINDOW + 3600, judge=judge)


def draw(store: Store, n: int = 20, who: Sources = JUDGED, **options: Any) -> Drawing:
    return draw_labels(store, SPAN, who, n=n, hash64=options.pop("hash64", HASH), **options)


def terms_of(store: Store, who: Sources) -> tuple[PhaseTerms, list[StratumTotal]]:
    frame, stratum, totals = with_totals(store, SPAN, read_frame(store, SPAN, who))
    return phase_terms(frame, stratum), totals


def ids(found: Drawing) -> list[UUID]:
    return [one.sample_id for one in found.waiting]


@pytest.fixture
def say(world: Store, tmp_path: Path) -> Callable[..., None]:
    """Import labels."""

    def run(samples: list[UUID], *, label: str = "full", reviewer: str = "ayşe") -> None:
        path = tmp_path / "labels.jsonl"
        lines = [{"id": str(i), "dimension": "refusal", "label": label, "reviewer": reviewer} for i in samples]
        path.write_text("".join(f"{json.dumps(one)}\n" for one in lines), "utf-8")
        made = import_labels(world, read_labels(path), small(), clock=FixedClock(NOON))
        assert made.stored == len(samples)

    return run


def test_the_same_samples_come_until_they_are_labelled_and_then_others(world: Store, say: Callable[..., None]) -> None:
    first = draw(world)
    assert (len(first.waiting), first.drawn) == (20, 20)
    again = draw(world)
    assert (ids(again), again.drawn) == (ids(first), 0)
    assert ids(draw(world, 5)) == ids(first)[:5]
    say(ids(first)[:15])
    later = draw(world)
    assert (len(later.waiting), later.drawn) == (20, 15)
    assert set(ids(first)[15:]) <= set(ids(later))
    assert not set(ids(first)[:15]) & set(ids(later))


def test_what_people_see_is_a_part_of_what_the_judge_has_judged(world: Store) -> None:
    judged = {row["sample_id"]: row for row in selections(world, "judge-one")}
    found = draw(world, 1000)
    assert (
        found.eligible
        == len(found.waiting)
        == sum(bool(judged[one]["selected"]) and n % 10 != 0 for n, one in enumerate(IDS))
    )
    assert {one.chance for one in found.waiting} == {0.5}, "all that the judge saw: its own chance"
    assert all(judged[one]["selected"] for one in ids(found))


def test_the_stored_chance_and_hash_give_the_draw(world: Store) -> None:
    found = draw(world)
    rows = {row["sample_id"]: row for row in selections(world, "human:refusal")}
    chances = {one.sample_id: one.chance for one in found.waiting}
    for sample_id in IDS:
        row = rows[sample_id]
        assert bool(row["selected"]) == (sample_id in chances)
        if row["selected"]:
            assert row["probability"] == chances[sample_id]
        if row["probability"]:
            assert row["selected"] == (HASH(b"judge:" + sample_id.bytes) < row["probability"] * TWO_64)
    assert sum(row["probability"] > 0 for row in rows.values()) == found.eligible, "considered, drawn or not"


def test_a_changed_sampling_key_moves_no_draw(world: Store, say: Callable[..., None]) -> None:
    other = hasher(b"another key")
    first = draw(world)
    assert ids(draw(world, hash64=other)) == ids(first)
    say(ids(first))
    second = draw(world, hash64=other)
    judged = {row["sample_id"] for row in selections(world, "judge-one") if row["selected"]}
    assert set(ids(second)) <= judged - set(ids(first))


def test_a_label_that_was_there_before_the_draw_counts_as_drawn_when_its_sample_is(
    world: Store, say: Callable[..., None]
) -> None:
    say(IDS[1:100])
    found = draw(world, 1000)
    assert not set(ids(found)) & set(IDS[1:100])
    frame = read_frame(world, SPAN, JUDGED)
    labelled = [bool(drawn) for drawn, yes in zip(frame.drawn, frame.yes, strict=True) if not np.isnan(yes)]
    assert sum(labelled) == sum(bool(one) for one in frame.eligible & ~np.isnan(frame.yes))


def test_a_second_reviewer_gets_the_same_samples(world: Store, say: Callable[..., None]) -> None:
    first = draw(world)
    say(ids(first), reviewer="ayşe")
    for_deniz = draw(world, reviewer="deniz")
    assert (ids(for_deniz), for_deniz.drawn) == (ids(first), 0)
    for_ayse = draw(world, reviewer="ayşe")
    assert not set(ids(for_ayse)) & set(ids(first))


def test_new_samples_are_drawn_from_too_and_old_draws_stay(world: Store) -> None:
    first = draw(world, who=ALONE)
    record(world, batch(range(SIZE, 250)))
    second = draw(world, 60, who=ALONE)
    assert set(ids(first)) <= set(ids(second))
    assert {position(n).sample_id for n in range(SIZE, 250)} & set(ids(second))
    assert second.eligible == 250


def test_the_terms_for_the_estimator_hold_each_phase_with_its_chance(world: Store, say: Callable[..., None]) -> None:
    found = draw(world)
    say(ids(found)[:10], label="full")
    say(ids(found)[:5], label="none", reviewer="deniz")
    say([one for one in IDS if one not in ids(found)][:7], label="full")
    terms, totals = terms_of(world, JUDGED)
    assert (totals[0].sampled, totals[0].population) == (SIZE, SIZE)
    assert np.count_nonzero(terms.selected3) == 10, "those that wait count as not drawn, and convenience never counts"
    assert np.nanmin(terms.y) == 1.0, "where reviewers are level it is yes"
    at = {one: n for n, one in enumerate(read_frame(world, SPAN, JUDGED, ids=True).sample_id)}
    eleventh = found.waiting[10]
    done = HASH(b"judge:" + eleventh.sample_id.bytes) / TWO_64 / eleventh.chance
    for one in found.waiting[:10]:
        n = at[one.sample_id]
        assert terms.pi2[n] * terms.pi3[n] == pytest.approx(one.chance * done), "a smaller draw, up to what waits first"
    judged = sum(row["selected"] for row in selections(world, "judge-one"))
    assert np.count_nonzero(terms.selected2) == judged
    assert np.count_nonzero(terms.selected2 & np.isnan(terms.g)) == judged - found.eligible


def test_labels_behind_a_gap_in_the_list_wait_for_it_and_unsure_closes_it(
    world: Store, say: Callable[..., None]
) -> None:
    found = ids(draw(world))

    def counted() -> tuple[int, int]:
        terms, _ = terms_of(world, JUDGED)
        return int(np.count_nonzero(terms.selected3)), int(np.count_nonzero(~np.isnan(terms.y)))

    say([*found[:4], *found[5:]])
    assert counted() == (4, 4)
    say([found[4]], label="unsure")
    assert counted() == (20, 19), "one of them is missing for good"
    assert not set(ids(draw(world))) & set(found)


def test_without_a_judge_people_take_its_place(world: Store, say: Callable[..., None]) -> None:
    found = draw(world, who=ALONE)
    say(ids(found), label="none")
    terms, _ = terms_of(world, ALONE)
    assert np.array_equal(terms.selected2, terms.selected3)
    assert np.isnan(terms.g).all()
    assert sorted(terms.pi2[terms.selected2]) == pytest.approx(sorted(one.chance for one in found.waiting))


@pytest.fixture
def person(settings: ClickHouseSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Set a small constitution, two judges and a panel of them."""
    rubric = tmp_path / "small.yaml"
    rubric.write_text(TEXT, "utf-8")
    one = {"model": "m", "api_key": "k", "base_url": "http://127.0.0.1:9/v1", "price": {"input": 1, "output": 1}}
    endpoints = [{**one, "name": "one", "dimensions": ["refusal"]}, {**one, "name": "two"}]
    in_environment(
        monkeypatch,
        settings,
        JUDGING__CONSTITUTION=str(rubric),
        JUDGING__ENDPOINTS=json.dumps(endpoints),
        JUDGING__PANELS=json.dumps([{"name": "both", "judges": ["one", "two"]}]),
    )


@pytest.mark.usefixtures("person")
def test_the_labels_are_to_correct_the_panel_else_the_first_judge_or_the_one_named() -> None:
    settings = load_settings()
    assert sources(settings, "refusal").judge == "panel-both"
    assert sources(settings, "rude").judge == "judge-two"
    assert sources(settings, "refusal", "one").judge == sources(settings, "refusal", "judge-one").judge == "judge-one"
    assert sources(settings, "refusal").classifier
    assert sources(settings, "rude").classifier == ""
    with pytest.raises(InputError, match="'one' gives verdicts on rude"):
        sources(settings, "rude", "one")


@pytest.mark.usefixtures("person")
def test_the_command_lists_ids_and_shows_conversations_only_when_asked(
    world: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="'kindness' is not in the constitution"):
        cli_labels.labels_next(dimension="kindness")
    cli_labels.labels_next(dimension="refusal", since="3650d")
    printed = capsys.readouterr()
    assert "nothing waits: of 0 samples with a verdict of panel-both" in printed.err
    monkeypatch.delenv("ALIGNMENT_MONITOR_JUDGING__ENDPOINTS")
    monkeypatch.delenv("ALIGNMENT_MONITOR_JUDGING__PANELS")
    cli_labels.labels_next(dimension="refusal", n=5, since="3650d", as_json=True)
    made = json.loads(capsys.readouterr().out)
    assert len(made) == 5
    assert all(0.0 < one["chance"] <= 1.0 and "messages" not in one for one in made)
    cli_labels.labels_next(dimension="refusal", n=5, since="3650d")
    printed = capsys.readouterr()
    assert [one["sample_id"] for one in made] == [line.split()[0] for line in printed.out.splitlines()[1:]]
    assert "Soru?" not in printed.out
    assert "5 samples wait, 0 of them drawn now; labels of refusal: none, full" in printed.err
    cli_labels.labels_next(dimension="refusal", n=1, since="3650d", text=True)
    assert "user: Soru?\n\n[judged] assistant: An answer." in capsys.readouterr().out
    assert world


@pytest.mark.usefixtures("person", "world")
def test_the_plan_is_made_from_what_is_stored(
    say: Callable[..., None], world: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ALIGNMENT_MONITOR_JUDGING__ENDPOINTS")
    monkeypatch.delenv("ALIGNMENT_MONITOR_JUDGING__PANELS")
    who = sources(load_settings(), "refusal")
    cli_labels.labels_plan(dimension="refusal", target=0.01, since="3650d")
    assert "nothing can be foretold; begin with: alignment-monitor labels next" in " ".join(
        capsys.readouterr().out.split()
    )
    found = ids(draw(world, 60, who=who))
    say(found[:12], label="full")
    say(found[12:40], label="none")
    cli_labels.labels_plan(dimension="refusal", target=0.08, since="3650d", as_json=True)
    made = json.loads(capsys.readouterr().out)
    expected = plan(*terms_of(world, who), target=0.08)
    assert made["half_width"] == expected.half_width
    assert made["labels"]["now"] == 40
    assert made["labels"]["needed"] > 40
    assert made["judge"] is None
    cli_labels.labels_plan(dimension="refusal", target=0.08, since="3650d")
    shown = capsys.readouterr().out
    assert f"half-width ±{100 * made['half_width']:.2f} points now" in shown
    assert f"{made['labels']['needed']}" in shown


def test_labels_that_were_drawn_correct_the_judges_rate_and_the_rollup_writes_it_beside_the_judges_own(
    world: Store, say: Callable[..., None]
) -> None:
    register_identities(world, [JUDGE, HEAD])
    found = ids(draw(world, 60))
    # The judge says yes above 0.4, people above 0.6.
    truth = {one: value(n) > 0.6 for n, one in enumerate(IDS)}
    say([one for one in found if truth[one]], label="full")
    say([one for one in found if not truth[one]], label="none")
    own, corrected = (
        next(one for one in rates(world, SPAN) if one.judge == "judge-one" and one.corrected is wanted)
        for wanted in (False, True)
    )
    judged = sum(row["selected"] for row in selections(world, "judge-one"))
    assert (own.estimate.n_sampled, corrected.estimate.n_sampled, corrected.estimate.n_scored) == (judged, 60, 60)
    assert own.classifier == corrected.classifier == HEAD.id
    assert own.estimate.rate is not None
    assert corrected.estimate.rate is not None
    assert own.estimate.rate > 0.5 > corrected.estimate.rate
    assert corrected.estimate.low < sum(truth.values()) / SIZE < corrected.estimate.high
    rollup(world)
    rows = [row for row in world.query("estimate_rows") if row["scorer_id"] == JUDGE.id and not row["segment"]]
    written = {row["corrected"]: row for row in rows}
    assert written[1]["rate"] == pytest.approx(corrected.estimate.rate)
    assert written[0]["rate"] == pytest.approx(own.estimate.rate)
    assert (written[1]["labelled"], written[0]["labelled"]) == (60, 0)
    # Another label makes the window be computed again.
    wait_for(lambda: rollup(world, margin_s=0.3) == 0, "the rollup to come to rest", seconds=20)
    more = [one.sample_id for one in draw(world, 10).waiting]
    say(more, label="none")
    assert rollup(world, margin_s=0.3) > 0
