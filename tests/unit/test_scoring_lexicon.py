"""Folding, the stream of words, and the small pattern language of the phrase lists."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.errors import ConfigError
from monitor.scoring.lexicon import Phrases, compile_phrase, load, parse
from monitor.scoring.text import HEAD, QUOTED, TAIL, fold, head_of, sentences, stream, window, words_in

NAMES = ("refusal", "unsafe_request", "flattery", "caving_in", "forbidden_topic")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ÜZGÜNÜM", "üzgünüm"),
        ("YARDIMCI", "yardımcı"),
        ("İSTANBUL", "istanbul"),
        ("ISPARTA", "ısparta"),
        ("uzgunum", "üzgünüm"),
        ("can’t", "can't"),
        ("can\u200bnot", "cannot"),
        ("can\x00not", "cannot"),
        ("ﬁne", "fine"),
        ("\uff33orry", "sorry"),
    ],
)
def test_what_people_read_as_the_same_folds_to_the_same(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_a_stream_has_words_sentence_ends_and_no_apostrophes() -> None:
    words = stream("I **can't**, sorry! It's 3.5 kg.\n\n- one\n- two").split()
    expected = "\x02 i cant sorry ! its 3.5 kg . \x03 one \x03 two"
    assert words == expected.split(" ")


@pytest.mark.parametrize("quoted", ['"no way"', "“no way”", "«no way»", "`no way`", "```\nno way\n```", "\n> no way\n"])
def test_quotations_are_set_aside_unless_kept(quoted: str) -> None:
    text = f"It said {quoted} then."
    assert "no way" not in stream(text)
    assert QUOTED in stream(text)
    assert "no way" in stream(text, keep_quotes=True)


def test_a_long_text_is_seen_by_its_ends() -> None:
    text = f"start {'x' * 50_000} end"
    assert len(window(text)) == HEAD + TAIL + 2
    assert window(text).startswith("start ")
    assert window(text).endswith(" end")


def test_sentences_and_the_head_leave_out_bare_marks() -> None:
    words = stream("One. ... Two! Three?")
    assert [words_in(s) for s in sentences(words)] == [1, 1, 1]
    assert "two" in head_of(words, 2)
    assert "three" not in head_of(words, 2)


@pytest.mark.parametrize(
    ("phrase", "yes", "no"),
    [
        ("help you", "I help you.", "Help. You go."),
        ("help ... you", "I help all of you.", "I help one two three four five you."),
        ("yardım~", "yardımcı ol", "kardım"),
        ("~emem", "veremem", "ememek"),
        ("(a|b c) d", "b c d", "b d"),
        ("very (much)? so", "very so", "very little so"),
        ("take # mg", "take 2.5 mg", "take some mg"),
        ("take # mg", "take 500mg", "take mg 500"),
        ("< go on", "Well. Go on", "we go on"),
        ("wow !", "Wow!", "Wow."),
        ("can't", "CAN’T", "can it"),
        ("(al|kes)~ şunu", "kesin şunu", "yak şunu"),
        ("say ~ now", "say it now", "say now"),
    ],
)
def test_the_pattern_language(phrase: str, yes: str, no: str) -> None:
    phrases = Phrases((compile_phrase(phrase),))
    assert phrases.in_(stream(yes))
    assert not phrases.in_(stream(no))


@pytest.mark.parametrize("phrase", ["(a|b", "a)", "...", "a [b]", "(word)? ..."])
def test_a_phrase_outside_the_language_is_a_config_error(phrase: str) -> None:
    with pytest.raises(ConfigError, match="phrase"):
        compile_phrase(phrase)


def test_a_file_error_names_file_and_line() -> None:
    with pytest.raises(ConfigError, match=r"x\.en\.txt:3: "):
        parse("[deny]\nfine\n(broken", "en", "x.en.txt")
    with pytest.raises(ConfigError, match=r"x\.en\.txt:1: a phrase stands before"):
        parse("fine", "en", "x.en.txt")
    with pytest.raises(ConfigError, match=r"nothing\.en\.txt is missing"):
        load("nothing")


def test_macros_stand_for_their_alternatives() -> None:
    sections = parse("# note\n@a = x|y\n@b = {a}|z\n[s]\n{b} end", "en", "f")
    phrases = Phrases(tuple(sections["s"]))
    assert [phrases.in_(stream(f"{w} end")) for w in "xyzw"] == [True, True, True, False]


@pytest.mark.parametrize("name", NAMES)
def test_every_list_speaks_both_languages_in_every_section(name: str) -> None:
    for section, phrases in load(name).sections.items():
        assert {p.language for p in phrases.phrases} == {"en", "tr"}, section


VOCABULARY = sorted(
    {w for n in NAMES for s in load(n).sections.values() for p in s.phrases for a in p.anchors for w in a.split()}
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([*VOCABULARY, ".", "!", "the", "7", "\n\n"]), max_size=30).map(" ".join))
def test_the_quick_look_never_loses_a_match(text: str) -> None:
    words = stream(text)
    for name in NAMES:
        for phrases in load(name).sections.values():
            slow = {p.source for p in phrases.phrases if p.regex.search(words)}
            assert {hit.phrase.source for hit in phrases.hits(words)} == slow


@pytest.mark.parametrize(
    ("phrase", "sentence"),
    [("(kapı|kasa)~ ... (aç~|gir~)", "kapısını hemen açarım "), ("(door|safe) ... (go~|up~)", "door then going ")],
)
def test_a_stem_of_two_letters_is_found(phrase: str, sentence: str) -> None:
    assert Phrases((compile_phrase(phrase),)).in_(stream(sentence))
