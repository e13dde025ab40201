"""The shipped sample is what it says it is: reproducible, coherent, and with the planted rates."""

import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from monitor.demo import DIMENSIONS, SampleRow, planted_rates, read_sample, sample_path
from monitor.demo.generate import generate
from monitor.demo.scenarios import (
    COUNTS,
    corrected,
    fairly_praised,
    held,
    number_quoted,
    own_datum,
    refusal_quoted,
    sorry_and_helped,
)
from monitor.demo.texts import Language, load_texts
from monitor.errors import InputError

LANGUAGES: tuple[Language, ...] = ("en", "tr")
EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
PHONE = re.compile(r"\+(?:90|44)[\d ()]{9,16}\d")
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?\d){16,24}\b")
CARD = re.compile(r"(?<![\d+])(?:[45]\d{3})(?:[ -]?\d{4}){3}(?!\d)")
ELEVEN = re.compile(r"(?<![\d+.])\d{11}(?!\d)")
SIXTEEN = re.compile(r"(?<![\d+.])9\d{15}(?!\d)")
PERSONAL = (EMAIL, PHONE, IBAN, CARD)


@dataclass(frozen=True, kw_only=True)
class Told:
    """One row, read back from whichever wire format it has."""

    row: SampleRow
    conversation_id: str
    turn: int | None
    locale: str
    tenant: str
    messages: tuple[tuple[str, str], ...]

    @property
    def answer(self) -> str:
        """What is judged."""
        return self.messages[-1][1]

    @property
    def heard(self) -> str:
        """Everything the user wrote so far."""
        return "\n".join(content for role, content in self.messages if role == "user")


@pytest.fixture(scope="module")
def rows() -> list[SampleRow]:
    return list(read_sample(sample_path()))


@pytest.fixture(scope="module")
def told(rows: list[SampleRow]) -> list[Told]:
    return [_tell(row) for row in rows]


@pytest.fixture(scope="module")
def conversations(told: list[Told]) -> dict[str, list[Told]]:
    found: dict[str, list[Told]] = defaultdict(list)
    for one in told:
        found[one.conversation_id].append(one)
    return found


def test_the_generator_gives_the_same_bytes_each_time() -> None:
    first = generate()
    assert first == generate()
    assert first[3] == 0, "the gzip header names no file"
    assert first[4:8] == bytes(4), "the gzip header has no time"


def test_the_shipped_sample_is_what_the_generator_gives() -> None:
    # Compared unpacked: another build of zlib may pack the same rows into other bytes.
    assert gzip.decompress(sample_path().read_bytes()) == gzip.decompress(generate())


def test_the_sample_is_small() -> None:
    assert sample_path().stat().st_size < 600_000


def test_planted_rates_are_those_announced(rows: list[SampleRow]) -> None:
    assert planted_rates(rows) == pytest.approx(
        {
            "refusal": 0.12,
            "over_refusal": 0.05,
            "flattery": 0.09,
            "caving_in": 0.06,
            "sycophancy": 0.15,
            "pii_leak": 0.03,
        },
        abs=0.002,
    )


def test_there_are_1200_conversations_with_about_2000_interactions(
    conversations: dict[str, list[Told]], rows: list[SampleRow]
) -> None:
    assert len(conversations) == sum(COUNTS.values()) == 1200
    assert 1900 <= len(rows) <= 2100
    assert {len(turns) for turns in conversations.values()} == {1, 2, 3}


def test_the_truths_agree_with_one_another(rows: list[SampleRow]) -> None:
    for row in rows:
        assert row.truth["over_refusal"] <= row.truth["refusal"]
        assert row.truth["sycophancy"] == max(row.truth["flattery"], row.truth["caving_in"])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_each_class_is_there_in_both_languages_in_many_phrasings(
    told: list[Told], dimension: str, language: str
) -> None:
    answers = [one.answer for one in told if one.row.truth[dimension] and one.locale == language]
    share = 0.65 if language == "en" else 0.35
    assert len(answers) == pytest.approx(sum(one.row.truth[dimension] for one in told) * share, abs=6)
    assert len(set(answers)) >= min(25, len(answers))


def test_about_two_thirds_of_the_conversations_are_english(conversations: dict[str, list[Told]]) -> None:
    languages = Counter(turns[0].locale for turns in conversations.values())
    assert languages["en"] / languages.total() == pytest.approx(0.65, abs=0.02)


def test_both_tenants_and_both_model_versions_are_well_filled(rows: list[SampleRow], told: list[Told]) -> None:
    tenants = Counter(one.tenant for one in told)
    versions = Counter(re.findall(r"2026-1[01]", _model(row))[0] for row in rows)
    assert tenants.keys() == {"acme-bank", "acme-shop"}
    assert versions.keys() == {"2026-10", "2026-11"}
    assert min(*tenants.values(), *versions.values()) > 600


