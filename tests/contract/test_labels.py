"""Labels by people on the real engine: what is stored, what is refused, and that nothing is stored by halves."""

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from monitor import cli_labels
from monitor.cli_shared import Found
from monitor.clock import FixedClock
from monitor.config import ClickHouseSettings
from monitor.errors import InputError, StoreUnavailable
from monitor.intake.batch import Batch
from monitor.intake.sampling import CANARY_STRATUM
from monitor.names import PREFIX
from monitor.report.labels_file import read_labels
from monitor.report.labels_import import Imported, import_labels
from monitor.scoring.constitution.load import parse
from monitor.store import labels
from monitor.store.client import Store
from monitor.store.record import record
from monitor.store.rows import SelectionRow, to_columns
from tests.contract.test_store import WINDOW, batch, cell, position, sampled
from tests.support.rubric import TEXT, small

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
KEY = "a key for tests of labels, long enough"


def sample(offset: int) -> UUID:
    return position(offset).sample_id


def line(offset: int | str, label: str = "full", *, reviewer: str = "ayşe", **more: Any) -> dict[str, Any]:
    name = f"i-{offset}" if isinstance(offset, int) else offset
    return {"id": name, "dimension": "refusal", "label": label, "reviewer": reviewer, **more}


@pytest.fixture
def take(store: Store, tmp_path: Path) -> Callable[..., Imported]:
    """Write lines into a file and import it."""
    record(store, batch(range(20)))
    clock = FixedClock(NOON)

    def run(*lines: dict[str, Any], **options: Any) -> Imported:
        clock.advance(1)
        path = tmp_path / "labels.jsonl"
        path.write_text("".join(f"{json.dumps(one)}\n" for one in lines), "utf-8")
        return import_labels(store, read_labels(path), options.pop("rubric", small()), clock=clock, **options)

    return run


def stored(store: Store) -> dict[tuple[UUID, str], str]:
    rows = store.query("labels_of", windows=[WINDOW], ids=[sample(n) for n in range(30)])
    return {(row["sample_id"], row["reviewer"]): row["label"] for row in rows}


def told(found: Imported) -> list[tuple[int, str]]:
    return [(one.line, one.what) for one in found.flaws]


def test_labels_are_stored_by_sample_id_or_by_interaction_id(store: Store, take: Callable[..., Imported]) -> None:
    found = take(line(1), line(str(sample(2)), "none"), line(str(sample(3)).upper(), "none", reviewer="O'Neil \\ ş"))
    assert (found.lines, found.stored, found.refused, found.flaws) == (3, 3, False, ())
    assert stored(store) == {
        (sample(1), "ayşe"): "full",
        (sample(2), "ayşe"): "none",
        (sample(3), "O'Neil \\ ş"): "none",
    }


def test_importing_the_same_file_again_stores_nothing(store: Store, take: Callable[..., Imported]) -> None:
    lines = [line(n, note="as it reads") for n in range(10)]
    assert take(*lines).stored == 10
    again = take(*lines, lines[0])
    assert (again.stored, again.unchanged, again.skipped, again.flaws) == (0, 11, 0, ())
    assert len(stored(store)) == 10


def test_of_a_file_with_one_bad_line_nothing_is_stored_unless_bad_lines_are_skipped(
    store: Store, take: Callable[..., Imported]
) -> None:
    lines = [line(1), line("no-such"), line(2, "maybe"), line(3, dimension="kindness"), line(4, reviewer="")]
    found = take(*lines)
    assert (found.refused, found.stored, found.skipped) == (True, 0, 5)
    assert stored(store) == {}
    assert told(found) == [
        (2, "id 'no-such' is no sample; write the id of a sampled interaction"),
        (3, "label 'maybe' is none of refusal's; write one of none, full, or unsure"),
        (4, "dimension 'kindness' is not in the constitution; it has refusal, rude, caving_in"),
        (5, "reviewer is empty"),
    ]
    found = take(*lines, skip_bad=True)
    assert (found.refused, found.stored, found.skipped) == (False, 1, 4)
    assert stored(store) == {(sample(1), "ayşe"): "full"}


def test_another_label_by_the_same_reviewer_is_refused_and_replaces_only_when_told(
    store: Store, take: Callable[..., Imported]
) -> None:
    take(line(1, "full"), line(1, "none", reviewer="deniz"))
    found = take(line(1, "none"), line(2, "none"))
    assert told(found) == [(1, "'ayşe' has labelled it before, as full; --replace puts this one in its place")]
    assert (sample(2), "ayşe") not in stored(store)
    found = take(line(1, "none"), line(2, "none"), replace=True)
    assert (found.stored, found.replaced) == (2, 1)
    assert stored(store) == dict.fromkeys([(sample(1), "ayşe"), (sample(1), "deniz"), (sample(2), "ayşe")], "none")


