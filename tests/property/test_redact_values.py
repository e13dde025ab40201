"""redact on random text: a real value never survives, a second pass finds nothing, nothing raises."""

from datetime import UTC, datetime

from hypothesis import assume, given
from hypothesis import strategies as st

from monitor.intake.checksums import IBAN_PARTS, is_card, is_iban, is_tckn, luhn
from monitor.intake.interaction import Interaction, Message
from monitor.intake.redact import redact, redact_id, redact_text

CLASSES = {"n": "0123456789", "a": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "c": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
FULL_WIDTH = {ord("0") + digit: 0xFF10 + digit for digit in range(10)}
ARABIC_INDIC = {ord("0") + digit: 0x0660 + digit for digit in range(10)}

tckns = st.integers(100_000_000, 999_999_999).map(lambda head: _tckn(str(head)))


def _tckn(head: str) -> str:
    digits = [int(c) for c in head]
    tenth = (sum(digits[0::2]) * 7 - sum(digits[1::2])) % 10
    return f"{head}{tenth}{(sum(digits) + tenth) % 10}"


@st.composite
def cards(draw: st.DrawFn) -> str:
    prefix, length = draw(
        st.sampled_from([("4", 16), ("51", 16), ("2221", 16), ("9792", 16), ("6011", 16), ("34", 15), ("36", 14)])
    )
    body = prefix + draw(st.text("0123456789", min_size=length - len(prefix) - 1, max_size=length - len(prefix) - 1))
    return next(body + check for check in "0123456789" if luhn(body + check))


@st.composite
def ibans(draw: st.DrawFn) -> str:
    country = draw(st.sampled_from(["TR", "DE"]) | st.sampled_from(sorted(IBAN_PARTS)))
    bban = "".join(draw(st.text(CLASSES[kind], min_size=size, max_size=size)) for size, kind in IBAN_PARTS[country])
    check = 98 - int("".join(str(int(c, 36)) for c in bban + country + "00")) % 97
    return f"{country}{check:02d}{bban}"


@st.composite
def grouped(draw: st.DrawFn, values: st.SearchStrategy[str], *layouts: tuple[int, ...]) -> tuple[str, str]:
    """A value, and one way in which people write it."""
    value = draw(values)
    separator = draw(st.sampled_from([" ", "-", "."]))
    layout = draw(st.sampled_from([None, *layouts]))
    written, rest = [], value
    for size in layout or ():
        written.append(rest[:size])
        rest = rest[size:]
    groups = [*written, rest] if rest else written
    # Four numbers up to 255 with dots between them are an IPv4 address first.
    assume(separator != "." or len(groups) != 4 or any(len(group) > 3 or int(group) > 255 for group in groups))
    return value, separator.join(groups)


phones = (
    st.integers(0, 999_999_999)
    .map(lambda tail: f"5{tail:09d}")
    .flatmap(
        lambda n: st.sampled_from(
            [
                f"+90{n}",
                f"+90 ({n[:3]}) {n[3:6]} {n[6:8]} {n[8:]}",
                f"0{n}",
                f"0{n[:3]} {n[3:6]} {n[6:]}",
                f"0 {n[:3]}-{n[3:6]}-{n[6:8]}-{n[8:]}",
                f"0090 {n[:3]} {n[3:6]} {n[6:8]} {n[8:]}",
                f"90{n}",
            ]
        ).map(lambda written: (n, written))
    )
)
emails = st.from_regex(
    r"[a-z][a-z0-9_]{0,8}(\.[a-z0-9]{1,6})?@[a-z][a-z0-9]{0,8}(\.[a-z]{2,3}){1,2}", fullmatch=True
).map(lambda mail: (mail, mail))
planted = st.one_of(
    grouped(tckns, (3, 3, 3, 2), (3, 3, 5), (2, 3, 3, 3), (5, 6)).map(lambda pair: ("TCKN", *pair)),
    grouped(cards(), (4, 4, 4, 4)).map(lambda pair: ("CARD", *pair)),
    grouped(ibans(), (4,) * 9).map(lambda pair: ("IBAN", *pair)),
    phones.map(lambda pair: ("PHONE", *pair)),
    emails.map(lambda pair: ("EMAIL", *pair)),
)
# Text that ends and begins so that a person would still see the value as one on its own.
words = st.text(max_size=20).map(lambda text: text.replace("@", ""))
before = words.map(lambda text: text + "\n: ") | st.sampled_from(["", "No: ", "(", "7 ", "12, ", "TC ", "'"])
after = words.map(lambda text: " \n" + text) | st.sampled_from(["", ".", "'e", "'ya", ")", ", 3 adet", " ve", " 5"])
scripts = st.sampled_from([None, FULL_WIDTH, ARABIC_INDIC])


def plain(text: str) -> str:
    """Only what carries the value: letters and digits."""
    return "".join(char for char in text if char.isalnum() or char == "@").lower()


@given(before, planted, after, scripts)
def test_a_planted_value_never_survives(
    left: str, what: tuple[str, str, str], right: str, script: dict[int, str] | None
) -> None:
    kind, value, written = what
    text = left + (written.translate(script) if script else written) + right
    masked, counts = redact_text(text)
    assert counts, (kind, text)
    assert written not in masked
    assert plain(value) not in plain(masked.translate({wide: narrow for narrow, wide in FULL_WIDTH.items()}))


@given(
    st.lists(
        st.one_of(words, planted.map(lambda what: what[2]), st.sampled_from(["[EMAIL_1]", " ", "+", "-", "5", "@"]))
    )
)
def test_a_second_pass_finds_nothing(pieces: list[str]) -> None:
    masked, _ = redact_text("".join(pieces))
    again, counts = redact_text(masked)
    assert counts == {}
    assert plain(again) == plain(masked)


@given(st.text(st.characters(), max_size=60) | st.text("0123456789 +-.()/@aA[]_TRE%\\u", max_size=120))
def test_any_text_is_taken_and_idempotent(text: str) -> None:
    masked, _ = redact_text(text)
    assert redact_text(masked)[1] == {}


@given(planted, st.text(max_size=20), st.text(max_size=20))
def test_an_interaction_is_masked_everywhere_with_one_number(what: tuple[str, str, str], left: str, right: str) -> None:
    written = what[2]
    found = redact(
        Interaction(
            interaction_id="i",
            conversation_id="c",
            turn=0,
            occurred_at=datetime(2026, 11, 20, tzinfo=UTC),
            messages=(
                Message(role="user", content=f"{left}\n{written}\n{right}"),
                Message(role="assistant", content=f"Evet: {written}"),
            ),
            attributes={"note": written},
        )
    )
    assert written not in found.interaction.model_dump_json()
    assert found.interaction.attributes["note"] == found.interaction.answer.removeprefix("Evet: ")
    assert redact(found.interaction).masked == {}


@given(st.text(min_size=1, max_size=40) | planted.map(lambda what: what[2]))
def test_an_id_is_replaced_once(raw: str) -> None:
    assert redact_id(redact_id(raw)) == redact_id(raw)


@given(tckns, cards(), ibans())
def test_what_the_tests_generate_is_valid(tckn: str, card: str, iban: str) -> None:
    assert is_tckn(tckn)
    assert is_card(card)
    assert is_iban(iban)
