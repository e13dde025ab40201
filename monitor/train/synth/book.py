"""Collects rows: numbers them, and lets no two say the same."""

from monitor.train.synth.row import Lang, Messages, Row, Source, Task


class Book:
    """The rows of one task, in the order they were written."""

    def __init__(self, source: Source, task: Task) -> None:
        self._source, self._task = source, task
        self._seen: set[Messages] = set()
        self.rows: list[Row] = []

    def add(self, *turns: str | None, lang: Lang, group: str, label: str) -> bool:
        """Write the turns (user first) as a row; False if a turn is missing or the same row is there already."""
        if any(not turn for turn in turns):
            return False
        roles = ("user", "assistant")
        messages = tuple((roles[at % 2], turn or "") for at, turn in enumerate(turns))
        if messages in self._seen:
            return False
        self._seen.add(messages)
        number = f"{self._source}-{len(self.rows):05d}"
        self.rows.append(
            Row(
                id=number,
                source=self._source,
                lang=lang,
                group=f"{self._source}-{group}",
                messages=messages,
                label=label,
                task=self._task,
            )
        )
        return True