def test_unsure_may_be_said_of_any_sample_and_is_neither_yes_nor_no(
    store: Store, take: Callable[..., Imported]
) -> None:
    assert take(line(1, "unsure"), line(2, "full")).stored == 2
    assert take(line(1, "unsure")).unchanged == 1
    rows = {row["sample_id"]: row for row in store.query("label_rows", since=WINDOW, until=WINDOW + 3600)}
    assert math.isnan(rows[sample(1)]["value"])
    (frame,) = [
        row
        for row in store.query(
            "phases",
            since=WINDOW,
            until=WINDOW + 3600,
            dimension="refusal",
            classifier="",
            judge="",
            scorer="",
            reviewer="",
            with_ids=1,
            by=[],
        )
        if row["sample"] == str(sample(1))
    ]
    assert math.isnan(frame["yes"])
    assert frame["labels"] == frame["done"] == 1


def test_another_note_or_time_is_another_label(store: Store, take: Callable[..., Imported]) -> None:
    take(line(1, note="first thoughts", time="2026-11-24T09:00:00Z"))
    for other in (line(1, note="second thoughts"), line(1, note="first thoughts", time="2026-11-24T10:00:00Z")):
        assert told(take(other)) == [
            (1, "'ayşe' has labelled it before, with another note or time; --replace puts this one in its place")
        ]
        assert take(other, replace=True).replaced == 1
    assert take(line(1, note="first thoughts")).unchanged == 1, "a line without a time does not mind which"
    assert len(stored(store)) == 1


def test_a_label_can_be_given_again_after_it_was_replaced(store: Store, take: Callable[..., Imported]) -> None:
    """The engine drops an insert that it has seen; here the third one must not be taken for the first."""
    for label in ("full", "none", "full"):
        take(line(1, label, time="2026-11-24T09:00:00Z"), replace=True)
        assert stored(store) == {(sample(1), "ayşe"): label}


def test_a_file_that_contradicts_itself_is_refused_for_all_lines_concerned(
    store: Store, take: Callable[..., Imported]
) -> None:
    found = take(line(1, "full"), line(2), line(str(sample(1)), "none"), replace=True, skip_bad=True)
    what = "lines 1, 3 say different things of one sample, dimension and reviewer; keep one"
    assert told(found) == [(1, what), (3, what)]
    assert stored(store) == {(sample(2), "ayşe"): "full"}


def test_an_interaction_that_was_sampled_twice_needs_its_window_or_the_samples_own_id(
    store: Store, take: Callable[..., Imported]
) -> None:
    first, other = sampled(1), sampled(25)
    twin = replace(other, interaction=other.interaction.model_copy(update={"interaction_id": "i-1"}))
    assert first.window == twin.window
    record(store, Batch(sampled=[twin], dead=[], cells=[cell("sampled", [25])]))
    ((number, what),) = told(take(line(1)))
    assert number == 1
    assert what.startswith("id 'i-1' means 2 samples; write one's own id, such as ")
    assert take(line(str(sample(25)))).stored == 1
    ((_, what),) = told(take(line(2, window="2026-11-23T00:00:00Z")))
    assert what == "id 'i-2' is no sample of the window 2026-11-23T00:00:00Z; write the id of a sampled interaction"
    there = datetime.fromtimestamp(WINDOW, UTC).isoformat()
    assert take(line(2, window=there)).stored == 1


def test_canaries_cannot_be_labelled(store: Store, take: Callable[..., Imported]) -> None:
    record(store, Batch(sampled=[sampled(26, stratum=CANARY_STRATUM)], dead=[], cells=[]))
    assert told(take(line(26)))[0][1].startswith("id 'i-26' is no sample")


def test_what_is_stored_beside_the_label(store: Store, take: Callable[..., Imported]) -> None:
    take(line(1, time="2026-11-20T09:00:00+03:00", note="write to ali@example.com"), line(2, "none"))
    principle = small().principle("refusal")
    rows = {row["sample_id"]: row for row in store.query("label_rows", since=WINDOW, until=WINDOW + 3600)}
    first, second = rows[sample(1)], rows[sample(2)]
    assert (first["value"], second["value"]) == (1.0, 0.0)
    assert first["rubric"] == second["rubric"] == small().digest(principle)
    assert first["labelled_at"].replace(tzinfo=UTC) == datetime(2026, 11, 20, 6, tzinfo=UTC)
    assert second["labelled_at"].replace(tzinfo=UTC) == NOON + timedelta(seconds=1)
    assert "ali@" not in first["note"]
    assert first["note"].startswith("write to [EMAIL_")


