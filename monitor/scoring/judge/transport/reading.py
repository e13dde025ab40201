"""Reads single values out of an answer that nobody vouches for: what is not of the right kind is not there."""

import math
from typing import Any

from monitor.scoring.judge.transport.wire import Json

MOST_TOKENS = 100_000_000


def part(value: object, key: str) -> Json:
    """Give an object inside an object; empty where there is none."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def items(value: object, key: str) -> list[Json]:
    """Give the objects of a list inside an object."""
    found = value.get(key) if isinstance(value, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def text(value: object, key: str, limit: int | None = None) -> str:
    """Give a string that can be stored: a lone surrogate in it becomes a question mark."""
    found = value.get(key) if isinstance(value, dict) else None
    return found[:limit].encode("utf-8", "replace").decode("utf-8") if isinstance(found, str) else ""


def count(value: object, key: str) -> int:
    """Give a whole number of tokens."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if type(found) is int and 0 <= found <= MOST_TOKENS else 0


def logarithm(value: Any) -> float | None:
    """Give the logarithm of a probability: finite and not above zero (rounding above it is taken off)."""
    if type(value) not in {int, float} or not math.isfinite(value) or value > 1e-6:
        return None
    return min(float(value), 0.0)
