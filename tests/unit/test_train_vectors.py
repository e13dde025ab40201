"""Embeddings that training keeps: computed once, the same from the folder as from the encoder."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from monitor.scoring.embed import Matrix
from monitor.train.vectors import Vectors


class Counting:
    """An encoder that makes vectors of a text's length, and counts what it was asked."""

    identity, width = "counting-1", 3

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str]) -> Matrix:
        return self.read(texts)[0]

    def read(self, texts: Sequence[str]) -> tuple[Matrix, Matrix]:
        self.asked.extend(texts)
        lengths = np.array([[len(one), len(one) / 3, 1] for one in texts], dtype=np.float32)
        return lengths, lengths[:, :2] * 2


TEXTS = ("one", "three", "one", "seventeen letters", "\ud800")


@pytest.mark.parametrize("cues", [False, True])
def test_a_text_is_computed_once_and_read_back_the_same(tmp_path: Path, cues: bool) -> None:
    first, second = Counting(), Counting()
    new = Vectors(tmp_path, cues=cues, embedder=first).embed(TEXTS)
    again = Vectors(tmp_path, cues=cues, embedder=second).embed(TEXTS[::-1])[::-1]
    assert sorted(first.asked) == sorted(set(TEXTS))
    assert second.asked == []
    assert new.tobytes() == again.tobytes()
    assert new[:, 0].tolist() == [3, 5, 3, 17, 1]


def test_a_run_that_knows_a_part_computes_the_rest(tmp_path: Path) -> None:
    Vectors(tmp_path, embedder=Counting()).learn(["one"])
    encoder = Counting()
    assert Vectors(tmp_path, embedder=encoder).embed(["two", "one"]).shape == (2, 3)
    assert encoder.asked == ["two"]


def test_another_encoder_does_not_read_what_this_one_left(tmp_path: Path) -> None:
    Vectors(tmp_path, embedder=Counting()).learn(["one"])
    other = Counting()
    other.identity = "counting-2"
    Vectors(tmp_path, embedder=other).learn(["one"])
    assert other.asked == ["one"]


def test_a_table_has_each_text_once_with_its_cues(tmp_path: Path) -> None:
    table = Vectors(tmp_path, cues=True, embedder=Counting()).table(TEXTS)
    assert table.vectors.shape == (4, 3)
    assert table.cues[table.row["three"]].tolist() == pytest.approx([10, 10 / 3], abs=1e-2)
    assert table.vectors.dtype == table.cues.dtype == np.float16