def test_the_three_wire_formats_have_their_shares(rows: list[SampleRow]) -> None:
    formats = Counter(row.format for row in rows)
    assert formats["native"] / len(rows) == pytest.approx(0.85, abs=0.02)
    assert formats["openai"] / len(rows) == pytest.approx(0.08, abs=0.015)
    assert formats["otel"] / len(rows) == pytest.approx(0.07, abs=0.015)


def test_caving_in_happens_only_after_pushback(told: list[Told]) -> None:
    for one in told:
        if one.row.truth["caving_in"]:
            assert sum(role == "user" for role, _ in one.messages) >= 2


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("kind", "at_least"),
    [
        ("apology", 25),
        ("mistake", 20),
        ("praise", 15),
        ("own", 15),
        ("order", 15),
        ("quoted", 10),
    ],
)
def test_hard_negatives_are_there_in_both_languages(
    conversations: dict[str, list[Told]], language: Language, kind: str, at_least: int
) -> None:
    """Counted by their first question, with nothing true of any turn."""
    asks = [re.compile(_pattern(ask)) for case in load_texts(language).cases[kind] for ask in case.asks]
    clean = [
        turns
        for turns in conversations.values()
        if turns[0].locale == language
        and not any(any(turn.row.truth.values()) for turn in turns)
        and any(ask.search(turns[0].messages[-2][1].casefold()) for ask in asks)
    ]
    assert len(clean) >= at_least


def test_the_plan_holds_every_kind_of_hard_negative() -> None:
    plots = (sorry_and_helped, corrected, held, fairly_praised, own_datum, number_quoted, refusal_quoted)
    assert all(COUNTS[plot] >= 30 for plot in plots)


def test_a_leak_shows_a_valid_value_that_the_user_did_not_write(told: list[Told]) -> None:
    for one in told:
        if one.row.truth["pii_leak"]:
            assert [value for value in _personal(one.answer) if value not in one.heard], one.answer


def test_without_a_leak_the_answer_shows_only_what_the_user_wrote(told: list[Told]) -> None:
    repeated = 0
    for one in told:
        if not one.row.truth["pii_leak"]:
            values = list(_personal(one.answer))
            assert all(value in one.heard for value in values), one.answer
            repeated += bool(values)
    assert repeated >= 40


def test_numbers_that_only_look_personal_fail_their_checksum(told: list[Told]) -> None:
    elevens = sum(not _tckn_valid(number) for one in told for number in ELEVEN.findall(one.answer) if number[0] == "7")
    sixteens = [number for one in told for number in SIXTEEN.findall(one.answer)]
    assert elevens >= 20
    assert len(sixteens) >= 15
    assert not any(_luhn_valid(number) for number in sixteens)


def test_every_personal_value_is_valid_by_its_checksum(told: list[Told]) -> None:
    text = "\n".join(content for one in told for _, content in one.messages)
    ibans = [re.sub(" ", "", value) for value in IBAN.findall(text)]
    cards = [re.sub("[ -]", "", value) for value in CARD.findall(IBAN.sub("", text))]
    identities = [number for number in ELEVEN.findall(text) if number.startswith("1000")]
    assert {value[:2] for value in ibans} == {"TR", "DE"}
    assert all(_iban_valid(value) for value in ibans)
    assert cards
    assert all(_luhn_valid(value) for value in cards)
    assert identities
    assert all(_tckn_valid(number) for number in identities)
    assert {value[:3] for value in PHONE.findall(text)} == {"+90", "+44"}
    hosts = {value.split("@")[1].rstrip(".") for value in EMAIL.findall(text)}
    assert all(host.endswith(("example.com", "example.org", "ornek.example")) for host in hosts)


def test_every_record_survives_json(rows: list[SampleRow]) -> None:
    for row in rows:
        assert json.loads(json.dumps(row.record, ensure_ascii=False)) == row.record
        json.dumps(row.record, ensure_ascii=False).encode()


def test_the_rows_of_a_conversation_share_its_id_and_grow_by_one_turn(
    conversations: dict[str, list[Told]],
) -> None:
    for conversation_id, turns in conversations.items():
        assert {one.row.key for one in turns} == {conversation_id}
        assert {one.row.format for one in turns} == {turns[0].row.format}
        for number, one in enumerate(turns):
            assert one.turn in {number, None}
            assert one.messages[-1][0] == "assistant"
            assert sum(role == "assistant" for role, _ in one.messages) == number + 1
        for before, after in pairwise(turns):
            assert after.messages[: len(before.messages)] == before.messages
            assert len(after.messages) == len(before.messages) + 2


def test_no_two_conversations_are_the_same(conversations: dict[str, list[Told]]) -> None:
    said = Counter(
        tuple(message for message in turns[-1].messages if message[0] != "system") for turns in conversations.values()
    )
    assert said.most_common(1)[0][1] == 1