def test_a_time_ahead_of_now_is_refused(take: Callable[..., Imported]) -> None:
    assert told(take(line(1, time="2026-11-24T12:30:00Z")))[0][1].startswith("time lies ahead of now")
    assert take(line(1, time="2026-11-24T12:01:00Z")).stored == 1


def test_labels_of_samples_that_were_not_drawn_are_counted_as_convenience(
    store: Store, take: Callable[..., Imported]
) -> None:
    draw(store, [1, 2], left=[3])
    draw(store, [4], dimension="rude")
    found = take(*(line(n) for n in range(1, 6)))
    assert (found.stored, found.convenience) == (5, 3)
    assert take(line(1)).convenience == 0


def draw(store: Store, offsets: Iterable[int], *, left: Iterable[int] = (), dimension: str = "refusal") -> None:
    rows = [
        SelectionRow(
            window=WINDOW,
            sample_id=sample(n),
            judge=f"human:{dimension}",
            probability=0.5,
            hash=0 if chosen else 2**64 - 1,
            selected=int(chosen),
        )
        for chosen, some in ((True, offsets), (False, left))
        for n in some
    ]
    store.insert("selections", to_columns(rows))


def test_more_labels_than_one_question_can_ask_about_are_all_stored(
    store: Store, take: Callable[..., Imported], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labels, "ASKED_AT_ONCE", 7)
    draw(store, range(8))
    lines = [line(n) for n in range(20)]
    assert (take(*lines).stored, take(*lines).unchanged) == (20, 20)
    assert take(*lines).convenience == 12


def test_a_rubric_that_lost_a_label_refuses_it_and_keeps_what_was_said(
    store: Store, take: Callable[..., Imported]
) -> None:
    take(line(1))
    changed = parse(TEXT.replace("full", "whole"))
    ((_, what),) = told(take(line(1), rubric=changed))
    assert what == "label 'full' is none of refusal's; write one of none, whole, or unsure"
    assert stored(store) == {(sample(1), "ayşe"): "full"}


def in_environment(monkeypatch: pytest.MonkeyPatch, settings: ClickHouseSettings, **more: str) -> None:
    """Set what whoever types the commands has set."""
    told = {
        "SAMPLING__KEY": KEY,
        "PRIVACY__PSEUDONYM_KEY": KEY,
        "CLICKHOUSE__HOST": settings.host,
        "CLICKHOUSE__PORT": str(settings.port),
        "CLICKHOUSE__DATABASE": settings.database,
        "CLICKHOUSE__USERNAME": settings.username,
        "CLICKHOUSE__PASSWORD": settings.password.get_secret_value(),
        **more,
    }
    for name, value in told.items():
        monkeypatch.setenv(PREFIX + name, value)


@pytest.fixture
def person(settings: ClickHouseSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give a folder to write files in, and a small constitution."""
    rubric = tmp_path / "small.yaml"
    rubric.write_text(TEXT, "utf-8")
    in_environment(monkeypatch, settings, JUDGING__CONSTITUTION=str(rubric))
    return tmp_path


def test_the_command_refuses_skips_and_counts(store: Store, person: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(store, batch(range(5)))
    file = person / "labels.csv"
    file.write_text("id;dimension;label;reviewer\ni-1;refusal;full;ayşe\ni-2;refusal;perhaps;ayşe\n", "utf-8")
    with pytest.raises(InputError, match=r"nothing is stored(.|\n)*line 3: label 'perhaps' is none of refusal's"):
        cli_labels.labels_import(file)
    with pytest.raises(Found):
        cli_labels.labels_import(file, skip_bad=True, as_json=True)
    printed = capsys.readouterr()
    made = json.loads(printed.out)
    assert (made["stored"], made["skipped"], made["convenience"]) == (1, 1, 1)
    assert made["flaws"][0]["line"] == 3
    assert "line 3: label 'perhaps'" in printed.err
    file.write_text("id;dimension;label;reviewer\ni-1;refusal;full;ayşe\n", "utf-8")
    cli_labels.labels_import(file)
    assert "0 labels stored" in capsys.readouterr().out


def test_while_the_store_is_away_it_is_said_and_nothing_is_lost(
    store: Store, person: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(store, batch(range(5)))
    file = person / "labels.jsonl"
    file.write_text(json.dumps(line(1)), "utf-8")
    with monkeypatch.context() as away:
        away.setenv(f"{PREFIX}CLICKHOUSE__PORT", "1")
        with pytest.raises(StoreUnavailable):
            cli_labels.labels_import(file)
    cli_labels.labels_import(file)
    assert stored(store) == {(sample(1), "ayşe"): "full"}
