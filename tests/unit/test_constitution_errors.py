"""A constitution that is wrong: every mistake is named with its line, its place in words and what to do."""

import os
from pathlib import Path

import pytest

from monitor.errors import ConfigError
from monitor.scoring.constitution import load, parse

GOOD = """\
# A comment.
name: small
version: 1.10
principles:
  - id: greeting
    dimension: greets
    severity: info
    text: {en: Say hello., tr: Selam ver.}
    question: {en: "Does it say hello?", tr: "Selam veriyor mu?"}
    labels:
      - {name: no, value: 0, meaning: It does not.}
      - {name: hello, value: 1, meaning: It does.}
    examples:
      - {kind: positive, locale: en, request: Hi, answer: Hello!, label: hello, why: It does.}
      - {kind: negative, locale: tr, request: Selam, answer: Ne var., label: no, why: Selam vermiyor.}
    limit: 0.25
"""
SECOND = GOOD[GOOD.index("  - id: greeting") :]


def said(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text, name="mine.yaml")
    first, *lines = str(caught.value).splitlines()
    assert first.startswith("mine.yaml is no constitution that can be used")
    return [line.strip() for line in lines]


def test_the_text_that_the_mistakes_are_made_in_is_good() -> None:
    made = parse(GOOD)
    assert made.version == "1.10", "a number is not rounded where a text is meant"
    assert [one.name for one in made.principles[0].labels] == ["no", "hello"], "`no` is a word here"


