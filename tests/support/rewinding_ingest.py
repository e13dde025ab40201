"""The real ingest worker, which is thrown back now and then as by a rebalance or an operator: `python -m ... SEED`."""

import random
import sys

from kafka import TopicPartition

from workers import ingest

BACK = 500


class RewindingIngest(ingest.Ingest):
    """Before some batches, seeks one partition back by up to `BACK` offsets."""

    dice = random.Random()

    def _gather(self) -> None:
        ours: list[TopicPartition] = sorted(self._consumer.assignment())
        if ours and self.dice.random() < 0.2:
            tp = self.dice.choice(ours)
            self._consumer.seek(tp, max(0, self._consumer.position(tp) - self.dice.randint(1, BACK)))
        super()._gather()


def main() -> int:
    """Run the worker."""
    RewindingIngest.dice.seed(int(sys.argv[1]))
    ingest.Ingest = RewindingIngest  # type: ignore[misc]
    return ingest.main()


if __name__ == "__main__":
    raise SystemExit(main())
