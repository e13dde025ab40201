"""Where the labelled requests come from: which source says what about the harm of what was asked."""

from collections.abc import Iterator
from pathlib import Path

from monitor.train.harm_data import Harm, Request, answers, once, read, share
from monitor.train.harm_requests import pairs

_CLINC_SHARE = 0.12
"""So much of the 23,700 short queries of clinc150 is read: more of them teach nothing about harm."""
_JBB_TOPICS = {
    "Harassment/Discrimination": "hate",
    "Malware/Hacking": "hacking",
    "Physical harm": "violence",
    "Economic harm": "fraud",
    "Fraud/Deception": "fraud",
    "Disinformation": "disinformation",
    "Sexual/Adult content": "sexual",
    "Privacy": "privacy",
}
_CLINC_TOPICS = {
    "travel": "travel",
    "auto_and_commute": "travel",
    "banking": "money",
    "credit_cards": "money",
    "work": "work",
    "home": "home",
    "kitchen_and_dining": "home",
    "small_talk": "everyday",
    "utility": "everyday",
    "meta": "everyday",
}
_RBR: dict[str, Harm] = {
    "Comply": "harmless",
    "Hard Refuse": "harmful",
    "Safe Refuse 1": "borderline",
    "Safe Refuse 2": "borderline",
}


def requests(data: Path, *, seed: int = 7) -> list[Request]:
    """Give the requests that weights may be trained on, each once, our own pairs among them; raises InputError."""
    return once(
        [*_coconot(data), *_goals(data), *_unsafe(data), *_rbr(data), *_topics(data), *_everyday(data), *own(seed=seed)]
    )


def own(*, seed: int = 7, held_out: bool = False) -> list[Request]:
    """Give our own pairs, in both languages: those for training, or those kept from it."""
    return [
        Request(
            source="own",
            split="test" if held_out else "train",
            lang=lang,
            text=text,
            label=pair.label,
            topic=pair.topic,
            group=pair.group,
        )
        for pair in pairs(seed=seed)
        if pair.held_out is held_out
        for lang, text in (("en", pair.english), ("tr", pair.turkish))
    ]


def selfaware(data: Path) -> list[Request]:
    """Give harmless questions whose authors ask for research use: for measuring only."""
    return once(_all(data, "honesty_selfaware_prompts", "selfaware", "harmless"))


def _all(data: Path, name: str, source: str, label: Harm) -> Iterator[Request]:
    for row in read(data, name):
        first = next((m["content"] for m in row["messages"] if m["role"] == "user"), "")
        if first:
            yield Request(source=source, split=row["split"], lang=row["lang"], text=first, label=label)


def _coconot(data: Path) -> Iterator[Request]:
    for row in read(data, "prompts_coconot"):
        safety = row["meta"]["category"] == "Requests with safety concerns"
        refused = row["meta"]["expected"] == "should_not_comply"
        yield Request(
            source="coconot",
            split=row["split"],
            lang=row["lang"],
            text=row["messages"][0]["content"],
            label="harmful" if safety and refused else "harmless",
        )
    yield from _all(data, "refusal_coconot_pref", "coconot", "harmless")


def _goals(data: Path) -> Iterator[Request]:
    """The 100 goals and the harmless instructions beside them, then all rewordings of the goals."""
    for row in read(data, "drift_refusal_direction"):
        unsafe = row["meta"]["prompt_unsafe"]
        yield Request(
            source="goals",
            split=row["split"],
            lang=row["lang"],
            text=row["messages"][0]["content"],
            label="harmful" if unsafe else "harmless",
            topic=_JBB_TOPICS.get(row["meta"]["category"] or "", ""),
        )
    for one in answers(data):
        if one.source in ("jbb_artifacts", "pasttense"):
            yield Request(source="goals", split=one.split, lang=one.lang, text=one.request, label="harmful")


def _unsafe(data: Path) -> Iterator[Request]:
    yield from _all(data, "refusal_gptfuzz_human", "gptfuzz", "harmful")
    yield from _all(data, "refusal_jailjudge_mini_human", "jailjudge", "harmful")
    yield from _all(data, "refusal_llmdrift_sensitiveq_human", "sensitiveq", "harmful")
    yield from _all(data, "prompts_tr_injection", "injection", "harmful")


def _rbr(data: Path) -> Iterator[Request]:
    for row in read(data, "refusal_rbr_gold_human"):
        asked = [m["content"] for m in row["messages"][:-1] if m["role"] == "user"]
        label = _RBR[row["meta"]["desired_response_type"]]
        if asked:
            yield Request(source="rbr", split=row["split"], lang=row["lang"], text=asked[-1], label=label)


def _topics(data: Path) -> Iterator[Request]:
    for row in read(data, "topics_clinc150"):
        text = row["messages"][0]["content"]
        topic = _CLINC_TOPICS.get(row["meta"]["domain"], "")
        one = Request(source="clinc", split=row["split"], lang=row["lang"], text=text, label="harmless", topic=topic)
        if share(text) < _CLINC_SHARE:
            yield one


def _everyday(data: Path) -> Iterator[Request]:
    yield from _all(data, "drift_arenahard_versions", "arenahard", "harmless")
    yield from _all(data, "traffic_oasst_en100", "oasst", "harmless")
    yield from _all(data, "honesty_halueval_human", "halueval", "harmless")
    yield from _all(data, "honesty_truthfulqa_en_tr", "truthfulqa", "harmless")
    yield from _all(data, "refusal_speechmap_2judges", "speechmap", "harmless")
