"""All queries that the fake can answer: those of ingest, of scoring and of the judges' budget."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from inspect import signature
from typing import Any

from monitor.store.fake import budgets, delivery, scoring
from monitor.store.fake.database import FakeDatabase
from monitor.store.fake.tables import Row

_QUERIES = {**delivery.QUERIES, **scoring.QUERIES, **budgets.QUERIES}
_PARAMETERS = {name: tuple(signature(query).parameters)[1:] for name, query in _QUERIES.items()}


def answer(database: FakeDatabase, name: str, parameters: Mapping[str, Any]) -> list[Row]:
    """Give what the block `name` gives for these parameters; those it does not ask for are not looked at.

    Raises:
        NotImplementedError: the fake does not know the query.
    """
    if name not in _QUERIES:
        raise NotImplementedError(f"the fake ClickHouse does not know the query {name!r}: add it to {__package__}")
    return _QUERIES[name](database, **{one: parameters[one] for one in _PARAMETERS[name]})


def known() -> AbstractSet[str]:
    """Give the names of the queries that the fake can answer."""
    return _QUERIES.keys()
