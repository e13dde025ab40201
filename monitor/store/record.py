"""Makes a batch durable: samples, dead letters, ledger, in this order; then its offsets may be committed (I1, I8)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from monitor.errors import StoreRejected, StoreUnavailable
from monitor.intake.batch import Batch, Cell, Dead, Sampled
from monitor.store.client import Store
from monitor.store.rows import dead_letter_row, sample_columns, to_columns

TOO_MANY_PARTITIONS = 252
ALL_REFUSED = 10
"""Where so many samples are refused and not one is taken, the fault is not theirs, and they must not become dead."""
Item = TypeVar("Item")


def record(store: Store, batch: Batch) -> Batch:
    """Write a batch and give what was really recorded; when this returns, everything in it is durable.

    A sample that ClickHouse refuses is found by bisecting and becomes a dead letter; its neighbours are kept (I7).

    Raises:
        StoreUnavailable: nothing may be committed; the same batch can be sent again.
        StoreRejected: a dead letter, a ledger row or every sample is refused; nothing may be committed.
    """
    refused: list[tuple[Sampled, StoreRejected]] = []
    _bisect(batch.sampled, lambda part: _insert_samples(store, part), lambda one, why: refused.append((one, why)))
    if len(refused) == len(batch.sampled) >= ALL_REFUSED:
        raise refused[0][1]
    if refused:
        batch = _without(batch, refused)
    _bisect(
        batch.dead,
        lambda part: store.insert("dead_letters", to_columns([dead_letter_row(d) for d in part])),
        _fail,
    )
    _bisect(batch.cells, lambda part: store.insert("offset_ledger_in", to_columns(part)), _fail)
    return batch


def _insert_samples(store: Store, part: Sequence[Sampled]) -> None:
    store.insert("samples", sample_columns(part))


def _bisect(
    items: Sequence[Item],
    insert: Callable[[Sequence[Item]], None],
    refuse: Callable[[Item, StoreRejected], Any],
) -> None:
    if not items:
        return
    try:
        insert(items)
    except StoreRejected as error:
        if len(items) > 1:
            half = len(items) // 2
            _bisect(items[:half], insert, refuse)
            _bisect(items[half:], insert, refuse)
        elif error.code == TOO_MANY_PARTITIONS:
            # One row cannot span partitions: this is the other meaning of 252, too many parts to merge.
            raise StoreUnavailable(str(error)) from error
        else:
            refuse(items[0], error)


def _fail(_item: object, error: StoreRejected) -> None:
    raise error


def _without(batch: Batch, refused: list[tuple[Sampled, StoreRejected]]) -> Batch:
    gone = {(one.position.partition, one.position.offset) for one, _ in refused}
    cells: list[Cell] = []
    for cell in batch.cells:
        if cell.outcome != "sampled":
            cells.append(cell)
            continue
        bad = [offset for offset in cell.offsets if (cell.partition, offset) in gone]
        good = [offset for offset in cell.offsets if (cell.partition, offset) not in gone]
        if good:
            cells.append(replace(cell, offsets=good))
        if bad:
            cells.append(replace(cell, offsets=bad, outcome="dead", stratum=""))
    dead = [
        Dead(
            position=one.position,
            record_ms=one.record_ms,
            window=one.window,
            reason="store_rejected",
            detail=str(error),
            evidence="",
            size=0,
            sha256="0" * 64,
        )
        for one, error in refused
    ]
    return replace(
        batch,
        sampled=[one for one in batch.sampled if (one.position.partition, one.position.offset) not in gone],
        dead=[*batch.dead, *dead],
        cells=cells,
    )
