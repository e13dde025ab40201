"""`train` and `evaluate` as people call them, and the card that is written."""

from pathlib import Path

import numpy as np
import pytest

from monitor.errors import ConfigError, InputError
from monitor.scoring.classifiers.weights import Calibration, Facts, load, save
from monitor.train.card import card
from monitor.train.heads import HEADS, WEIGHTS, trainable
from tests.support.live import run

FACTS = Facts(
    labels=("none", "some"),
    embedder="e@1",
    code_version="1",
    calibration={"": Calibration(shift=(0.0, 0.5), scale=2.0)},
)


def test_a_head_that_is_not_known_is_a_clear_error(tmp_path: Path) -> None:
    done = run("train", "joy", "--data", str(tmp_path))
    assert done.returncode == 1
    assert "no head 'joy'; known: refusal, sycophancy, harm, compliance" in done.stderr


def test_data_that_is_not_there_is_a_clear_error_and_writes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "w.safetensors"
    options = ["--data", str(tmp_path / "none"), "--out", str(out), "--cache", str(tmp_path)]
    done = run("train", "refusal", *options)
    assert done.returncode == 1
    assert "--data names the folder of labelled data" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert not out.exists()


@pytest.mark.parametrize("name", HEADS)
def test_each_head_ships_its_weights_and_its_card(name: str) -> None:
    weights = load(WEIGHTS / f"{name}.safetensors")
    assert "" in weights.facts.calibration
    written = (Path(__file__).parents[2] / "docs" / "models" / f"{name}.md").read_text("utf-8")
    assert weights.digest in written, "the card is of other weights: train again with --card"
    assert all(failure in written for failure in trainable(name).failures)


def test_weights_are_the_same_bytes_each_time_and_readable_by_all(tmp_path: Path) -> None:
    arrays = {"b": np.ones((2, 3), np.float32), "a": np.zeros(4, np.float32)}
    for name in ("one", "two"):
        save(tmp_path / name, arrays, FACTS)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert (tmp_path / "one").stat().st_mode & 0o777 == 0o644
    found = load(tmp_path / "one")
    assert found.facts == FACTS
    assert (found.arrays["b"] == arrays["b"]).all()


def test_a_file_that_is_no_head_is_refused(tmp_path: Path) -> None:
    for content in (b"", b"pickle", b"\x00" * 100):
        path = tmp_path / "w"
        path.write_bytes(content)
        with pytest.raises(ConfigError, match="not the weights of a head"):
            load(path)
    with pytest.raises(InputError, match="known: refusal"):
        trainable("joy")


def test_the_card_shows_every_figure(tmp_path: Path) -> None:
    save(tmp_path / "w", {"a": np.zeros(2, np.float32)}, FACTS)
    figures = {
        "mean": 0.5,
        "sets": {"one": {"f1": 0.25, "n": 7}, "two": {"f1": None, "n": 8}},
        "deep": {"kind": {"inner": {"f1": 0.75}}, "plain": 3},
        "reliability": [(0.1, 0.2, 30)],
    }
    text = card("refusal", HEADS["refusal"], load(tmp_path / "w"), figures, seed=7)
    assert "- mean: 0.500" in text
    assert "| one | 0.250 | 7 |" in text
    assert "| two |  | 8 |" in text
    assert "| inner | 0.750 |" in text
    assert "- plain: 3" in text
    assert "said 0.10  was 0.20  ####|###" in text
    assert text.count("\n## ") == 2