def test_rows_stand_in_time_order_within_their_six_hours(rows: list[SampleRow]) -> None:
    times = [_time(row) for row in rows]
    assert times == sorted(times)
    assert times[0] >= datetime.fromisoformat("2026-11-01T06:00:00Z").timestamp()
    assert times[-1] < datetime.fromisoformat("2026-11-01T12:00:00Z").timestamp()


def test_no_slot_is_left_unfilled(told: list[Told]) -> None:
    for one in told:
        for _, content in one.messages:
            assert not re.search(r"\{[a-z_0-9]+\}", content), content


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not JSON"),
        ("[]", "a row is a JSON object"),
        ('{"key": "c"}', "truth must be dict"),
        ('{"truth": {}, "key": "c", "format": "xml", "record": {}}', "format 'xml' is not one of"),
        ('{"truth": {"refusal": 2}, "key": "c", "format": "otel", "record": {}}', "truth.refusal must be"),
    ],
)
def test_a_bad_row_is_named_by_file_and_line(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "bad.jsonl"
    truth = dict.fromkeys(DIMENSIONS, 0)
    good = json.dumps({"truth": truth, "key": "c", "format": "native", "record": {}})
    path.write_text(f"{good}\n{line}\n", encoding="utf-8")
    with pytest.raises(InputError, match=rf"bad\.jsonl:2: {re.escape(reason)}"):
        list(read_sample(path))


def test_a_missing_or_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.jsonl\.gz"):
        list(read_sample(tmp_path / "none.jsonl.gz"))
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(sample_path().read_bytes()[:5000])
    with pytest.raises(InputError, match=r"cut\.jsonl\.gz:\d+: cannot be read"):
        list(read_sample(cut))


def test_no_rows_have_no_rates() -> None:
    with pytest.raises(InputError, match="no rows"):
        planted_rates([])


def _tell(row: SampleRow) -> Told:
    record = row.record
    if row.format == "native":
        names = (record["conversation_id"], record["turn"], record["locale"], record["tenant"])
        messages = record["messages"]
    elif row.format == "openai":
        about = record["request"]["metadata"]
        names = (about["conversation_id"], int(about["turn"]), about["locale"], about["tenant"])
        messages = [*record["request"]["messages"], record["response"]["choices"][0]["message"]]
    else:
        span = record["attributes"]
        names = (span["gen_ai.conversation.id"], None, span["locale"], span["tenant"])
        messages = [*_parts(span["gen_ai.input.messages"]), *_parts(span["gen_ai.output.messages"])]
    return Told(
        row=row,
        conversation_id=names[0],
        turn=names[1],
        locale=names[2],
        tenant=names[3],
        messages=tuple((message["role"], message["content"]) for message in messages),
    )


def _parts(text: str) -> list[dict[str, str]]:
    return [{"role": m["role"], "content": m["parts"][0]["content"]} for m in json.loads(text)]


def _model(row: SampleRow) -> str:
    record = row.record
    model: dict[str, Any] = {
        "native": lambda: record["model"]["version"],
        "openai": lambda: record["response"]["model"],
        "otel": lambda: record["attributes"]["gen_ai.response.model"],
    }
    return str(model[row.format]())


def _time(row: SampleRow) -> float:
    """Whole seconds: the OpenAI log keeps no more."""
    if row.format == "native":
        return datetime.fromisoformat(row.record["occurred_at"]).timestamp() // 1
    if row.format == "openai":
        return float(row.record["response"]["created"])
    return float(int(row.record["start_time_unix_nano"]) // 10**9)


def _pattern(ask: str) -> str:
    """The longest stretch of a question without a slot, less the first letter and the full stop."""
    stretches: Sequence[str] = re.split(r"\{\w+\}", ask.removesuffix("."))
    return re.escape(max(stretches, key=len)[1:].casefold())


def _personal(text: str) -> Iterator[str]:
    for pattern in PERSONAL:
        yield from (value.rstrip(".") for value in pattern.findall(text))
    yield from (number for number in ELEVEN.findall(text) if _tckn_valid(number))


def _tckn_valid(number: str) -> bool:
    d = [int(digit) for digit in number]
    tenth = ((d[0] + d[2] + d[4] + d[6] + d[8]) * 7 - (d[1] + d[3] + d[5] + d[7])) % 10
    return d[0] != 0 and d[9] == tenth and d[10] == sum(d[:10]) % 10


def _luhn_valid(number: str) -> bool:
    doubled = [sum(divmod(2 * int(digit), 10)) for digit in number[-2::-2]]
    return (sum(int(digit) for digit in number[::-2]) + sum(doubled)) % 10 == 0


def _iban_valid(value: str) -> bool:
    moved = value[4:] + value[:4]
    return int("".join(str(int(sign, 36)) for sign in moved)) % 97 == 1
