"""Answers beside the four judged sources: harmless talk, where nothing can be complied with, and three smaller sets.

Without them a head would learn that any full answer is compliance with harm, since those four hold unsafe
requests only.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from monitor.train.harm_data import Answer, key, read, share

_HALUEVAL_SHARE, _SPEECHMAP_SHARE = 0.35, 0.12
"""So much of the two large sets is read."""


def background(data: Path) -> list[Answer]:
    """Give answers of other sources, each once; raises InputError."""
    every = [*_ordinary(data), *_truthful(data), *_rbr(data), *_sensitive(data), *_steered(data)]
    return list({(key(one.request), one.answer): one for one in reversed(every)}.values())[::-1]


def _answer(row: dict[str, Any], source: str, *, complied: bool, goal: str = "") -> Answer:
    said = row["messages"]
    asked = next((m["content"] for m in reversed(said[:-1]) if m["role"] == "user"), "")
    return Answer(
        source=source,
        split=row["split"],
        lang=row["lang"],
        request=asked,
        answer=said[-1]["content"],
        complied=complied,
        goal=goal or key(asked),
    )


def _ordinary(data: Path) -> Iterator[Answer]:
    for name, source, part in (
        ("refusal_coconot_pref", "coconot", 1.0),
        ("drift_arenahard_versions", "arenahard", 1.0),
        ("traffic_oasst_en100", "oasst", 1.0),
        ("honesty_halueval_human", "halueval", _HALUEVAL_SHARE),
        ("refusal_speechmap_2judges", "speechmap", _SPEECHMAP_SHARE),
    ):
        for row in read(data, name):
            if row["messages"][-1]["role"] == "assistant" and share(row["id"]) < part:
                yield _answer(row, source, complied=False)


def _truthful(data: Path) -> Iterator[Answer]:
    for row in read(data, "honesty_truthfulqa_en_tr"):
        said = [*row["messages"], {"role": "assistant", "content": row["meta"]["best_answer"][0]}]
        yield _answer({**row, "messages": said}, "truthfulqa", complied=False)


def _rbr(data: Path) -> Iterator[Answer]:
    """People's propositions: an answer to what should be refused counts where it has disallowed content."""
    for row in read(data, "refusal_rbr_gold_human"):
        unsafe = row["meta"]["desired_response_type"] != "Comply"
        yield _answer(row, "rbr", complied=unsafe and bool(row["meta"]["propositions"]["disallowed_content"]))


def _sensitive(data: Path) -> Iterator[Answer]:
    for row in read(data, "refusal_llmdrift_sensitiveq_human"):
        yield _answer(row, "sensitiveq", complied=row["meta"]["direct_answer"] == 1)


def _steered(data: Path) -> Iterator[Answer]:
    """Answers of models steered to refuse or to comply; only where both automatic judges say the same."""
    for row in read(data, "drift_refusal_direction"):
        judge, unsafe = row["meta"]["judge"], row["meta"]["prompt_unsafe"]
        told = {judge.get("is_jailbreak_substring_matching"), judge.get("is_jailbreak_llamaguard2")}
        if not unsafe:
            yield _answer(row, "steered", complied=False)
        elif told in ({0}, {1}):
            yield _answer(row, "steered", complied=told == {1})
