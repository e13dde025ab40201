"""Files of labels: two formats, what people's programs make of them, and what hostile or broken ones are told."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.errors import InputError
from monitor.report.labels_file import MAX_BYTES, MAX_LINE, MAX_NOTE, Entry, LabelFile, read_labels

GOOD = {"id": "i-1", "dimension": "refusal", "label": "full", "reviewer": "ayşe"}


def jsonl(folder: Path, *rows: Any) -> LabelFile:
    path = folder / "labels.jsonl"
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows), "utf-8")
    return read_labels(path)


def csv(folder: Path, content: str | bytes) -> LabelFile:
    path = folder / "labels.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_labels(path)


def only(file: LabelFile) -> Entry:
    assert file.flaws == ()
    (line,) = file.lines
    return line.entry


def flaws(file: LabelFile) -> list[tuple[int, str]]:
    return [(one.line, one.what) for one in file.flaws]


def test_both_formats_give_the_same(tmp_path: Path) -> None:
    full = {**GOOD, "window": "2026-11-23T10:00:00Z", "time": "2026-11-24T09:30:00+03:00", "note": "emin değilim"}
    header, row = ",".join(full), ",".join(full.values())
    assert only(jsonl(tmp_path, full)) == only(csv(tmp_path, f"{header}\n{row}\n"))
    entry = only(jsonl(tmp_path, full))
    assert entry.window == datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert entry.time == datetime(2026, 11, 24, 6, 30, tzinfo=UTC)
    assert only(jsonl(tmp_path, GOOD)).time is None


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_program_may_write_its_own_delimiter_a_byte_order_mark_and_crlf(tmp_path: Path, delimiter: str) -> None:
    rows = [("ID", "Dimension", "label", "reviewer", "note"), ("i-1", "refusal", " full ", "ayşe", '"a;b,c\td""e"')]
    text = "\r\n".join(delimiter.join(row) for row in rows) + "\r\n\r\n"
    entry = only(csv(tmp_path, b"\xef\xbb\xbf" + text.encode()))
    assert (entry.label, entry.reviewer, entry.note) == ("full", "ayşe", 'a;b,c\td"e')


def test_one_name_typed_in_two_ways_is_one_reviewer(tmp_path: Path) -> None:
    file = jsonl(tmp_path, {**GOOD, "reviewer": "Ays\u0327e"}, {**GOOD, "reviewer": "Ay\u015fe"})
    assert len({one.entry.reviewer for one in file.lines}) == 1


def test_a_flaw_names_its_line_in_the_file_whatever_stands_before_it(tmp_path: Path) -> None:
    text = 'id,dimension,label,reviewer,note\n\ni-1,refusal,full,a,"two\nlines"\ni-2,refusal,,a,\n\ni-3,refusal,full\n'
    file = csv(tmp_path, text)
    assert [one.number for one in file.lines] == [3]
    assert flaws(file) == [
        (5, "label is empty"),
        (7, "has 3 fields where the header names 5; quote a field with ',' in it"),
    ]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"reviewer": ""}, "reviewer is empty"),
        ({"reviewer": " \t"}, "reviewer is empty"),
        ({"id": None}, "id is no text"),
        ({"id": 17}, "id is no text"),
        ({"label": ["full"]}, "label is no text"),
        ({"label": True}, "label is no text"),
        ({"id": "x" * 300}, "id is longer than 256 characters"),
        ({"reviewer": "r" * 101}, "reviewer is longer than 100 characters"),
        ({"note": "n" * (MAX_NOTE + 1)}, f"note is longer than {MAX_NOTE} characters"),
        ({"id": "i\u202e1"}, "id holds a control or invisible character, U+202E at position 2"),
        ({"reviewer": "a\x1b[2J"}, "reviewer holds a control or invisible character, U+001B"),
        ({"reviewer": "a\u200bb"}, "U+200B"),
        ({"label": "fu\x00ll"}, "label holds a control or invisible character, U+0000"),
        ({"note": "a\ud800"}, "note holds half a character"),
        ({"time": "yesterday"}, "time is no time with its zone"),
        ({"time": "2026-11-23T10:00:00"}, "time is no time with its zone"),
        ({"time": 1_700_000_000}, "time is no time with its zone"),
        ({"time": "0001-01-01T00:00:00+14:00"}, "time is no time with its zone"),
        ({"time": "1970-01-01T00:00:00Z"}, "time lies before 2000"),
        ({"window": "2026-11-23T10:30:00Z"}, "window is no full hour"),
        ({"lable": "full"}, "'lable' is none of ours; possible: id, dimension, label, reviewer, window, time, note"),
        ({"\x1b]0;own": 1}, "'\N{REPLACEMENT CHARACTER}]0;own' is none of ours"),
    ],
)
def test_what_is_wrong_with_a_value_is_told_with_its_column(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    file = jsonl(tmp_path, GOOD, {**GOOD, **change}, GOOD)
    ((line, what),) = flaws(file)
    assert line == 2
    assert what.startswith(told) or told in what
    assert len(file.lines) == 2


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("not JSON", "is no JSON"),
        ("[" * 30_000, "is no JSON"),
        ('{"id": 1' + "0" * 5_000 + "}", "is no JSON"),
        ('["i-1", "refusal"]', "is no JSON object"),
        ("null", "is no JSON object"),
        ('{"id": "i-1", "id": "i-2"}', "'id' stands in it twice"),
        ('{"id": "i-1", "dimension": "d", "reviewer": "a"}', "label is missing"),
    ],
)
def test_a_line_that_is_no_label_is_a_flaw_and_its_neighbours_are_read(tmp_path: Path, line: str, told: str) -> None:
    file = jsonl(tmp_path, GOOD, line, GOOD)
    assert len(file.lines) == 2
    ((number, what),) = flaws(file)
    assert number == 2
    assert what.startswith(told)


def test_line_separators_inside_a_text_do_not_shift_the_lines(tmp_path: Path) -> None:
    """A line ends at a newline; U+2028 and a form feed are characters that a value may not hold."""
    path = tmp_path / "labels.jsonl"
    path.write_text(f'{{"id": "a\u2028b"}}\n\x0c\n{json.dumps(GOOD)}\n', "utf-8")
    file = read_labels(path)
    assert [one.number for one in file.lines] == [3]
    assert {one.line for one in file.flaws} == {1}


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("labels.csv", b"", "is empty"),
        ("labels.csv", b"id,dimension,label,reviewer\n", "holds no label"),
        ("labels.jsonl", b"\n \n", "holds no label"),
        ("labels.csv", b"id,dimension,label\ni,d,l\n", "line 1: the columns are wrong: reviewer is missing"),
        ("labels.csv", b"id,dimension,label,reviewer,colour,id\n", "'colour' is none of ours, id stands twice"),
        ("labels.csv", b'"id,dimension\n', "line 1: is no CSV header"),
        ("labels.csv", "id,dimension,label,reviewer\ni,d,l,Gökçe\n".encode("cp1254"), "line 2: is not UTF-8"),
        ("labels.csv", "id,dimension,label,reviewer\n".encode("utf-16"), "line 1: is not UTF-8"),
        ("labels.jsonl", b"\xff\xfe\n", "CSV UTF-8"),
        ("labels.jsonl", b"{}\n" + b"x" * (MAX_LINE + 1), "line 2: is longer than 64 KiB"),
        ("labels.jsonl", b"{}\n" * (MAX_BYTES // 3 + 1), "is larger than 16 MiB"),
        ("labels.xlsx", b"PK", "ends in .jsonl or .csv"),
        ("labels", b"", "ends in .jsonl or .csv"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_as_a_whole(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError) as refused:
        read_labels(path)
    assert told in str(refused.value)
    assert str(path) in str(refused.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    for name in ("gone.csv", "folder.csv"):
        with pytest.raises(InputError, match="no such file"):
            read_labels(tmp_path / name)


def test_an_open_quotation_mark_is_told_where_it_opens(tmp_path: Path) -> None:
    file = csv(tmp_path, 'id,dimension,label,reviewer\ni-1,d,l,a\n"i-2,d,l,a\ni-3,d,l,a\n')
    assert [one.number for one in file.lines] == [2]
    ((line, what),) = flaws(file)
    assert line == 3
    assert "quotation mark" in what


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.one_of(
        st.binary(max_size=200),
        st.text(alphabet='id,;"\n\r\t{}[]:ş\x00\u2028\\', max_size=80).map(
            lambda text: ("id,dimension,label,reviewer\n" + text).encode("utf-8", "surrogatepass")
        ),
    ),
    ending=st.sampled_from([".jsonl", ".csv"]),
)
def test_any_bytes_give_lines_and_flaws_or_one_error(tmp_path: Path, content: bytes, ending: str) -> None:
    path = tmp_path / f"any{ending}"
    path.write_bytes(content)
    try:
        file = read_labels(path)
    except InputError:
        return
    told = " ".join(one.what for one in file.flaws)
    assert told.isprintable()
    assert all(one.entry.id.isprintable() for one in file.lines)
