"""Phase 2 in ClickHouse: which samples a judge is to see, which of them are due, what it answered before."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from monitor.intake.sampling import TWO_64
from monitor.scoring.judge.call import Reply, Usage
from monitor.store.client import Store
from monitor.store.due import DueSample
from monitor.store.rows import JudgeCallRow, SelectionRow, to_columns


def consider(
    store: Store, judge: str, *, probability: float, hash64: Callable[[bytes], int], oldest: timedelta, limit: int
) -> int:
    """Decide for samples of the last `oldest` whether the judge is to see them, and give how many were decided.

    The decision is a pure function of key, sample and probability; a sample that is decided stays so. All judges ask
    the same hash of a sample, so that what a rarer judge sees, a more frequent one sees too.

    Raises:
        StoreUnavailable: nothing is decided, or it cannot be told; deciding again gives the same.
    """
    found = store.query("unconsidered", judge=judge, oldest_s=int(oldest.total_seconds()), limit=limit)
    rows = [decision(judge, row["window"], row["sample_id"], probability, hash64) for row in found]
    store.insert("selections", to_columns(rows))
    return len(rows)


def decision(
    judge: str, window: int, sample_id: UUID, probability: float, hash64: Callable[[bytes], int]
) -> SelectionRow:
    """Decide about one sample."""
    number = hash64(b"judge:" + sample_id.bytes)
    return SelectionRow(
        window=window,
        sample_id=sample_id,
        judge=judge,
        probability=probability,
        hash=number,
        selected=int(number < probability * TWO_64),
    )


def find_judge_due(
    store: Store, judge: str, scorers: Sequence[str], *, oldest: timedelta, limit: int
) -> list[DueSample]:
    """Give samples that the judge is to see and has not judged by all of `scorers` (ids), in the order of `judge_due`.

    Raises:
        StoreUnavailable: ClickHouse does not answer.
    """
    rows = store.query(
        "judge_due",
        judge=judge,
        scorers=list(scorers),
        oldest_s=int(oldest.total_seconds()),
        limit=limit,
    )
    return [DueSample(window=row["window"], sample_id=row["sample_id"]) for row in rows]


def selected(store: Store, judge: str, *, window: int, ids: Iterable[UUID]) -> set[UUID]:
    """Give those of the samples that the judge is to see; raises StoreUnavailable."""
    rows = store.query("judge_selected", judge=judge, window=window, ids=list(ids))
    return {row["sample_id"] for row in rows}


def answers(store: Store, endpoint: str, questions: Iterable[str]) -> Mapping[str, Reply]:
    """Give the endpoint's first answer to each question that it was asked before; raises StoreUnavailable."""
    rows = store.query("judge_answers", endpoint=endpoint, questions=list(questions))
    return {
        _text(row["question"]): Reply(
            text=row["reply"],
            stop=row["stop"],
            usage=Usage(input=row["input_tokens"], output=row["output_tokens"], cached=row["cached_tokens"]),
            model=row["model"],
            logprobs=tuple((token, chance) for token, chance in row["logprobs"]),
        )
        for row in rows
    }


def keep_calls(store: Store, calls: Sequence[JudgeCallRow]) -> None:
    """Write down what was answered and paid; raises StoreUnavailable or StoreRejected."""
    store.insert("judge_calls", to_columns(calls))


def _text(value: str | bytes) -> str:
    # The driver gives fixed strings as bytes.
    return value.decode() if isinstance(value, bytes) else value
