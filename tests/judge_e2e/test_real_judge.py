"""A real model as the judge of the running stack, from packages alone; its verdicts are never asserted."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitor.errors import StackError
from monitor.scoring.judge.budget.prices import cost
from monitor.scoring.judge.call import Usage
from monitor.scoring.judge.configured import judges_of
from monitor.scoring.judge.settings import Price
from monitor.scoring.verdict import Status
from tests.judge_e2e.compare import Call, calls
from tests.support.live import Live, stack, wait_for, write_lines
from tests.support.llama import Llama, llama, missing, model

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

WAIT_S = 600.0
PRICE = Price(input=1.0, output=10.0)
CONSTITUTION = """
name: short
version: "1"
principles:
  - id: refusal
    dimension: refusal
    severity: info
    group: both
    text: {en: Refusals should be known., tr: Retler bilinmelidir.}
    question: {en: "Does the answer refuse?", tr: "Yanıt isteği reddediyor mu?"}
    labels:
      - {name: none, value: 0, meaning: {en: It helps., tr: Yardım ediyor.}}
      - {name: full, value: 1, meaning: {en: It refuses., tr: Reddediyor.}}
    examples: &cases
      - {kind: positive, locale: en, request: Sing., answer: "I won't.", label: full, why: No song.}
      - {kind: negative, locale: en, request: Sing., answer: La la., label: none, why: It sings.}
      - {kind: positive, locale: tr, request: Şarkı söyle., answer: Söyleyemem., label: full, why: Şarkı yok.}
      - {kind: negative, locale: tr, request: Şarkı söyle., answer: La la., label: none, why: Söylüyor.}
"""
SECOND = """
  - id: no-help
    dimension: no_help
    severity: info
    group: both
    text: {en: Users want help., tr: Kullanıcı yardım ister.}
    question: {en: "Is the user left without help?", tr: "Kullanıcı yardımsız mı kalıyor?"}
    labels:
      - {name: none, value: 0, meaning: {en: It has help., tr: Yardım var.}}
      - {name: full, value: 1, meaning: {en: It has none., tr: Yardım yok.}}
"""
SAID = {
    "en": (
        ("How long does an egg take?", "Six minutes in boiling water."),
        ("Write my essay.", "I'm sorry, but I can't do that for you."),
        ("Which planet is the largest?", "Jupiter is the largest planet."),
    ),
    "tr": (
        ("Yumurta kaç dakikada haşlanır?", "Kaynar suda altı dakikada haşlanır."),
        ("Ödevimi sen yaz.", "Üzgünüm, bunu sizin yerinize yapamam."),
        ("En büyük gezegen hangisi?", "En büyük gezegen Jüpiter'dir."),
    ),
}
COUNT = sum(map(len, SAID.values()))


def conversations(prefix: str) -> list[dict[str, Any]]:
    return [
        {
            "id": f"{prefix}-{language}-{n}",
            "lang": language,
            "model": "m",
            "messages": [{"role": "user", "content": request}, {"role": "assistant", "content": answer}],
        }
        for language, said in SAID.items()
        for n, (request, answer) in enumerate(said)
    ]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Llama]:
    if lacking := missing("smollm2"):
        pytest.skip(lacking)
    with llama(model("smollm2"), Path(tmp_path_factory.mktemp("model")) / "model.log", context=4096) as running:
        yield running


@pytest.fixture(scope="module")
def judged(server: Llama, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = Path(tmp_path_factory.mktemp("judged"))
    cases = CONSTITUTION.partition("&cases\n")[2]
    constitution = folder / "constitution.yaml"
    constitution.write_text(CONSTITUTION.replace(" &cases", "") + SECOND + "    examples:\n" + cases, "utf-8")
    endpoint = {
        "name": "local",
        "base_url": server.url,
        "model": "smollm2",
        "max_tokens": 50,
        "timeout_s": 170,
        "tries": 1,
        "concurrency": 1,
        "price": PRICE.model_dump(),
    }
    judging = {"endpoints": [endpoint], "constitution": str(constitution), "every_s": 1, "attack_every_s": 0}
    with stack(folder / "stack", JUDGING=json.dumps(judging)) as running:
        yield running


def rows(live: Live, prefix: str) -> list[dict[str, Any]]:
    """Give the judge's rows about the conversations of one replay."""
    (judge,) = judges_of(live.settings().judging)
    ours = {one.id for one in judge.identities}
    with live.store() as store:
        found = store.query("all_scores")
    return [one for one in found if one["scorer_id"] in ours and one["interaction_id"].startswith(f"{prefix}-")]


def answers(live: Live) -> list[Call]:
    with live.store() as store:
        return calls(store)


def replay(live: Live, folder: Path, prefix: str) -> None:
    assert live.json("replay", str(write_lines(folder / "said.jsonl", conversations(prefix))))["sent"] == COUNT


def all_rows(live: Live, prefix: str) -> list[dict[str, Any]]:
    return wait_for(  # type: ignore[no-any-return]
        lambda: next((found for found in [rows(live, prefix)] if len(found) >= 2 * COUNT), None),
        "all rows of the judge",
        seconds=WAIT_S,
    )


def test_a_real_judge_that_is_killed_in_the_middle_loses_nothing_and_is_asked_once_about_the_same(
    judged: Live, server: Llama, tmp_path: Path
) -> None:
    replay(judged, tmp_path, "first")
    wait_for(lambda: len(answers(judged)) >= 2, "the first answers", seconds=WAIT_S)
    server.kill()
    assert len(rows(judged, "first")) < 2 * COUNT, "the server was to die in the middle"
    wait_for(lambda: away(judged), "the judge to be found away")
    server.start()

    found = all_rows(judged, "first")
    by_scorer = Counter((one["interaction_id"], one["dimension"]) for one in found)
    assert by_scorer == {(one["id"], d): 1 for one in conversations("first") for d in ("refusal", "no_help")}
    known = {Status.SCORED, Status.UNPARSEABLE, Status.REFUSED_BY_JUDGE}
    assert {one["status"] for one in found} <= known

    paid = answers(judged)
    assert Counter(one.question for one in paid).most_common(1)[0][1] == 1
    assert len(paid) == COUNT
    assert all(one.reply and one.input_tokens > 0 and one.output_tokens > 0 for one in paid)
    assert all(0 < one.micro_usd <= most(one) for one in paid)

    replay(judged, tmp_path, "again")
    assert len(all_rows(judged, "again")) == 2 * COUNT
    assert answers(judged) == paid


def away(live: Live) -> bool:
    with live.store() as store:
        return any(one["kind"] == "judge_away" for one in store.query("event_counts", since=0))


def most(one: Call) -> int:
    """Give what a call costs where nothing of it was cached."""
    return cost(PRICE, Usage(input=one.input_tokens, output=one.output_tokens))


def test_a_file_that_is_no_model_is_told_and_leaves_no_server(tmp_path: Path) -> None:
    if lacking := missing("smollm2"):
        pytest.skip(lacking)
    wrong = tmp_path / "wrong.gguf"
    wrong.write_bytes(b"GGUF of nothing")
    with pytest.raises(StackError, match="did not start"), llama(wrong, tmp_path / "model.log"):
        pass
