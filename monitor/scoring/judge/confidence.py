"""How sure a judge is of its labels, from the tokens it wrote, where the endpoint tells their probabilities."""

import math
import re
from collections.abc import Mapping, Sequence

from monitor.scoring.judge.call import Reply

# Inside a JSON string the quotation mark after `label` has a backslash before it, so this finds keys only.
_LABEL = re.compile(r'"label"\s*:\s*"([^"\\]*)"')


def from_tokens(reply: Reply, order: Sequence[str], labels: Mapping[str, str]) -> dict[str, float]:
    """Give the probability of each dimension's label: the product over the tokens that spell it.

    `order` are the keys of the reply's last verdict as it gives them, `labels` what was read by dimension. A token
    that holds more than a part of the label (as its quotation mark) counts whole. Empty unless tokens, text and labels
    fit exactly: a probability that may belong to another word is worse than none.
    """
    if not reply.logprobs or "".join(token for token, _ in reply.logprobs) != reply.text:
        return {}
    found = list(_LABEL.finditer(reply.text))
    # Each answer that was read has one label, so equal numbers leave none over that stands elsewhere.
    if set(order) != set(labels) or len(found) != len(order):
        return {}
    return {name: _probability(reply, *place.span(1)) for name, place in zip(order, found, strict=True)}


def _probability(reply: Reply, start: int, end: int) -> float:
    total, at = 0.0, 0
    for token, logprob in reply.logprobs:
        if at < end and at + len(token) > start:
            total += logprob
        at += len(token)
    # Endpoints round: a hair above 0, or -9999 for "none".
    return math.exp(min(total, 0.0)) if not math.isnan(total) else 0.0
