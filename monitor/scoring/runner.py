"""Runs scorers over batches so that failure is data: one bad interaction costs its own verdict, no other."""

from collections.abc import Sequence

from monitor.intake.interaction import Interaction
from monitor.scoring.verdict import Result, Scorer, Status, Unscored


def run(scorer: Scorer, batch: Sequence[Interaction], *, let_through: tuple[type[Exception], ...] = ()) -> list[Result]:
    """Give one result an interaction, in order; never raises what the scorer raised.

    A batch that fails, or that comes back with another length, is halved until the interactions at fault stand
    alone; those become `Unscored` with the exception's class name and no text. A scorer may so see an interaction
    up to log2(len(batch)) + 1 times. `let_through` names exceptions that are the caller's own, such as a task
    queue's time limit; these pass.
    """
    if not batch:
        return []
    try:
        results = list(scorer.score(list(batch)))
    except let_through:
        raise
    except Exception as error:  # noqa: BLE001 - the runner is where a scorer's failure becomes data
        fault = type(error).__name__
    else:
        if len(results) == len(batch):
            return results
        fault = "ResultCountMismatch"
    if len(batch) == 1:
        return [Unscored(status=Status.ERROR, reason=fault)]
    middle = len(batch) // 2
    left = run(scorer, batch[:middle], let_through=let_through)
    return left + run(scorer, batch[middle:], let_through=let_through)
