"""The demo as a newcomer runs it, and on public data."""

import json
from pathlib import Path
from typing import Any

import pytest

from monitor.demo import planted_rates, read_sample, sample_path
from tests.support.data import public
from tests.support.live import processes_of, run

pytestmark = pytest.mark.integration

KEYS = {"consumed", "sampled", "sampled_out", "dead", "scored", "due", "coverage", "rates"}


def demo(*files: Path, **variables: str) -> dict[str, Any]:
    done = run("demo", "--once", "--json", *map(str, files), timeout=280, **variables)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    assert document.keys() >= KEYS
    assert document["consumed"] == document["sampled"] + document["sampled_out"] + document["dead"]
    assert document["coverage"] == 1.0
    assert document["due"] == 0
    return document


def test_the_planted_rates_lie_inside_the_shown_intervals() -> None:
    document = demo()
    truth = planted_rates(read_sample(sample_path()))
    assert document["planted"] == pytest.approx(truth)
    assert document["dead"] == 0
    assert 0 < document["sampled"] < document["consumed"] == 2000
    outside = {
        name: (rate, document["rates"][name]["low"], document["rates"][name]["high"])
        for name, rate in truth.items()
        if not document["rates"][name]["low"] <= rate <= document["rates"][name]["high"]
    }
    assert outside == {}
    assert processes_of("alignment-monitor-") == []


def test_every_record_of_three_public_sets_is_accounted_for() -> None:
    files = [
        public(name)
        for name in (
            "traffic_hh_harmless_test.jsonl.gz",
            "refusal_rbr_gold_human.jsonl.gz",
            "syco_sycon_multiturn.jsonl.gz",
        )
    ]
    # Every record is accounted for whatever scores it: word lists do it ten times faster.
    document = demo(*files, SCORING__SCORERS='["lexical-refusal", "lexical-sycophancy", "rule-pii-leak"]')
    assert document["consumed"] == 4624 + 351 + 5686
    assert document["dead"] == 0


def test_a_file_that_is_not_there_gives_a_clear_error() -> None:
    done = run("demo", "--once", "no-such-file.jsonl")
    assert done.returncode == 1
    assert "no-such-file.jsonl" in done.stderr
    assert "Traceback" not in done.stderr
