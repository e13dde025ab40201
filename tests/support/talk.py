"""Interactions for tests of scorers, from what was said alone."""

from datetime import UTC, datetime
from typing import Any

from monitor.intake.interaction import Interaction, Message
from monitor.scoring.runner import run
from monitor.scoring.verdict import Scorer, Verdict

WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def talk(*said: str, system: str = "", **fields: Any) -> Interaction:
    """Give a conversation in which user and assistant take turns; the last word is the assistant's."""
    messages = [Message(role="system", content=system)] if system else []
    messages += [
        Message(role="assistant" if (len(said) - number) % 2 else "user", content=content)
        for number, content in enumerate(said)
    ]
    told = {"interaction_id": "i", "conversation_id": "c", "turn": max(len(said) // 2 - 1, 0), "occurred_at": WHEN}
    return Interaction(**{**told, "messages": tuple(messages), **fields})


def verdict_of(scorer: Scorer, interaction: Interaction) -> Verdict:
    """Score one interaction, as the runner does, and expect a verdict."""
    (result,) = run(scorer, [interaction])
    assert isinstance(result, Verdict), result
    return result