MISTAKES = {
    "a number that is none": (("value: 1,", "value: high,"), 12, "label hello, value: must be a number from 0 to 1"),
    "a percentage": (("limit: 0.25", "limit: 25%"), 16, "limit: must be a number from 0 to 1, such as 0.5, not '25%'"),
    "a value out of range": (("value: 1,", "value: 1.5,"), 12, "label hello, value: must be from 0 to 1, not '1.5'"),
    "no number at all": (("limit: 0.25", "limit: nan"), 16, "limit: must be from 0 to 1"),
    "a list for a text": (("version: 1.10", "version: [1]"), 3, "version: must be text, not a list"),
    "a text for a list": (("    examples:\n", "    examples: none\n    x:\n"), 13, "examples: must be a list"),
    "a field that is not known": (("    limit:", "    limitt:"), 16, "limitt: is no field here; did you mean `limit`?"),
    "a field that is missing": (("    severity: info\n", ""), 5, "principle greeting, severity: is missing; add"),
    "a missing label meaning": (
        (", meaning: It does.", ""),
        12,
        "label hello, meaning: is missing; add `meaning: ...`",
    ),
    "a key twice": (
        ("    limit:", "    severity: info\n    limit:"),
        16,
        "`severity` stands twice in one block, first in",
    ),
    "a dimension twice": (("    limit: 0.25\n", SECOND.replace("id: g", "id: h")), 17, "has the dimension 'greets'"),
    "an id twice": (("    limit: 0.25\n", SECOND.replace("dimension: g", "dimension: h")), 16, "has the id 'greeting'"),
    "a label twice": (("name: no,", "name: hello,"), 12, "another label of this principle is named 'hello' too"),
    "an example with another label": (
        ("label: no,", "label: hullo,"),
        15,
        "'hullo' is none of its labels; write one of",
    ),
    "an example on the wrong side": (("label: no,", "label: hello,"), 15, "has the value 1, which is not negative"),
    "no positive example": (("kind: positive", "kind: borderline"), 13, "examples: none is positive; add one"),
    "labels of one side": (("value: 1,", "value: 0.5,"), 10, "labels: no label has a value above 0.5"),
    "a quote that is not closed": (("name: small", 'name: "small'), None, "cannot be read as YAML"),
    "a colon in a text": (("name: small", "name: small: one"), 2, "cannot be read as YAML"),
    "a question in braces": (("answer: Hello!,", "answer: Yes?,"), 14, "a text with `?` within `{ }` or `[ ]`, which"),
    "a tab": (("    limit:", "\tlimit:"), 16, "is indented with a tab; use spaces"),
    "another word": (("severity: info", "severity: bad"), 7, "must be 'info', 'warning' or 'critical', not bad"),
    "no English": (("text: {en: Say hello., ", "text: {"), 8, "text: has no English text"),
    "a language by its name": (("tr: Selam ver.", "turkish: Selam"), 8, "must be a language code such as"),
    "an empty text": (("name: small", "name: ''"), 2, "name: must not be empty"),
    "nothing": (("severity: info", "severity:"), 7, "severity: is empty; write it, or remove the line"),
    "an id with capitals": (("id: greeting", "id: Greeting"), 5, "id: must be lower-case letters"),
    "a limit and a reference": (
        ("    limit: 0.25", "    limit: 0.25\n    reference: {rise: 0.1}"),
        17,
        "reference: stands beside `limit`",
    ),
    "a condition that can never hold": (
        ("    limit: 0.25", "    applies_when: {phase1: [{dimension: d, above: 0.6, below: 0.5}]}"),
        16,
        "phase1 condition d, above: is not under `below`",
    ),
    "a default label that is none": (
        ("    limit: 0.25", "    applies_when: {otherwise: maybe}"),
        16,
        "applies_when, otherwise: is none of its labels; write one of no, hello",
    ),
    "shared parts that are not there": (("    limit: 0.25", "    reads: [tone]"), 16, "has no `tone`; add it"),
    "a conversation that ends with the user": (
        ("request: Hi, answer: Hello!", "messages: [{role: user, content: Hi}]"),
        14,
        "must be the assistant's, which is judged",
    ),
    "half an example": (("answer: Hello!, ", ""), 14, "example 1: needs `request` and `answer`, or `messages`"),
    "a tag": (("name: small", "name: !!python/object:os.system small"), 2, "tags are not read, remove it"),
    "a merge key": (("    limit: 0.25", "    <<: {limit: 0.25}"), 16, "is a merge key, which is not read here"),
    "a second document": (("    limit: 0.25", "    limit: 0.25\n---\nname: x"), 17, "a second document begins here"),
    "a control character": (("name: small", "name: sm\x07all"), 2, "holds a control character; remove it"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_its_line(mistake: str) -> None:
    (old, new), line, message = MISTAKES[mistake]
    assert GOOD.count(old) == 1
    lines = said(GOOD.replace(old, new))
    assert any(message in one and (line is None or one.startswith(f"line {line}: ")) for one in lines), lines


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines() -> None:
    text = GOOD
    for mistake in ("a dimension twice", "a percentage", "another word", "a list for a text", "a key twice", "a tag"):
        text = text.replace(*MISTAKES[mistake][0])
    lines = said(text)
    numbers = [int(one.split()[1].rstrip(":")) for one in lines]
    assert numbers == sorted(numbers)
    for part in ("the tag", "version: must be text", "severity: must be", "stands twice", "not '25%'", "'greets' too"):
        assert any(part in one for one in lines), (part, lines)
    assert not any("has 0 entries" in one for one in lines), "a list is not short for the entries that are wrong"


def test_a_flood_of_mistakes_is_cut() -> None:
    lines = said(GOOD + "".join(f"unknown_{n}: 1\n" for n in range(200)))
    assert len(lines) == 51
    assert lines[-1] == "and 150 more"


def _laughs(levels: int) -> str:
    lines = [f"a0: &a0 [{', '.join(['lol'] * 9)}]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("bomb", "message"),
    [
        (_laughs(12), "holds too much with its aliases written out"),
        ("name: &a [*a]", "stands inside what it repeats"),
        ("name: *nobody", "repeats what was never marked"),
        ("[" * 5_000, "nested deeper than 20 levels"),
        ("[" * 25 + "]" * 25, "nested deeper than 20 levels"),
        ("{a: " * 5_000, "nested deeper than 20 levels"),
        ("- " * 5_000, "nested deeper than 20 levels"),
        ("x: &x " + "y" * 400_000 + "\nz: [" + "*x, " * 20 + "]", "holds too much with its aliases written out"),
        ("? {a: b}\n: c", "stands where a field's name belongs"),
        ("", "the file is empty"),
        ("just words", "must be a block of `field: value` lines"),
    ],
    ids=["laughs", "itself", "unmarked", "lists", "deep", "blocks", "dashes", "long", "key", "empty", "words"],
)
def test_a_bomb_is_refused_with_its_line(bomb: str, message: str) -> None:
    lines = said(bomb)
    assert any(message in one for one in lines), lines
    assert all(one.startswith("line ") for one in lines)


def test_an_honest_alias_is_read() -> None:
    text = GOOD.replace("meaning: It does not.", "meaning: &m It does.").replace(
        ", meaning: It does.}", ", meaning: *m}"
    )
    assert [one.meaning.in_("en") for one in parse(text).principles[0].labels] == ["It does.", "It does."]


def test_a_file_that_cannot_be_read_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    with pytest.raises(ConfigError, match="there is no such file"):
        load(path)
    path.write_bytes(b"name: small\nversion: caf\xe9\n")
    with pytest.raises(ConfigError, match="line 2: is not UTF-8 text"):
        load(path)
    path.write_bytes(b"#" * (512 * 1024 + 1))
    with pytest.raises(ConfigError, match="larger than 512 KiB"):
        load(path)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ConfigError, match="there is no such file"):
        load(pipe)


def test_a_file_with_a_byte_order_mark_and_dos_lines_is_read(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load(path).sha256 == parse(GOOD).sha256
