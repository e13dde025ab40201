"""The same records with the same key: the same conversations sampled, the same scores stored."""

from pathlib import Path

import pytest

from tests.support.data import public
from tests.support.live import stack

pytestmark = pytest.mark.integration

HALF = '[{"name":"pushback","when":{"trigger":["pushback"]},"probability":0.8},{"name":"rest","probability":0.5}]'
Stored = dict[tuple[str, str, str], tuple[str, float | None, str, str]]


def stored_scores(folder: Path, **variables: str) -> Stored:
    with stack(folder, SAMPLING__STRATA=HALF, SCORING__CANARY_EVERY_S="0", **variables) as live:
        live.json("replay", str(public("refusal_rbr_gold_human.jsonl.gz")))
        assert live.settled(351)["consumed"] == 351
        with live.store() as store:
            return {
                (row["interaction_id"], row["dimension"], row["scorer_id"]): (
                    row["status"],
                    row["value"],
                    row["label"],
                    row["reason"],
                )
                for row in store.query("all_scores")
            }


def test_two_runs_store_the_same_and_another_key_samples_others(tmp_path: Path) -> None:
    first, second = stored_scores(tmp_path / "1"), stored_scores(tmp_path / "2")
    assert first
    assert first == second
    other = stored_scores(tmp_path / "3", SAMPLING__KEY="another-key-0123456789")
    assert {i for i, _, _ in other} != {i for i, _, _ in first}
    both = other.keys() & first.keys()
    assert both
    assert all(other[key] == first[key] for key in both)
